import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { crc32 } from "node:zlib";

/** What the stub's users sign with. */
export interface StubCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** When set, every request must carry it. */
  readonly sessionToken?: string;
}

/** A request as it came from the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query exactly as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Where a request carried the CRC32 of its payload. */
export type ChecksumPlace = "header" | "trailer" | "none";

/** Bytes of an object or part, with the checksum that came along. */
export interface Payload {
  readonly bytes: Buffer;
  readonly crc32Place: ChecksumPlace;
}

/** An S3 error answer. */
export class S3Fault extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string = code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const maxClockSkewMs = 15 * 60 * 1000;
const authorizationForm =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/**
 * Verifies a request's Signature Version 4 in the `Authorization` header, by the published algorithm ("Authenticating
 * Requests: Using the Authorization Header", Amazon S3 API Reference).
 *
 * @param nowMs - the server's time, ms since 1970
 * @throws S3Fault as S3 answers.
 */
export function verifySignature(
  request: WireRequest,
  credentials: StubCredentials,
  region: string,
  nowMs: number = Date.now(),
): void {
  const parsed = authorizationForm.exec(request.headers.authorization ?? "");
  if (parsed === null) throw new S3Fault(403, "AccessDenied", "no SigV4 Authorization header");
  const [, accessKeyId = "", date = "", signedRegion = "", signedHeaders = "", signature = ""] = parsed;
  if (accessKeyId !== credentials.accessKeyId) throw new S3Fault(403, "InvalidAccessKeyId");
  if (signedRegion !== region) throw new S3Fault(400, "AuthorizationHeaderMalformed", `the region is ${region}`);
  if (credentials.sessionToken !== header(request, "x-amz-security-token")) throw new S3Fault(400, "InvalidToken");
  const time = header(request, "x-amz-date") ?? "";
  if (!time.startsWith(date) || Math.abs(nowMs - parseAmzDate(time)) > maxClockSkewMs) {
    throw new S3Fault(403, "RequestTimeTooSkewed", time);
  }
  const names = signedHeaders.split(";");
  const unsigned = ["host", ...Object.keys(request.headers).filter((name) => name.startsWith("x-amz-"))].filter(
    (name) => !names.includes(name),
  );
  if (unsigned.length > 0) throw new S3Fault(403, "AccessDenied", `headers not signed: ${unsigned}`);

  const scope = `${date}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonicalRequest(request, names))].join("\n");
  const key = [date, region, "s3", "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  if (!timingSafeEqual(hmac(key, text), Buffer.from(signature, "hex"))) throw new S3Fault(403, "SignatureDoesNotMatch");
}

/**
 * Takes the payload out of a body and verifies all that the request says about it: SHA-256 of a signed payload, CRC32
 * in a header or in the trailer of an `aws-chunked` body, Content-MD5, decoded length.
 *
 * @throws S3Fault as S3 answers.
 */
export function readPayload(request: WireRequest): Payload {
  const contentSha256 = header(request, "x-amz-content-sha256") ?? "";
  if (contentSha256 === "STREAMING-UNSIGNED-PAYLOAD-TRAILER") return readChunkedPayload(request);
  if (contentSha256 !== "UNSIGNED-PAYLOAD" && contentSha256 !== sha256(request.body)) {
    throw new S3Fault(400, "XAmzContentSHA256Mismatch");
  }
  const md5 = request.headers["content-md5"];
  if (md5 !== undefined && md5 !== createHash("md5").update(request.body).digest("base64")) {
    throw new S3Fault(400, "BadDigest", "Content-MD5");
  }
  const stated = header(request, "x-amz-checksum-crc32");
  if (stated !== undefined) requireCrc32(request.body, stated);
  return { bytes: request.body, crc32Place: stated === undefined ? "none" : "header" };
}

/** CRC32 as S3 writes it: base64 of 4 big-endian bytes. */
export function crc32Text(bytes: Uint8Array): string {
  const word = Buffer.alloc(4);
  word.writeUInt32BE(crc32(bytes));
  return word.toString("base64");
}

function readChunkedPayload(request: WireRequest): Payload {
  if (!/(^|,)aws-chunked$/.test(request.headers["content-encoding"] ?? "")) throw new S3Fault(400, "InvalidRequest");
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = request.body.indexOf("\r\n", at);
    if (lineEnd < 0) throw new S3Fault(400, "IncompleteBody");
    const chunkBytes = Number.parseInt(request.body.toString("latin1", at, lineEnd), 16);
    at = lineEnd + 2;
    if (chunkBytes === 0) break;
    chunks.push(request.body.subarray(at, at + chunkBytes));
    at += chunkBytes + 2;
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length !== Number(header(request, "x-amz-decoded-content-length"))) {
    throw new S3Fault(400, "IncompleteBody", "x-amz-decoded-content-length");
  }
  const trailer = /^x-amz-checksum-crc32:(\S+)\r\n\r\n$/.exec(request.body.toString("latin1", at));
  if (header(request, "x-amz-trailer") !== "x-amz-checksum-crc32" || trailer?.[1] === undefined) {
    throw new S3Fault(400, "MalformedTrailerError");
  }
  requireCrc32(bytes, trailer[1]);
  return { bytes, crc32Place: "trailer" };
}

function requireCrc32(bytes: Buffer, stated: string): void {
  if (crc32Text(bytes) !== stated) throw new S3Fault(400, "BadDigest", `CRC32 ${stated}`);
}

function canonicalRequest(request: WireRequest, signedNames: readonly string[]): string {
  const [path = "", query = ""] = request.url.split("?", 2);
  return [
    request.method,
    path.split("/").map(recode).join("/"),
    query
      .split("&")
      .filter((pair) => pair !== "")
      .map((pair) => (pair.includes("=") ? pair : `${pair}=`).split("=").map(recode).join("="))
      .sort()
      .join("&"),
    ...signedNames.map((name) => `${name}:${(header(request, name) ?? "").trim().replace(/ +/g, " ")}`),
    "",
    signedNames.join(";"),
    header(request, "x-amz-content-sha256"),
  ].join("\n");
}

/** UriEncode of the algorithm, on text that is percent-encoded in whatever way. */
function recode(text: string): string {
  return encodeURIComponent(decodeURIComponent(text)).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function header(request: WireRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

function parseAmzDate(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
