import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import Type from "typebox";
import { ServerEvent } from "../kernel/server-event.ts";
import { type ApiApp, jsonAnswer } from "./api-app.ts";
import { ProblemDetails } from "./problem-details.ts";
import { DeadLetterList, DeliveryList, ReplayResult } from "./resources/delivery-resource.ts";
import { Device, DevicePage } from "./resources/device-resource.ts";
import { PinList, PinPage, PinResource } from "./resources/pin-resource.ts";
import { Format } from "./resources/resource-schemas.ts";
import { RetentionPreview } from "./resources/retention-resource.ts";
import { Gap, Segment, SegmentPage, SegmentWithFiles } from "./resources/segment-resource.ts";
import { Session, SessionPage } from "./resources/session-resource.ts";
import { SimulatedDeviceList, SimulatedDeviceResource } from "./resources/simulation-resource.ts";
import { Storage } from "./resources/storage-resource.ts";
import { TimelineResource } from "./resources/timeline-resource.ts";
import { AccessResource, CreatedToken, TokenList, TokenResource } from "./resources/token-resource.ts";
import { RetryResult, Upload, UploadPage } from "./resources/upload-resource.ts";
import { AudioGapPage } from "./routes/audio-gap-routes.ts";
import { DeletionResult } from "./routes/deletion-routes.ts";
import { EventPage } from "./routes/event-routes.ts";
import { Peaks } from "./routes/picture-routes.ts";

const namedSchemas = [
  ...[TokenResource, TokenList, CreatedToken, AccessResource],
  ...[ProblemDetails, Format, Device, DevicePage, Session, SessionPage, Gap, Segment, SegmentWithFiles, SegmentPage],
  ...[
    TimelineResource,
    PinResource,
    PinList,
    PinPage,
    ServerEvent,
    EventPage,
    DeliveryList,
    DeadLetterList,
    ReplayResult,
  ],
  ...[SimulatedDeviceResource, SimulatedDeviceList],
  ...[DeletionResult, AudioGapPage, Peaks, RetentionPreview, Storage, Upload, UploadPage, RetryResult],
];

const description = `What was recorded: devices, sessions, segments, audio of any range, events.

Names are in snake_case, as in the sidecars on disk. Times in answers are ISO 8601 in UTC with milliseconds; requests may
also give milliseconds since 1970 or a time relative to now (-5m, -2h, now). Errors are problem details (RFC 9457) with the
code and the fix of docs/errors.md.`;

/** The page needs nothing but what this server sends. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join("; ");

/**
 * `/api/openapi.json`, made from the schemas that validate, and `/api/docs`, a page to browse it. To be called before the
 * routes are added.
 */
export function addOpenapi(app: ApiApp, version: string): void {
  for (const schema of namedSchemas) app.addSchema(schema);
  app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "EET", version, description, license: { name: "MIT", identifier: "MIT" } },
      servers: [{ url: "/", description: "this server" }],
      tags: [
        { name: "devices", description: "who records" },
        { name: "sessions", description: "runs of a device" },
        { name: "segments", description: "files" },
        { name: "audio", description: "ranges to hear and to see" },
        { name: "pins", description: "what must stay" },
        { name: "events", description: "what happened, and who is told" },
        { name: "storage", description: "the disk, uploads, what leaves" },
        { name: "server", description: "how the server fares" },
        { name: "access", description: "who may what; for people and programs, and the tokens of devices" },
      ],
    },
    refResolver: { buildLocalReference: ({ $id }, _base, _fragment, index) => String($id ?? `schema-${index}`) },
  });
  app.register(swaggerUi, {
    routePrefix: "/api/docs",
    staticCSP: pagePolicy,
    theme: { title: "EET: REST API" },
    // Not asked of a server on the internet.
    uiConfig: {
      url: "/api/openapi.json",
      validatorUrl: null,
      layout: "BaseLayout",
      deepLinking: true,
      tryItOutEnabled: true,
    },
  });
  // In a scope of its own, which is made when the plugin above stands: so it is in the document as well.
  app.register(async (scope: ApiApp) => {
    const schema = {
      ...{ operationId: "readOpenapi", summary: "This document (OpenAPI 3.1)", tags: ["server"] },
      response: { 200: jsonAnswer("the document", Type.Object({ openapi: Type.Literal("3.1.0") })) },
    };
    scope.get("/api/openapi.json", { schema }, async (_request, reply) =>
      reply.header("cache-control", "no-cache").send(scope.swagger()),
    );
  });
}
