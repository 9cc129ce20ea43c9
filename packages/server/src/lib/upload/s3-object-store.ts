import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { toError, UploadError } from "../kernel/errors.ts";
import type { ByteRange, ObjectReader, ReadObject } from "../kernel/object-reader.ts";
import { readBody } from "./object-body.ts";
import type { ObjectSource, ObjectStore, ObjectStoreOptions, PartsTrial, VerifiedObject } from "./object-store.ts";
import { httpStatusOf, toUploadError } from "./s3-errors.ts";
import { requireScalewayKeys } from "./scaleway-keys.ts";
import { type ExpectedChecksums, readSource } from "./source-file.ts";

/** Bounds of the connections to a store. */
export interface S3Limits {
  /** Sockets at most, kept alive between requests. */
  readonly maxSockets: number;
  /** Longest wait for a connection. */
  readonly connectTimeoutMs: number;
  /** Longest silence on a connection; ends a request to a store that hangs. */
  readonly idleTimeoutMs: number;
  /** Longest request, so that a store that trickles holds no slot for ever: a part in 5 min is 17 kB/s. */
  readonly requestTimeoutMs: number;
}

const defaultLimits: S3Limits = {
  maxSockets: 64,
  connectTimeoutMs: 5000,
  idleTimeoutMs: 30_000,
  requestTimeoutMs: 300_000,
};

/** Files longer than this go in several parts, the least S3 allows: of each file in flight a part is in memory. */
const partBytes = 5 * 1024 * 1024;

/**
 * An S3 bucket: AWS, Scaleway, or any compatible service by its URL. [S-4.5] Why it puts and verifies as it does:
 * docs/decisions/003-verified-uploads.md.
 */
export class S3ObjectStore implements ObjectStore, ObjectReader, PartsTrial {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #secrets: readonly string[];

  /** @throws ConfigError `CONFIG_MISSING` for Scaleway without keys of its own */
  constructor(options: ObjectStoreOptions, limits: Partial<S3Limits> = {}) {
    requireScalewayKeys(options);
    this.#bucket = options.bucket;
    this.#secrets = secretsOf(options.credentials);
    this.#client = new S3Client(clientConfig(options, { ...defaultLimits, ...limits }));
  }

  async put(source: ObjectSource): Promise<VerifiedObject> {
    const read = await readSource(source, partBytes);
    const expected = read?.expected;
    try {
      await this.#requireRegion();
      const present = await this.#findPresent(source);
      if (present !== undefined && (await this.#holds(present, source, expected))) return { etag: etagOf(present) };
      if (read === undefined) {
        throw new UploadError("UPLOAD_SOURCE_MISSING", `${source.path} is gone, and the store does not hold it`);
      }
      await this.#upload(source, read.bytes);
      const stored = await this.#head(source);
      if (await this.#holds(stored, source, expected)) return { etag: etagOf(stored) };
      const found = `${stored.ContentLength} bytes with ETag ${etagOf(stored)}`;
      const sent = `${source.bytes} bytes with MD5 ETag ${read.expected.etag}, SHA-256 ${source.sha256}`;
      throw new UploadError("UPLOAD_MISMATCH", `s3://${this.#bucket}/${source.key} holds ${found}, sent were ${sent}`);
    } catch (error) {
      source.signal.throwIfAborted();
      throw toUploadError(error, `s3://${this.#bucket}/${source.key}`, this.#secrets);
    }
  }

  async get(key: string, range?: ByteRange, maxBytes?: number): Promise<ReadObject> {
    const where = `s3://${this.#bucket}/${key}`;
    if (range !== undefined && range.end <= range.start)
      throw new RangeError(`an empty range of ${where} was asked for`);
    try {
      await this.#requireRegion();
      const part = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` };
      return await readBody(
        await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key, ...part })),
        where,
        range,
        maxBytes,
      );
    } catch (error) {
      if (httpStatusOf(error) === 404 && toError(error).name === "NoSuchKey") {
        throw new UploadError("UPLOAD_NO_OBJECT", `${where} is not there`, { cause: error });
      }
      throw toUploadError(error, where, this.#secrets);
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await this.#requireRegion();
      // Not many at once: compatible stores want a checksum there that the SDK makes differently.
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }));
    } catch (error) {
      // S3 answers alike whether there was one; other stores tell.
      if (toError(error).name === "NoSuchKey") return;
      throw toUploadError(error, `s3://${this.#bucket}/${key}`, this.#secrets);
    }
  }

  async beginParts(key: string): Promise<string> {
    try {
      await this.#requireRegion();
      const order = new CreateMultipartUploadCommand({ Bucket: this.#bucket, Key: key });
      return (await this.#client.send(order)).UploadId ?? "";
    } catch (error) {
      throw toUploadError(error, `s3://${this.#bucket}/${key}`, this.#secrets);
    }
  }

  async dropParts(key: string, id: string): Promise<void> {
    try {
      await this.#client.send(new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key: key, UploadId: id }));
    } catch (error) {
      throw toUploadError(error, `s3://${this.#bucket}/${key}`, this.#secrets);
    }
  }

  close(): void {
    this.#client.destroy();
  }

  async #requireRegion(): Promise<void> {
    try {
      await this.#client.config.region();
    } catch (cause) {
      const message = `no region for the bucket ${this.#bucket}: set S3:Region, AWS_REGION, or one in the AWS profile`;
      throw new UploadError("UPLOAD_NO_BUCKET", message, { cause });
    }
  }

  /** The object under the key, if any: after a crash it may be there though the catalogue does not know. [S-3.2] */
  async #findPresent(source: ObjectSource): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await this.#head(source);
    } catch (error) {
      // A refusal of HEAD has no body that names the reason, and without the right to list, S3 answers 403 for what is
      // not there. The put that follows tells.
      const status = httpStatusOf(error);
      if (status !== undefined && status < 500) return undefined;
      throw error;
    }
  }

  #head({ key, signal }: ObjectSource): Promise<HeadObjectCommandOutput> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: key, ChecksumMode: "ENABLED" });
    return this.#client.send(command, { abortSignal: signal });
  }

  async #upload(source: ObjectSource, bytes: Buffer | undefined): Promise<void> {
    source.signal.throwIfAborted();
    const params = {
      Bucket: this.#bucket,
      Key: source.key,
      ContentLength: source.bytes,
      ContentType: source.contentType,
      Metadata: { ...source.metadata, sha256: source.sha256 },
    };
    if (bytes === undefined) await this.#uploadParts(source, params);
    else await this.#client.send(new PutObjectCommand({ ...params, Body: bytes }), { abortSignal: source.signal });
  }

  async #uploadParts(source: ObjectSource, params: PutObjectCommandInput): Promise<void> {
    const body = createReadStream(source.path);
    const upload = new Upload({
      client: this.#client,
      partSize: partBytes,
      queueSize: 1,
      params: { ...params, Body: body },
    });
    const abort = () => void upload.abort();
    source.signal.addEventListener("abort", abort, { once: true });
    try {
      await upload.done();
    } finally {
      source.signal.removeEventListener("abort", abort);
      body.destroy();
    }
  }

  /** Whether the store shows that the object has the source's bytes. [S-4.2] */
  async #holds(
    found: HeadObjectCommandOutput,
    source: ObjectSource,
    expected: ExpectedChecksums | undefined,
  ): Promise<boolean> {
    if (found.ContentLength !== source.bytes || found.Metadata?.["sha256"] !== source.sha256) return false;
    if (expected !== undefined && (etagOf(found) === expected.etag || found.ChecksumCRC32 === expected.crc32))
      return true;
    // Encrypting stores give ETags that are not MD5, and of a file that is gone none is known: the bytes themselves tell.
    return (await this.#readBackSha256(source)) === source.sha256;
  }

  async #readBackSha256({ key, signal }: ObjectSource): Promise<string> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: key });
    const { Body } = await this.#client.send(command, { abortSignal: signal });
    const hash = createHash("sha256");
    for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk);
    return hash.digest("hex");
  }
}

function etagOf(object: HeadObjectCommandOutput): string {
  return (object.ETag ?? "").replaceAll('"', "");
}

function clientConfig(options: ObjectStoreOptions, limits: S3Limits): S3ClientConfig {
  const agent = { keepAlive: true, maxSockets: limits.maxSockets };
  return {
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.serviceUrl === undefined ? {} : compatibleEndpoint(options.serviceUrl)),
    ...signing(options),
    forcePathStyle: options.forcePathStyle,
    // The durable queue does the long waits; here only a connection that was just cut gets a second chance.
    maxAttempts: 2,
    retryMode: "standard",
    // The SDK would open a socket beyond the bound for each request that waits for `100 Continue`.
    expectContinueHeader: false,
    requestHandler: {
      httpAgent: agent,
      httpsAgent: agent,
      connectionTimeout: limits.connectTimeoutMs,
      socketTimeout: limits.idleTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  };
}

/** Compatible stores refuse the SDK's CRC32 trailers, and do not know AWS's variants of its own endpoints. */
function compatibleEndpoint(serviceUrl: string): S3ClientConfig {
  return {
    endpoint: serviceUrl,
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  };
}

function signing({ credentials }: ObjectStoreOptions): S3ClientConfig {
  if (credentials.kind === "static") {
    const { kind: _, ...identity } = credentials;
    return { credentials: identity };
  }
  return credentials.kind === "profile" ? { profile: credentials.profile } : {};
}

/** What the store may repeat in its errors, and nobody else may see. */
function secretsOf(credentials: ObjectStoreOptions["credentials"]): readonly string[] {
  if (credentials.kind !== "static") return [];
  const { accessKeyId, secretAccessKey, sessionToken = "" } = credentials;
  return [accessKeyId, secretAccessKey, sessionToken];
}
