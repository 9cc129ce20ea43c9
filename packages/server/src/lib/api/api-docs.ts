import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifySchema,
  type RouteOptions,
} from "fastify";

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

/** A route as the document tells of it. */
export interface DocumentedRoute extends Pick<RouteOptions, "method" | "url"> {
  readonly schema?: FastifySchema;
}

export interface ApiDocsOptions {
  readonly version: string;
  readonly routes: readonly DocumentedRoute[];
  /** Those that others refer to by their `$id`. */
  readonly schemas: readonly object[];
}

/** The document of an API, and the page to browse it. */
export interface ApiDocs {
  /** Answers a request for one of its paths. */
  answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>;
  close(): Promise<void>;
}

/** What belongs to the way by which an answer comes, not to the answer. */
const ownHeaders: ReadonlySet<string> = new Set(["connection", "content-length", "date", "transfer-encoding"]);

/**
 * Makes the document of some routes, and its page, on an application of its own that listens nowhere: they need more modules
 * and more time than the API that they tell of.
 */
export async function openApiDocs({ version, routes, schemas }: ApiDocsOptions): Promise<ApiDocs> {
  const app = Fastify({ exposeHeadRoutes: false });
  // No route but that of the document is ever called: the schemas are read, not used.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  for (const schema of schemas) app.addSchema(schema);
  addPlugins(app, version);
  const handler = async (_request: FastifyRequest, reply: FastifyReply) =>
    reply.header("cache-control", "no-cache").send(app.swagger());
  // In a scope of its own, which is made when the plugins stand: so they see the routes.
  app.register(async (scope) => {
    for (const { method, url, schema } of routes) {
      if (method === "HEAD" || url.startsWith("/api/docs")) continue;
      scope.route({ method, url, handler, ...(schema && { schema }) });
    }
  });
  await app.ready();
  return {
    answer: async ({ url, headers }, reply) => {
      // Of an answer to HEAD the body is left out later.
      const answer = await app.inject({ method: "GET", url, headers });
      if (answer.statusCode === 404) {
        reply.callNotFound();
        return reply;
      }
      for (const [name, value] of Object.entries(answer.headers)) {
        if (value !== undefined && !ownHeaders.has(name)) reply.header(name, value);
      }
      return reply.status(answer.statusCode).send(answer.rawPayload.byteLength > 0 ? answer.rawPayload : undefined);
    },
    close: () => app.close(),
  };
}

function addPlugins(app: FastifyInstance, version: string): void {
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
}
