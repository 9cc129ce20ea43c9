import { RequestError } from "../kernel/errors.ts";
import { cameByTls } from "../kernel/forwarded-client.ts";
import type { ApiApp } from "./api-app.ts";
import type { ApiLimits } from "./api-limits.ts";
import type { ApiLoad } from "./api-load.ts";
import { limitApiRate } from "./api-rate.ts";
import type { ApiSources } from "./api-sources.ts";
import { jsonDepth } from "./json-depth.ts";
import { addOpenapi } from "./openapi.ts";
import { checkOrigin } from "./page-origin.ts";
import { addAccessRoutes } from "./routes/access-routes.ts";
import { addAudioGapRoutes } from "./routes/audio-gap-routes.ts";
import { addAudioRoutes } from "./routes/audio-routes.ts";
import { addDeletionRoutes } from "./routes/deletion-routes.ts";
import { addDeliveryRoutes } from "./routes/delivery-routes.ts";
import { addDeviceRoutes } from "./routes/device-routes.ts";
import { addEventRoutes } from "./routes/event-routes.ts";
import { addLogLevelRoutes } from "./routes/log-level-routes.ts";
import { addMetricsRoutes } from "./routes/metrics-routes.ts";
import { addOidcRoutes } from "./routes/oidc-routes.ts";
import { addPictureRoutes } from "./routes/picture-routes.ts";
import { addPinRoutes } from "./routes/pin-routes.ts";
import { addRetentionRoutes } from "./routes/retention-routes.ts";
import { addSegmentFileRoutes } from "./routes/segment-file-routes.ts";
import { addSegmentRoutes } from "./routes/segment-routes.ts";
import { addSessionRoutes } from "./routes/session-routes.ts";
import { addSimulationRoutes } from "./routes/simulation-routes.ts";
import { addStorageRoutes } from "./routes/storage-routes.ts";
import { addTimelineRoutes } from "./routes/timeline-routes.ts";
import { addTokenRoutes } from "./routes/token-routes.ts";
import { addUploadRoutes } from "./routes/upload-routes.ts";

/** Of a body without lists: the longest that people write is a note of 500 characters. */
const maxPlainBodyBytes = 8_192;

/** The REST API below `/api/v1`, its document and page, and `/metrics`. */
export function addRestApi(app: ApiApp, sources: ApiSources, load: ApiLoad): void {
  takeJsonOnly(app, load.limits);
  app.addHook("onRoute", (route) => {
    // Before anything of it is read: a body of a few fields is small.
    if (!hasList(route.schema?.body)) route.bodyLimit ??= Math.min(load.limits.maxBodyBytes, maxPlainBodyBytes);
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.header("cache-control", "no-store");
    const { method, headers, raw } = request;
    checkOrigin({ method, headers, isTls: cameByTls(raw) }, sources.guard?.publicUrl);
  });
  limitApiRate(app, sources.guard, load.limits);
  addOpenapi(app, sources.version);
  app.register(async (root: ApiApp) => addMetricsRoutes(root, sources, load));
  app.register(async (v1: ApiApp) => addResources(v1, sources, load), { prefix: "/api/v1" });
}

function addResources(app: ApiApp, sources: ApiSources, load: ApiLoad): void {
  addDeviceRoutes(app, sources);
  addTimelineRoutes(app, sources);
  addSessionRoutes(app, sources);
  addSegmentRoutes(app, sources);
  addSegmentFileRoutes(app, sources);
  addDeletionRoutes(app, sources);
  addPinRoutes(app, sources);
  addAudioRoutes(app, sources, load);
  addAudioGapRoutes(app, sources);
  addPictureRoutes(app, sources, load);
  addEventRoutes(app, sources, load);
  addDeliveryRoutes(app, sources);
  addRetentionRoutes(app, sources);
  addStorageRoutes(app, sources);
  addUploadRoutes(app, sources);
  addSimulationRoutes(app, sources);
  addLogLevelRoutes(app, sources);
  if (sources.guard === undefined) return;
  if (sources.guard.oidc !== undefined) addOidcRoutes(app, sources.guard, sources.guard.oidc);
  addAccessRoutes(app, sources.guard, () => sources.clock.wallMs());
  addTokenRoutes(app, sources.guard, () => sources.clock.wallMs());
}

/** Whether a body may hold as many things as a list does. */
function hasList(schema: unknown): boolean {
  const { type, properties = {} } = (schema ?? {}) as { readonly type?: unknown; readonly properties?: object };
  return type === "array" || Object.values(properties).some(hasList);
}

/** A form of another site cannot send JSON, nor a body as long as that of `/echo`. */
function takeJsonOnly(app: ApiApp, limits: ApiLimits): void {
  app.removeAllContentTypeParsers();
  const options = { parseAs: "string", bodyLimit: limits.maxBodyBytes } as const;
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", options, (request, body, done) => {
    const { maxJsonDepth } = limits;
    if (jsonDepth(String(body), maxJsonDepth) <= maxJsonDepth) return parse(request, String(body), done);
    done(new RequestError("JSON_TOO_DEEP", `the body has more than ${maxJsonDepth} levels, which are allowed`));
  });
}
