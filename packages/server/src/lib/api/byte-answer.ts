import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { RequestError } from "../kernel/errors.ts";
import type { ByteRange } from "../kernel/object-reader.ts";
import { parseByteRange } from "./byte-range.ts";

/** Bytes of known length, and what tells of them. */
export interface ByteContent {
  readonly sizeBytes: number;
  readonly contentType: string;
  /** Strong validator, with its quotes. */
  readonly etag: string;
  /** ASCII. */
  readonly fileName: string;
  /** False: a browser shows or plays it; default true: it saves it. */
  readonly isAttachment?: boolean;
  /** Begins to read; the stream frees everything when it ends or is destroyed. Not called for HEAD and 304. */
  read(range: ByteRange): Readable | Promise<Readable>;
  /** Called when nothing is to be read. */
  dispose?(): void | Promise<void>;
}

/**
 * Answers GET and HEAD with bytes: 200, 206 for a Range, 304 for If-None-Match, 416. [RFC 9110, 13 and 14] If-Range with
 * another validator than the present one brings the whole. Of several ranges the whole is sent.
 *
 * @throws RequestError `BYTES_NOT_SATISFIABLE`
 */
export async function sendBytes(request: FastifyRequest, reply: FastifyReply, content: ByteContent): Promise<unknown> {
  const { sizeBytes, etag, contentType, fileName, isAttachment = true } = content;
  reply.header("etag", etag).header("accept-ranges", "bytes").header("cache-control", "private, no-cache");
  if (matchesAny(request.headers["if-none-match"], etag)) {
    await content.dispose?.();
    return reply.status(304).send();
  }
  const range = rangeOf(request, etag, sizeBytes);
  if (range.kind === "unsatisfiable") {
    await content.dispose?.();
    reply.header("content-range", `bytes */${sizeBytes}`);
    const asked = JSON.stringify(request.headers.range ?? "");
    throw new RequestError("BYTES_NOT_SATISFIABLE", `the Range is ${asked} of ${sizeBytes} bytes`);
  }
  const { start, end } = range.kind === "part" ? range : { start: 0, end: sizeBytes };
  if (range.kind === "part") reply.status(206).header("content-range", `bytes ${start}-${end - 1}/${sizeBytes}`);
  reply
    .type(contentType)
    .header("content-length", end - start)
    .header("content-disposition", `${isAttachment ? "attachment" : "inline"}; filename="${fileName}"`);
  if (request.method === "HEAD" || end === start) {
    await content.dispose?.();
    // An empty stream: fastify would put the length of an empty body in the place of what is told.
    return reply.send(Readable.from([]));
  }
  return reply.send(await content.read({ start, end }));
}

function rangeOf({ headers }: FastifyRequest, etag: string, sizeBytes: number) {
  const ifRange = headers["if-range"];
  // Weak validators and dates never match. [RFC 9110, 13.1.5]
  const isCurrent = ifRange === undefined || ifRange === etag;
  return parseByteRange(isCurrent ? headers.range : undefined, sizeBytes);
}

/** Whether an If-None-Match names what there is; it compares weakly. [RFC 9110, 13.1.2] */
export function matchesAny(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const offered = header.split(",").map((entry) => entry.trim().replace(/^W\//, ""));
  return offered.includes("*") || offered.includes(etag);
}
