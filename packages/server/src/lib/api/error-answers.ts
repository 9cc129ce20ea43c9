import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { RequestError, ServerError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { type ApiLimits, defaultApiLimits } from "./api-limits.ts";
import { problemDetails } from "./problem-details.ts";
import type { RouteMethods } from "./route-methods.ts";
import { securityHeaders } from "./security-headers.ts";
import { type ParameterSchema, type ValidationFault, validationMessage } from "./validation-message.ts";

/** Of a path, in answers. */
const maxQuotedLength = 200;
/** After an error that passes, as long as nothing is known of when. */
const retryAfterS = 5;

/** Where viewers connect to. */
const livePath = "/api/v1/live";

/** Sends an error as problem details. [RFC 9457] */
export function sendProblem(reply: FastifyReply, error: ServerError): FastifyReply {
  const { status, body } = problemDetails(error);
  const isPassing = (status === 503 || status === 429) && error.row.retry === "backoff";
  if (isPassing && !reply.hasHeader("retry-after")) reply.header("retry-after", retryAfterS);
  // What the answer was to be is not what it is.
  for (const name of ["etag", "content-disposition", "accept-ranges", "last-modified"]) reply.removeHeader(name);
  return reply
    .status(status)
    .headers(securityHeaders)
    .header("cache-control", "no-store")
    .type("application/problem+json")
    .serializer((text: string) => text)
    .send(JSON.stringify(body));
}

/** Answers a request that no endpoint takes. */
export function describeUnknownPath(request: FastifyRequest, reply: FastifyReply, methods: RouteMethods): ServerError {
  const path = pathOf(request);
  if (path !== "/ws" && !path.startsWith("/ws/") && path !== livePath) {
    const allowed = methods.of(path);
    if (allowed.length === 0) return new RequestError("NOT_FOUND", `${request.method} ${path} is not an endpoint`);
    // RFC 9110, 15.5.6
    reply.header("allow", allowed.join(", "));
    const message = `${path} does not take ${request.method}; allowed: ${allowed.join(", ")}`;
    return new RequestError("METHOD_NOT_ALLOWED", message);
  }
  // RFC 9110, 15.5.22: the answer has to name what to upgrade to.
  reply.header("upgrade", "websocket").header("connection", "upgrade");
  return new RequestError("UPGRADE_REQUIRED", `${request.method} ${path} came without a WebSocket upgrade`);
}

/** Gives whatever was thrown its row of the error table; logs what nobody expected. */
export function toServerError(
  error: FastifyError | ServerError,
  request: FastifyRequest,
  log: Log,
  limits: Pick<ApiLimits, "maxBodyBytes" | "maxEchoBytes"> = defaultApiLimits,
): ServerError {
  if (error instanceof ServerError) {
    const { status } = problemDetails(error);
    if (status >= 500 && error.row.retry !== "backoff") {
      log.warn({ path: pathOf(request), code: error.code, error: error.message }, "request failed");
    }
    return error;
  }
  const known = toRequestError(error, request, limits);
  if (known !== undefined) return known;
  log.error({ path: pathOf(request), error: error.message, stack: error.stack }, "request failed");
  return new RequestError("INTERNAL", "the request could not be answered", { cause: error });
}

function toRequestError(
  error: FastifyError,
  request: FastifyRequest,
  { maxBodyBytes, maxEchoBytes }: Pick<ApiLimits, "maxBodyBytes" | "maxEchoBytes">,
): RequestError | undefined {
  const { code, statusCode = 500, validation } = error;
  const isApi = pathOf(request).startsWith("/api/");
  if (validation !== undefined) return describeValidation(error, request);
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    const { bodyLimit = maxBodyBytes } = request.routeOptions;
    const maxBytes = isApi ? Math.min(bodyLimit, maxBodyBytes) : maxEchoBytes;
    return new RequestError("BODY_TOO_LARGE", `the body is larger than ${maxBytes} bytes`, { cause: error });
  }
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    const type = JSON.stringify(request.headers["content-type"] ?? null);
    return isApi
      ? new RequestError("MEDIA_TYPE_INVALID", `the Content-Type is ${type}; allowed: application/json`)
      : new RequestError("BAD_REQUEST", `the Content-Type ${type} is not a media type such as audio/wav`);
  }
  if (code === "FST_ERR_BAD_URL") {
    return new RequestError("BAD_REQUEST", `${pathOf(request)} is not a valid path: each % needs two hex digits`);
  }
  return statusCode < 500 ? new RequestError("BAD_REQUEST", error.message, { cause: error }) : undefined;
}

function describeValidation({ validation = [], validationContext }: FastifyError, request: FastifyRequest) {
  const { schema } = request.routeOptions;
  const parts = {
    params: [schema?.params, request.params],
    querystring: [schema?.querystring, request.query],
    body: [schema?.body, request.body],
    headers: [schema?.headers, request.headers],
  } as const;
  const [partSchema, value] = parts[(validationContext ?? "body") as keyof typeof parts];
  const faults = validation as readonly ValidationFault[];
  return new RequestError("PARAMETER_INVALID", validationMessage(faults, (partSchema ?? {}) as ParameterSchema, value));
}

/** Without the query, which may hold a token. */
function pathOf({ url }: FastifyRequest): string {
  return (url.split("?", 1)[0] ?? "").slice(0, maxQuotedLength);
}
