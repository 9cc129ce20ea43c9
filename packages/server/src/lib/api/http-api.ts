import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from "fastify";
import { RequestError, ServerError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { problemDetails } from "./problem-details.ts";

const maxEchoBytes = 1024 * 1024;

/** What `/healthz` tells: the process is alive, and in short how it fares. */
export interface Health {
  readonly status: "ok" | "degraded";
  readonly version: string;
  readonly uptimeS: number;
  readonly connections: number;
  readonly sessions: number;
  /** Segments that wait for their WAV and sidecar. */
  readonly finishing: number;
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
  const app = Fastify({ bodyLimit: maxEchoBytes, forceCloseConnections: true, requestTimeout: 30_000 });
  app.get("/healthz", async (_request, reply) => reply.header("cache-control", "no-store").send(await health()));
  // Whatever its type, the body comes back as the bytes it is.
  app.register(async (echo) => {
    echo.removeAllContentTypeParsers();
    echo.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    echo.post("/echo", (request, reply) =>
      reply
        .header("content-type", request.headers["content-type"] ?? "application/octet-stream")
        .header("x-content-type-options", "nosniff")
        .send(request.body ?? Buffer.alloc(0)),
    );
  });
  app.setNotFoundHandler((request, reply) => {
    const what = `${request.method} ${request.url}`;
    const error = isWebSocketPath(request.url)
      ? new RequestError("UPGRADE_REQUIRED", `${what} came without a WebSocket upgrade`)
      : new RequestError("NOT_FOUND", `${what} is not an endpoint`);
    return sendProblem(reply, error);
  });
  app.setErrorHandler<FastifyError | ServerError>((error, _request, reply) =>
    sendProblem(reply, toServerError(error, log)),
  );
  return app;
}

function sendProblem(reply: FastifyReply, error: ServerError): FastifyReply {
  const { status, body } = problemDetails(error);
  return reply.status(status).type("application/problem+json").send(JSON.stringify(body));
}

function isWebSocketPath(url: string): boolean {
  return url === "/ws" || url.startsWith("/ws/") || url.startsWith("/ws?");
}

function toServerError(error: FastifyError | ServerError, log: Log): ServerError {
  if (error instanceof ServerError) return error;
  if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return new RequestError("BODY_TOO_LARGE", `the body is larger than ${maxEchoBytes} bytes`, { cause: error });
  }
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new RequestError("BAD_REQUEST", error.message, { cause: error });
  }
  log.error({ error: error.message, stack: error.stack }, "request failed");
  return new RequestError("INTERNAL", "the request could not be answered", { cause: error });
}
