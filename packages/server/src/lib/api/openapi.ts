import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { ServerEvent } from "../kernel/server-event.ts";
import { type ApiApp, jsonAnswer } from "./api-app.ts";
import type { ApiDocs, DocumentedRoute } from "./api-docs.ts";
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

/**
 * `/api/openapi.json`, made from the schemas that validate, and `/api/docs`, a page to browse it. To be called before the
 * routes are added. Both are made when somebody asks for them: a server that starts does not wait for that.
 */
export function addOpenapi(app: ApiApp, version: string): void {
  for (const schema of namedSchemas) app.addSchema(schema);
  const routes: DocumentedRoute[] = [];
  app.addHook("onRoute", ({ method, url, schema }) => {
    routes.push({ method, url, ...(schema && { schema }) });
  });
  let docs: Promise<ApiDocs> | undefined;
  const open = async () => {
    const { openApiDocs } = await import("./api-docs.ts");
    return openApiDocs({ version, routes, schemas: namedSchemas });
  };
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const opening = docs ?? open();
    docs = opening;
    // The next one tries again.
    opening.catch(() => {
      docs = undefined;
    });
    return (await opening).answer(request, reply);
  };
  app.addHook("onClose", async () => (await docs)?.close());
  app.get("/api/docs", { schema: { hide: true } }, answer);
  app.get("/api/docs/*", { schema: { hide: true } }, answer);
  const schema = {
    ...{ operationId: "readOpenapi", summary: "This document (OpenAPI 3.1)", tags: ["server"] },
    response: { 200: jsonAnswer("the document", Type.Object({ openapi: Type.Literal("3.1.0") })) },
  };
  app.get("/api/openapi.json", { schema }, answer);
}
