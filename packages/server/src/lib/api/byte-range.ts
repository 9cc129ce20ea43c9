/** Bytes of a representation that an answer carries. */
export type ByteRange =
  | { readonly kind: "whole" }
  /** @property end - exclusive */
  | { readonly kind: "part"; readonly start: number; readonly end: number }
  | { readonly kind: "unsatisfiable" };

const whole: ByteRange = { kind: "whole" };
const unsatisfiable: ByteRange = { kind: "unsatisfiable" };

/**
 * Reads a Range header. [RFC 9110, 14.1.2 and 14.2] A server may ignore it: one of another unit, a malformed one and one
 * that asks for several ranges are, and the whole is sent.
 *
 * @param header - such as `bytes=0-499`, `bytes=500-` or `bytes=-500`
 * @param sizeBytes - of the representation
 */
export function parseByteRange(header: string | undefined, sizeBytes: number): ByteRange {
  const [, first = "", last = ""] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? "") ?? [];
  if (first === "" && last === "") return whole;
  if (first === "") return parseSuffix(Number(last), sizeBytes);
  const start = Number(first);
  const end = last === "" ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  // A last position before the first one makes the header malformed, not unsatisfiable.
  if (last !== "" && Number(last) < start) return whole;
  return start >= sizeBytes ? unsatisfiable : { kind: "part", start, end };
}

function parseSuffix(suffixBytes: number, sizeBytes: number): ByteRange {
  if (suffixBytes === 0 || sizeBytes === 0) return unsatisfiable;
  return { kind: "part", start: Math.max(0, sizeBytes - suffixBytes), end: sizeBytes };
}
