import type { FastifyReply, FastifyRequest } from "fastify";
import { RequestError, type ServerError } from "../kernel/errors.ts";
import type { ApiLimits } from "./api-limits.ts";
import type { ApiLoad } from "./api-load.ts";
import { problemDetails } from "./problem-details.ts";
import { securityHeaders } from "./security-headers.ts";

/** What of a connection is used. */
interface Connection {
  readonly writable: boolean;
  readonly destroyed: boolean;
  end(text: string): unknown;
  destroy(error?: Error): unknown;
  once(event: "close", listener: () => void): unknown;
}

/** One that does not take the answer is not waited for. */
const maxEndMs = 1_000;

/** Answers what is no HTTP, and then ends the connection: nobody knows where the next request would begin. */
export class MalformedRequests {
  readonly #load: Pick<ApiLoad, "limits" | "tally">;
  /** The newest answer of a connection. */
  readonly #answers = new WeakMap<object, FastifyReply["raw"]>();

  constructor(load: Pick<ApiLoad, "limits" | "tally">) {
    this.#load = load;
  }

  /**
   * Takes a request that could be read.
   *
   * @throws RequestError `BAD_REQUEST` for one without a Host header, which HTTP/1.1 requires [RFC 9112, 3.2]
   */
  note({ raw: request }: FastifyRequest, { raw }: FastifyReply): void {
    this.#answers.set(request.socket, raw);
    if (request.httpVersion !== "1.1" || request.headers.host !== undefined) return;
    throw new RequestError("BAD_REQUEST", "the request has no Host header, which HTTP/1.1 requires");
  }

  /** For the event `clientError` of a server. */
  answer(error: Error & { readonly code?: string }, connection: Connection): void {
    if (error.code === "ECONNRESET" || connection.destroyed) return;
    const known = describe(error.code, this.#load.limits);
    this.#load.tally.note(known.code);
    const earlier = this.#answers.get(connection);
    // In the middle of another answer a second one would be taken for a part of it.
    const isFree = earlier === undefined || !earlier.headersSent || earlier.writableFinished;
    if (!connection.writable || !isFree) {
      connection.destroy(error);
      return;
    }
    const timer = setTimeout(() => connection.destroy(error), maxEndMs);
    connection.once("close", () => clearTimeout(timer));
    connection.end(formatAnswer(known));
  }
}

function describe(code: string | undefined, { maxHeaderBytes }: ApiLimits): ServerError {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return new RequestError("REQUEST_TIMEOUT", "the request did not end in time");
  if (code === "HPE_HEADER_OVERFLOW")
    return new RequestError("HEADERS_TOO_LARGE", `path and headers exceed ${maxHeaderBytes} bytes`);
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") {
    return new RequestError("BODY_TOO_LARGE", "the extensions of the body's chunks exceed 16 KiB");
  }
  return new RequestError("BAD_REQUEST", "the request cannot be read as HTTP/1.1");
}

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
};

function formatAnswer(error: ServerError): string {
  const { status, body } = problemDetails(error);
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} ${reasons[status] ?? ""}`,
    "connection: close",
    "cache-control: no-store",
    ...Object.entries(securityHeaders).map(([name, value]) => `${name}: ${value}`),
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  return `${head.join("\r\n")}\r\n\r\n${text}`;
}
