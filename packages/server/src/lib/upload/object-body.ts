import { UploadError } from "../kernel/errors.ts";
import type { ByteRange, ReadObject } from "../kernel/object-reader.ts";

/** What a store's answer to a read holds. */
export interface ObjectAnswer {
  readonly Body?: unknown;
  readonly ContentLength?: number | undefined;
  readonly ContentRange?: string | undefined;
}

/**
 * Reads an answer to its end.
 *
 * @param where - names the store and the object
 * @throws UploadError `UPLOAD_MISMATCH` when it holds other than the bytes that were asked for, or more than `maxBytes`
 */
export async function readBody(
  answer: ObjectAnswer,
  where: string,
  range?: ByteRange,
  maxBytes: number = Number.POSITIVE_INFINITY,
): Promise<ReadObject> {
  const body = answer.Body as AsyncIterable<Uint8Array> & { destroy?: () => void };
  const length = answer.ContentLength;
  const objectBytes = range === undefined ? length : Number(answer.ContentRange?.split("/")[1]);
  const problem = describeProblem(answer, objectBytes, range, maxBytes);
  if (length === undefined || objectBytes === undefined || problem !== undefined) {
    body.destroy?.();
    throw new UploadError("UPLOAD_MISMATCH", `${where}: ${problem ?? "the store does not tell the length"}`);
  }
  // Memory of its own, no part of Node's pool: it may be handed over to another thread.
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for await (const chunk of body) {
    if (at + chunk.byteLength > length) break;
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  if (at !== length) throw new UploadError("UPLOAD_MISMATCH", `${where}: ${at} of ${length} bytes came`);
  return { bytes, objectBytes };
}

function describeProblem(
  { ContentLength: length = 0, ContentRange: given }: ObjectAnswer,
  objectBytes: number | undefined,
  range: ByteRange | undefined,
  maxBytes: number,
): string | undefined {
  if (length > maxBytes) return `it has ${length} bytes, at most ${maxBytes} are read at once`;
  if (range === undefined) return undefined;
  const isAsAsked = length === range.end - range.start && given?.startsWith(`bytes ${range.start}-${range.end - 1}/`);
  if (isAsAsked && Number.isInteger(objectBytes)) return undefined;
  return `bytes ${range.start} to ${range.end} were asked for, the answer has ${length} bytes (${given ?? "no Content-Range"})`;
}
