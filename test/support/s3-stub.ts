import { createHash, randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import {
  type ChecksumPlace,
  crc32Text,
  readPayload,
  S3Fault,
  type StubCredentials,
  verifySignature,
  type WireRequest,
} from "./s3-stub-signature.ts";

/** An object as the stub holds it. */
export interface StubObject {
  readonly bytes: Buffer;
  /** Without quotes. */
  readonly etag: string;
  readonly contentType: string;
  /** Without the `x-amz-meta-` of the wire. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the checksum came in; parts of one object all say the same. */
  readonly crc32Place: ChecksumPlace;
  /** As HEAD tells it; absent when none was sent. */
  readonly crc32?: string;
}

interface MultipartUpload {
  readonly key: string;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string; readonly crc32Place: ChecksumPlace }>;
}

interface StubEvents {
  /** A request arrived in full, before faults apply: method and key. */
  readonly request: [method: string, key: string];
  /** An object is stored. */
  readonly stored: [key: string];
}

interface Call {
  readonly request: WireRequest;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly response: ServerResponse;
}

const minPartBytes = 5 * 1024 * 1024;

/**
 * An S3 server in this process: path style, one bucket, Signature Version 4 and CRC32 verified, with switches for what
 * can go wrong. It refuses what S3 refuses.
 */
export class S3Stub {
  readonly bucket: string = "recordings";
  readonly region: string = "eu-test-1";
  readonly objects: Map<string, StubObject> = new Map();
  /** Writes of whole objects, by key: PUT or completed multipart upload. */
  readonly putCounts: Map<string, number> = new Map();
  readonly events: EventEmitter<StubEvents> = new EventEmitter();

  /** What requests must be signed with. */
  credentials: StubCredentials = { accessKeyId: "AKSTUB", secretAccessKey: "SKSTUB" };
  /** Requests still to be answered with 503 SlowDown. */
  slowDownCount: number = 0;
  /** Flips one bit of each object that comes in, as a broken disk would. */
  isCorrupting: boolean = false;
  /** Gives ETags that are not MD5, as encrypting stores do. */
  hasOpaqueEtags: boolean = false;
  /** Answers 403 instead of 404 for an object that is not there, as S3 does without the right to list the bucket. */
  hidesMissing: boolean = false;
  /** What of uploads in parts is answered with 403. */
  readonly deniedParts: Set<"begin" | "abort"> = new Set();

  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));
  readonly #uploads = new Map<string, MultipartUpload>();
  #isDown = false;
  #gate: Promise<void> | undefined;

  /** Listens on a free port of 127.0.0.1. */
  static async start(): Promise<S3Stub> {
    const stub = new S3Stub();
    stub.#server.listen(0, "127.0.0.1");
    await once(stub.#server, "listening");
    return stub;
  }

  /** Variables by which a server uploads to it. */
  get environment(): Record<string, string> {
    return {
      S3_ENABLED: "true",
      S3_SERVICEURL: this.url,
      S3_FORCEPATHSTYLE: "true",
      S3_BUCKET: this.bucket,
      AWS_REGION: this.region,
      AWS_ACCESS_KEY_ID: this.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: this.credentials.secretAccessKey,
    };
  }

  /** `http://127.0.0.1:port`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Multipart uploads that are neither completed nor aborted. */
  get openUploadCount(): number {
    return this.#uploads.size;
  }

  /** While down, every connection is cut before an answer. */
  setDown(isDown: boolean): void {
    this.#isDown = isDown;
    if (isDown) this.#server.closeAllConnections();
  }

  /** Lets every request wait, without an answer, until the returned function is called. */
  hang(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return () => {
      this.#gate = undefined;
      resolve();
    };
  }

  /** Puts an object into the bucket as another client would. */
  plant(
    key: string,
    { bytes, contentType, metadata }: Pick<StubObject, "contentType" | "metadata"> & { readonly bytes: Uint8Array },
  ): void {
    const etag = md5(bytes).toString("hex");
    this.objects.set(key, { bytes: Buffer.from(bytes), etag, contentType, metadata, crc32Place: "none" });
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#server.listening) await once(this.#server, "close");
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#isDown) {
      incoming.destroy();
      return;
    }
    try {
      const body = await buffer(incoming);
      const request = { method: incoming.method ?? "", url: incoming.url ?? "", headers: incoming.headers, body };
      const url = new URL(request.url, this.url);
      const [bucket = "", ...keyParts] = url.pathname.slice(1).split("/").map(decodeURIComponent);
      const call = { request, key: keyParts.join("/"), query: url.searchParams, response };
      this.events.emit("request", request.method, call.key);
      await this.#gate;
      if (this.slowDownCount > 0) {
        this.slowDownCount -= 1;
        throw new S3Fault(503, "SlowDown");
      }
      verifySignature(request, this.credentials, this.region);
      if (bucket !== this.bucket) throw new S3Fault(404, "NoSuchBucket");
      this.#route(call)(call);
    } catch (error) {
      refuse(error, response);
    }
  }

  #route({ request: { method }, key, query }: Call): (call: Call) => void {
    const uploadId = query.get("uploadId");
    if (uploadId !== null) return this.#routeUpload(method, key, uploadId);
    if (method === "POST" && query.has("uploads")) return (call) => this.#createUpload(call);
    if (method === "PUT") return (call) => this.#putObject(call);
    if (method === "DELETE") return (call) => this.#deleteObject(call);
    if (method === "GET" && key === "") return (call) => this.#list(call);
    if (method === "GET" || method === "HEAD") return (call) => this.#getObject(call);
    throw new S3Fault(405, "MethodNotAllowed");
  }

  #routeUpload(method: string, key: string, uploadId: string): (call: Call) => void {
    const upload = this.#uploads.get(uploadId);
    if (upload?.key !== key) throw new S3Fault(404, "NoSuchUpload");
    if (method === "PUT") return (call) => this.#putPart(call, upload);
    if (method === "POST") return (call) => this.#completeUpload(call, uploadId, upload);
    if (method === "DELETE") return (call) => this.#abortUpload(call, uploadId);
    throw new S3Fault(405, "MethodNotAllowed");
  }

  #putObject({ request, key, response }: Call): void {
    const { bytes, crc32Place } = readPayload(request);
    const stored = this.#damage(bytes);
    const etag = md5(stored).toString("hex");
    const object = { ...describe(request), bytes: stored, etag, crc32Place };
    this.#store(key, crc32Place === "none" ? object : { ...object, crc32: crc32Text(stored) });
    response.writeHead(200, { etag: `"${this.objects.get(key)?.etag}"` }).end();
  }

  #createUpload({ request, key, response }: Call): void {
    if (this.deniedParts.has("begin")) throw new S3Fault(403, "AccessDenied");
    readPayload(request);
    const uploadId = randomUUID();
    this.#uploads.set(uploadId, { ...describe(request), key, parts: new Map() });
    answerXml(response, "InitiateMultipartUploadResult", `<UploadId>${uploadId}</UploadId>`);
  }

  #putPart({ request, query, response }: Call, upload: MultipartUpload): void {
    const { bytes, crc32Place } = readPayload(request);
    const stored = this.#damage(bytes);
    const etag = md5(stored).toString("hex");
    upload.parts.set(Number(query.get("partNumber")), { bytes: stored, etag, crc32Place });
    response.writeHead(200, { etag: `"${etag}"`, "x-amz-checksum-crc32": crc32Text(stored) }).end();
  }

  #completeUpload({ request, key, response }: Call, uploadId: string, upload: MultipartUpload): void {
    const listed = [
      ...readPayload(request)
        .bytes.toString()
        .matchAll(/<Part>.*?<\/Part>/gs),
    ].map(([part]) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: /<ETag>(?:"|&quot;)?([0-9a-f]+)/.exec(part)?.[1],
    }));
    const parts = listed.map(({ number, etag }) => {
      const part = upload.parts.get(number);
      if (part === undefined || part.etag !== etag) throw new S3Fault(400, "InvalidPart");
      return part;
    });
    if (parts.length === 0) throw new S3Fault(400, "MalformedXML");
    if (parts.slice(0, -1).some(({ bytes }) => bytes.length < minPartBytes)) throw new S3Fault(400, "EntityTooSmall");
    const etag = `${md5(Buffer.concat(parts.map(({ bytes }) => md5(bytes)))).toString("hex")}-${parts.length}`;
    const crcs = Buffer.concat(parts.map(({ bytes }) => Buffer.from(crc32Text(bytes), "base64")));
    const crc32Place = parts[0]?.crc32Place ?? "none";
    const { contentType, metadata } = upload;
    const object = { bytes: Buffer.concat(parts.map(({ bytes }) => bytes)), etag, contentType, metadata, crc32Place };
    this.#store(key, crc32Place === "none" ? object : { ...object, crc32: `${crc32Text(crcs)}-${parts.length}` });
    this.#uploads.delete(uploadId);
    answerXml(response, "CompleteMultipartUploadResult", `<ETag>"${this.objects.get(key)?.etag}"</ETag>`);
  }

  #getObject({ request, key, response }: Call): void {
    const object = this.objects.get(key);
    if (object === undefined)
      throw this.hidesMissing ? new S3Fault(403, "AccessDenied") : new S3Fault(404, "NoSuchKey");
    const metadata = Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
    const hasChecksum = object.crc32 !== undefined && request.headers["x-amz-checksum-mode"] === "ENABLED";
    const range = parseRange(request.headers.range, object.bytes.length);
    const bytes = object.bytes.subarray(range?.start, range?.end);
    response.writeHead(range === undefined ? 200 : 206, {
      etag: `"${object.etag}"`,
      "content-length": bytes.length,
      "content-type": object.contentType,
      ...(range && { "content-range": `bytes ${range.start}-${range.end - 1}/${object.bytes.length}` }),
      ...Object.fromEntries(metadata),
      ...(hasChecksum ? { "x-amz-checksum-crc32": object.crc32 } : {}),
    });
    response.end(request.method === "HEAD" ? undefined : bytes);
  }

  #abortUpload({ response }: Call, uploadId: string): void {
    if (this.deniedParts.has("abort")) throw new S3Fault(403, "AccessDenied");
    this.#uploads.delete(uploadId);
    response.writeHead(204).end();
  }

  #deleteObject({ key, response }: Call): void {
    this.objects.delete(key);
    response.writeHead(204).end();
  }

  #list({ query, response }: Call): void {
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(query.get("prefix") ?? "")).sort();
    const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("");
    answerXml(
      response,
      "ListBucketResult",
      `<KeyCount>${keys.length}</KeyCount><IsTruncated>false</IsTruncated>${contents}`,
    );
  }

  #damage(bytes: Buffer): Buffer {
    if (!this.isCorrupting || bytes.length === 0) return bytes;
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(0) ^ 1, 0);
    return damaged;
  }

  #store(key: string, object: StubObject): void {
    this.objects.set(key, this.hasOpaqueEtags ? { ...object, etag: randomUUID() } : object);
    this.putCounts.set(key, (this.putCounts.get(key) ?? 0) + 1);
    this.events.emit("stored", key);
  }
}

function refuse(error: unknown, response: ServerResponse): void {
  if (!(error instanceof S3Fault)) {
    response.destroy();
    return;
  }
  response.writeHead(error.status, { "content-type": "application/xml" });
  response.end(`<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`);
}

/** @returns the end exclusive */
function parseRange(header: string | undefined, length: number) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === undefined) return undefined;
  if (Number(first) >= length) throw new S3Fault(416, "InvalidRange");
  return { start: Number(first), end: last === "" ? length : Math.min(length, Number(last) + 1) };
}

function describe({ headers }: WireRequest): Pick<StubObject, "contentType" | "metadata"> {
  const metadata = Object.entries(headers)
    .filter(([name]) => name.startsWith("x-amz-meta-"))
    .map(([name, value]) => [name.slice("x-amz-meta-".length), String(value)]);
  return { contentType: headers["content-type"] ?? "", metadata: Object.fromEntries(metadata) };
}

function answerXml(response: ServerResponse, root: string, content: string): void {
  response.writeHead(200, { "content-type": "application/xml" }).end(`<${root}>${content}</${root}>`);
}

function md5(bytes: Uint8Array): Buffer {
  return createHash("md5").update(bytes).digest();
}
