import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { StorageError, UploadError } from "../kernel/errors.ts";
import type { ObjectReader } from "../kernel/object-reader.ts";
import type { ObjectSource, ObjectStore, ObjectStoreOptions, PartsTrial } from "./object-store.ts";
import { S3ObjectStore } from "./s3-object-store.ts";

/** Length at which the store begins to send a file in parts. */
export const partBytes = 5 * 1024 * 1024;

/** An object as seen past the store under test. */
export interface SeenObject {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A bucket with another way in than the store under test. */
export interface Bucket {
  /** How the store under test gets in. */
  readonly options: ObjectStoreOptions;
  read(key: string): Promise<SeenObject>;
  write(key: string, object: SeenObject): Promise<void>;
}

/** Files to put, in a fresh folder. */
export class SourceFolder {
  readonly path: string;
  readonly #signal: AbortSignal = new AbortController().signal;

  private constructor(path: string) {
    this.path = path;
  }

  static async open(): Promise<SourceFolder> {
    return new SourceFolder(await mkdtemp(join(tmpdir(), "upload-")));
  }

  /** Writes a file and describes it for a put under `key`. */
  async add(key: string, bytes: Uint8Array): Promise<ObjectSource> {
    const path = join(this.path, createHash("sha256").update(key).digest("hex"));
    await writeFile(path, bytes);
    const metadata = { session: "k3f9", "stream-id": "7" };
    const facts = { bytes: bytes.length, sha256: sha256Of(bytes), contentType: "audio/wav", metadata };
    return { key, path, ...facts, signal: this.#signal };
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}

/** The store that tests are about, as it is opened. */
export type TestedStore = ObjectStore & ObjectReader & PartsTrial;

/**
 * What every store does, as tests for a `describe`.
 *
 * @param openStore - default: an {@link S3ObjectStore}
 */
export function testObjectStore(
  openBucket: () => Promise<Bucket>,
  openStore: (options: ObjectStoreOptions) => TestedStore = (options) => new S3ObjectStore(options),
): void {
  const bench = new Bench(openBucket, openStore);
  before(() => bench.open());
  after(() => bench.close());
  testPuts(bench);
  testReads(bench);
  testDeletions(bench);
  testPartsTrials(bench);
  testRefusals(bench);
}

/** A store under test with a bucket and files for it. */
class Bench {
  readonly #openBucket: () => Promise<Bucket>;
  readonly openStore: (options: ObjectStoreOptions) => TestedStore;
  #opened: { readonly bucket: Bucket; readonly folder: SourceFolder; readonly store: TestedStore } | undefined;

  constructor(openBucket: () => Promise<Bucket>, openStore: (options: ObjectStoreOptions) => TestedStore) {
    this.#openBucket = openBucket;
    this.openStore = openStore;
  }

  async open(): Promise<void> {
    const bucket = await this.#openBucket();
    this.#opened = { bucket, folder: await SourceFolder.open(), store: this.openStore(bucket.options) };
  }

  async close(): Promise<void> {
    this.store.close();
    await this.folder.remove();
  }

  get bucket(): Bucket {
    return this.#get().bucket;
  }

  get folder(): SourceFolder {
    return this.#get().folder;
  }

  get store(): TestedStore {
    return this.#get().store;
  }

  /** Puts bytes, compares what is then there, and gives the ETag. */
  async putAndRead(key: string, bytes: Uint8Array): Promise<string> {
    const source = await this.folder.add(key, bytes);
    const { etag } = await this.store.put(source);
    const seen = await this.bucket.read(key);
    assert.equal(sha256Of(seen.bytes), source.sha256);
    assert.equal(seen.contentType, "audio/wav");
    assert.deepEqual(seen.metadata, { ...source.metadata, sha256: source.sha256 });
    return etag;
  }

  /** Puts by another way in. */
  async putWith(change: Partial<ObjectStoreOptions>): Promise<void> {
    const other = this.openStore({ ...this.bucket.options, ...change });
    try {
      await other.put(await this.folder.add("received/refused.bin", randomBytes(10)));
    } finally {
      other.close();
    }
  }

  #get() {
    if (this.#opened === undefined) throw new Error("not open yet");
    return this.#opened;
  }
}

function testPuts(bench: Bench): void {
  it("stores bytes, type and metadata", async () => {
    const bytes = randomBytes(320_044);
    assert.equal(await bench.putAndRead("received/dev/a.wav", bytes), createHash("md5").update(bytes).digest("hex"));
  });

  it("stores an empty file and a single byte", async () => {
    await bench.putAndRead("received/dev/empty.bin", new Uint8Array());
    await bench.putAndRead("received/dev/one.bin", randomBytes(1));
  });

  it("sends a file in parts only beyond the length of one", async () => {
    assert.match(await bench.putAndRead("received/parts-1", randomBytes(partBytes - 1)), /^[0-9a-f]{32}$/);
    assert.match(await bench.putAndRead("received/parts", randomBytes(partBytes)), /^[0-9a-f]{32}$/);
    assert.match(await bench.putAndRead("received/parts+1", randomBytes(partBytes + 1)), /^[0-9a-f]{32}-2$/);
  });

  it("stores under keys with characters that URLs escape", async () => {
    await bench.putAndRead("Aufnahmen für/50 % (a+b)=c&d?e#f~'!*/x.bin", randomBytes(100));
  });

  it("leaves an object alone that has the same bytes", async () => {
    const source = await bench.folder.add("received/again.bin", randomBytes(5000));
    await bench.store.put(source);
    const seen = await bench.bucket.read(source.key);
    await bench.bucket.write(source.key, { ...seen, metadata: { ...seen.metadata, mark: "untouched" } });
    await bench.store.put(source);
    assert.equal((await bench.bucket.read(source.key)).metadata["mark"], "untouched");
  });

  it("takes a file that is gone for stored when the object has its bytes", async () => {
    const source = await bench.folder.add("received/evicted.bin", randomBytes(5000));
    const { etag } = await bench.store.put(source);
    await rm(source.path);
    assert.deepEqual(await bench.store.put(source), { etag });
    await bench.bucket.write(source.key, { ...(await bench.bucket.read(source.key)), bytes: randomBytes(5000) });
    await assert.rejects(bench.store.put(source), { code: "UPLOAD_SOURCE_MISSING" });
  });

  it("replaces an object whose bytes are not what its metadata says", async () => {
    const source = await bench.folder.add("received/damaged.bin", randomBytes(5000));
    await bench.store.put(source);
    await bench.bucket.write(source.key, { ...(await bench.bucket.read(source.key)), bytes: randomBytes(5000) });
    await bench.store.put(source);
    assert.equal(sha256Of((await bench.bucket.read(source.key)).bytes), source.sha256);
  });

  it("replaces an object of other bytes", async () => {
    await bench.putAndRead("received/changed.bin", randomBytes(5000));
    await bench.putAndRead("received/changed.bin", randomBytes(5000));
    await bench.putAndRead("received/changed.bin", randomBytes(400));
  });
}

function testReads(bench: Bench): void {
  it("reads a whole object, and any part of it with the length of the whole", async () => {
    const bytes = randomBytes(100_000);
    const { key } = await bench.folder.add("received/read me (1).wav", bytes);
    await bench.bucket.write(key, { bytes, contentType: "audio/wav", metadata: {} });
    assert.deepEqual(await bench.store.get(key), { bytes, objectBytes: 100_000 });
    for (const [start, end] of [
      [0, 1],
      [44, 70_001],
      [99_999, 100_000],
      [0, 100_000],
    ] as const) {
      const part = { bytes: bytes.subarray(start, end), objectBytes: 100_000 };
      assert.deepEqual(await bench.store.get(key, { start, end }), part);
    }
  });

  it("refuses parts that are not there, and more than it may read", async () => {
    const key = "received/short.bin";
    await bench.bucket.write(key, { bytes: randomBytes(100), contentType: "audio/wav", metadata: {} });
    await assert.rejects(bench.store.get(key, { start: 50, end: 101 }), { code: "UPLOAD_MISMATCH" });
    await assert.rejects(bench.store.get(key, { start: 100, end: 101 }), { code: "UPLOAD_FAILED" });
    await assert.rejects(bench.store.get(key, undefined, 99), { code: "UPLOAD_MISMATCH" });
  });

  it("tells an object that is not there", async () => {
    await assert.rejects(bench.store.get("received/no-such.bin"), isUploadError("UPLOAD_NO_OBJECT", "NoSuchKey"));
  });
}

function testDeletions(bench: Bench): void {
  it("removes an object, and takes one that is gone for removed", async () => {
    const { key } = await bench.folder.add("received/go (1) & away.bin", randomBytes(10));
    await bench.bucket.write(key, { bytes: randomBytes(10), contentType: "audio/wav", metadata: {} });
    await bench.store.delete(key);
    await assert.rejects(bench.store.get(key), isUploadError("UPLOAD_NO_OBJECT", "NoSuchKey"));
    await bench.store.delete(key);
  });

  it("tells why an object cannot be removed", async () => {
    const other = bench.openStore({ ...bench.bucket.options, bucket: "no-such-bucket" });
    await assert.rejects(other.delete("received/a.bin"), isUploadError("UPLOAD_NO_BUCKET", "NoSuchBucket"));
    other.close();
  });
}

function testPartsTrials(bench: Bench): void {
  it("begins an upload in parts, and drops it", async () => {
    const id = await bench.store.beginParts("received/parts-trial.bin");
    assert.notEqual(id, "");
    await bench.store.dropParts("received/parts-trial.bin", id);
  });
}

function testRefusals(bench: Bench): void {
  it("refuses a file that is gone", async () => {
    const source = await bench.folder.add("received/gone.bin", randomBytes(10));
    const gone = { ...source, path: `${source.path}.gone` };
    await assert.rejects(
      bench.store.put(gone),
      (error) => error instanceof UploadError && error.code === "UPLOAD_SOURCE_MISSING",
    );
  });

  it("refuses a file with other bytes than stated", async () => {
    const source = await bench.folder.add("received/rotten.bin", randomBytes(10));
    await writeFile(source.path, randomBytes(10));
    await assert.rejects(
      bench.store.put(source),
      (error) => error instanceof StorageError && error.code === "SEGMENT_UNREADABLE",
    );
  });

  it("tells a bucket that does not exist", async () => {
    await assert.rejects(
      bench.putWith({ bucket: "no-such-bucket" }),
      isUploadError("UPLOAD_NO_BUCKET", "NoSuchBucket"),
    );
  });

  it("tells a wrong secret", async () => {
    const credentials = { ...staticOf(bench.bucket.options), secretAccessKey: "wrong" };
    await assert.rejects(bench.putWith({ credentials }), isUploadError("UPLOAD_DENIED", "SignatureDoesNotMatch"));
  });

  it("tells an unknown access key", async () => {
    const credentials = { ...staticOf(bench.bucket.options), accessKeyId: "UNKNOWN" };
    await assert.rejects(bench.putWith({ credentials }), isUploadError("UPLOAD_DENIED", "InvalidAccessKeyId"));
  });

  it("tells a store that is not there", async () => {
    const serviceUrl = await openClosedPort();
    await assert.rejects(bench.putWith({ serviceUrl }), isUploadError("UPLOAD_UNREACHABLE", "Error"));
  });

  it("gives up when the signal is aborted", async () => {
    const source = await bench.folder.add("received/aborted.bin", randomBytes(10));
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(bench.store.put({ ...source, signal }), { message: "enough" });
  });
}

/** Whether an error has a code of the table and a cause of that name. */
export function isUploadError(code: string, causeName: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof UploadError, `${error}`);
    assert.deepEqual([error.code, (error.cause as Error).name], [code, causeName], error.message);
    return true;
  };
}

/** SHA-256 in lower-case hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function staticOf({ credentials }: ObjectStoreOptions) {
  if (credentials.kind !== "static") throw new Error("the contract needs keys");
  return credentials;
}

/** URL of a port on which nothing listens. */
async function openClosedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}
