import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from "fastify";
import type { AccessMode } from "../access/access.ts";
import type { ServerError } from "../kernel/errors.ts";
import type { ApiApp } from "./api-app.ts";
import { httpServerOptions } from "./api-limits.ts";
import { type ApiLoadOptions, createApiLoad } from "./api-load.ts";
import type { ApiSources } from "./api-sources.ts";
import { describeUnknownPath, sendProblem, toServerError } from "./error-answers.ts";
import { MalformedRequests } from "./malformed-requests.ts";
import { addRestApi } from "./rest-api.ts";
import { RouteMethods } from "./route-methods.ts";
import { securityHeaders, transportSecurityHeaders } from "./security-headers.ts";
import { strictValidator } from "./strict-validator.ts";

/** What `/healthz` tells viewers: the process is alive, and in short how it fares. To others it tells the status alone. */
export interface Health {
  readonly status: "ok" | "degraded";
  readonly version: string;
  /** Who is let in, see `AccessMode`. */
  readonly access: AccessMode;
  readonly uptimeS: number;
  readonly connections: number;
  readonly sessions: number;
  /** Segments that wait for their WAV and sidecar. */
  readonly finishing: number;
  /** Segments whose finishing failed: their frames are safe. What passes is tried again, the rest at the next start. */
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

/** What `/readyz` tells: whether devices should be sent here. */
export interface Readiness {
  /** `not-ready` is answered with 503. */
  readonly status: "ready" | "not-ready";
  /** What is in the way, each a sentence; empty when ready. For those who may read what goes on here. */
  readonly reasons: readonly string[];
  /** The same for everybody else, without paths and sizes: they get it as `reasons`. */
  readonly plainReasons: readonly string[];
  readonly checks: {
    /** Of what an earlier run left; `stopped`: by an error, the next start goes on with it. */
    readonly recovery: "running" | "done" | "stopped";
    /** Only `hard` is in the way: no streams are taken then. */
    readonly disk: "ok" | "soft" | "hard";
    readonly catalog: "ok" | "failing";
  };
}

/** Given as factories: a compiler that is set holds for one scope only, not for those within that add schemas. */
const compilersFactory = {
  buildValidator: () => strictValidator,
  // Answers are typed by their schemas, and a test holds the real ones against the document.
  buildSerializer: () => () => JSON.stringify,
} as unknown as CompilersFactory;

/** Its types know no compilers but those of ajv. */
type CompilersFactory = NonNullable<NonNullable<FastifyServerOptions["schemaController"]>["compilersFactory"]>;

export interface HttpApiOptions extends ApiLoadOptions {
  readonly health: () => Health | Promise<Health>;
  readonly readiness: () => Promise<Readiness>;
  readonly sources: ApiSources;
  /** What listens, and whose word on clients counts. Default: a server without TLS, and nobody's. */
  readonly served?: Pick<FastifyServerOptions, "serverFactory" | "trustProxy"> | undefined;
}

/** The HTTP endpoints beside the WebSocket ones: `GET /healthz`, `GET /readyz`, `POST /echo` [P-1.8] and the REST API. */
export function createHttpApi(options: HttpApiOptions): FastifyInstance {
  const { health, readiness, sources, log } = options;
  const load = createApiLoad(options);
  const methods = new RouteMethods();
  const malformed = new MalformedRequests(load);
  const onError = (error: FastifyError | ServerError, request: FastifyRequest, reply: FastifyReply) => {
    const thrown = toServerError(error, request, log, load.limits);
    const known = sources.guard?.refuse(request, reply, thrown) ?? thrown;
    load.tally.note(known.code);
    return sendProblem(reply, known);
  };
  const { requestTimeout, keepAliveTimeout, ...http } = httpServerOptions(load.limits);
  const app = Fastify({
    bodyLimit: load.limits.maxEchoBytes,
    forceCloseConnections: true,
    // Refused here, with a body that says so.
    http: { ...http, requestTimeout, requireHostHeader: false },
    requestTimeout,
    keepAliveTimeout,
    frameworkErrors: onError,
    clientErrorHandler: (error, socket) => malformed.answer(error, socket),
    schemaController: { compilersFactory },
    ...options.served,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setErrorHandler(onError);
  app.setNotFoundHandler((request, reply) => sendProblem(reply, describeUnknownPath(request, reply, methods)));
  app.addHook("onRoute", (route) => methods.add(route));
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(securityHeaders);
    if (sources.guard?.isFoundByTls(request)) reply.headers(transportSecurityHeaders);
    malformed.note(request, reply);
    load.readers.follow(request, reply);
  });
  sources.guard?.watch(app as unknown as FastifyInstance);
  app.get("/healthz", async (request, reply) => {
    const answer = await health();
    const isShown = sources.guard?.mayRead(request) ?? true;
    return reply.header("cache-control", "no-store").send(isShown ? answer : { status: answer.status });
  });
  app.get("/readyz", async (request, reply) => {
    const { reasons, plainReasons, ...answer } = await readiness();
    const isShown = sources.guard?.mayRead(request) ?? true;
    return reply
      .status(answer.status === "ready" ? 200 : 503)
      .header("cache-control", "no-store")
      .send({ ...answer, reasons: isShown ? reasons : plainReasons });
  });
  app.register(addEcho);
  app.register(async (scope: ApiApp) => addRestApi(scope, sources, load));
  // An expectation that nobody knows is no reason to refuse what is asked. [RFC 9110, 10.1.1]
  app.server.on("checkExpectation", (request, response) => app.server.emit("request", request, response));
  return app as unknown as FastifyInstance;
}

/** Whatever its type, the body comes back as the bytes it is. */
async function addEcho(app: FastifyInstance): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.post("/echo", (request, reply) =>
    reply
      .header("content-type", request.headers["content-type"] ?? "application/octet-stream")
      .send(request.body ?? Buffer.alloc(0)),
  );
}
