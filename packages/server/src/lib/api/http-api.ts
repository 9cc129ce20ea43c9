import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { RequestError, ServerError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { problemDetails } from "./problem-details.ts";

const maxEchoBytes = 1024 * 1024;
/** Of a path, in answers. */
const maxQuotedLength = 200;

/** What `/healthz` tells: the process is alive, and in short how it fares. */
export interface Health {
  readonly status: "ok" | "degraded";
  readonly version: string;
  readonly uptimeS: number;
  readonly connections: number;
  readonly sessions: number;
  /** Segments that wait for their WAV and sidecar. */
  readonly finishing: number;
  /** Segments whose finishing failed in this run: their frames are safe, the next start tries again. */
  readonly unfinished: number;
  readonly disk: { readonly state: string; readonly freeBytes: number };
  /** `null` when uploads are off. */
  readonly uploads: {
    readonly pending: number;
    readonly uploading: number;
    readonly stored: number;
    readonly failed: number;
  } | null;
}

export interface HttpApiOptions {
  readonly health: () => Health | Promise<Health>;
  readonly log: Log;
}

/** The HTTP endpoints beside the WebSocket ones: `GET /healthz` and `POST /echo`. [P-1.8] */
export function createHttpApi({ health, log }: HttpApiOptions): FastifyInstance {
  const onError = (error: FastifyError | ServerError, request: FastifyRequest, reply: FastifyReply) =>
    sendProblem(reply, toServerError(error, request, log));
  const app = Fastify({
    bodyLimit: maxEchoBytes,
    forceCloseConnections: true,
    requestTimeout: 30_000,
    frameworkErrors: onError,
  });
  app.setErrorHandler(onError);
  app.setNotFoundHandler((request, reply) => sendProblem(reply, describeUnknownPath(request, reply)));
  app.get("/healthz", async (_request, reply) => reply.header("cache-control", "no-store").send(await health()));
  app.register(addEcho);
  return app;
}

/** Whatever its type, the body comes back as the bytes it is. */
async function addEcho(app: FastifyInstance): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.post("/echo", (request, reply) =>
    reply
      .header("content-type", request.headers["content-type"] ?? "application/octet-stream")
      .header("x-content-type-options", "nosniff")
      .send(request.body ?? Buffer.alloc(0)),
  );
}

function sendProblem(reply: FastifyReply, error: ServerError): FastifyReply {
  const { status, body } = problemDetails(error);
  return reply
    .status(status)
    .header("x-content-type-options", "nosniff")
    .type("application/problem+json")
    .send(JSON.stringify(body));
}

function describeUnknownPath(request: FastifyRequest, reply: FastifyReply): ServerError {
  const path = pathOf(request);
  if (path !== "/ws" && !path.startsWith("/ws/")) {
    return new RequestError("NOT_FOUND", `${request.method} ${path} is not an endpoint`);
  }
  // RFC 9110, 15.5.22: the answer has to name what to upgrade to.
  reply.header("upgrade", "websocket").header("connection", "upgrade");
  return new RequestError("UPGRADE_REQUIRED", `${request.method} ${path} came without a WebSocket upgrade`);
}

/** Without the query, which may hold a token. */
function pathOf({ url }: FastifyRequest): string {
  return (url.split("?", 1)[0] ?? "").slice(0, maxQuotedLength);
}

function toServerError(error: FastifyError | ServerError, request: FastifyRequest, log: Log): ServerError {
  if (error instanceof ServerError) return error;
  const { code, statusCode = 500 } = error;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return new RequestError("BODY_TOO_LARGE", `the body is larger than ${maxEchoBytes} bytes`, { cause: error });
  }
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    const type = JSON.stringify(request.headers["content-type"]);
    return new RequestError("BAD_REQUEST", `the Content-Type ${type} is not a media type such as audio/wav`);
  }
  if (code === "FST_ERR_BAD_URL") {
    return new RequestError("BAD_REQUEST", `${pathOf(request)} is not a valid path: each % needs two hex digits`);
  }
  if (statusCode < 500) return new RequestError("BAD_REQUEST", error.message, { cause: error });
  log.error({ path: pathOf(request), error: error.message, stack: error.stack }, "request failed");
  return new RequestError("INTERNAL", "the request could not be answered", { cause: error });
}
