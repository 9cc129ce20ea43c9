import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { S3Stub } from "../../../../../test/support/s3-stub.ts";
import { readObject } from "../api/stored-object.ts";
import { ConfigError, UploadError } from "../kernel/errors.ts";
import { silentLog } from "../kernel/log.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { isUploadError, partBytes, SourceFolder, testObjectStore } from "./object-store.test-support.ts";
import type { ObjectStoreOptions } from "./object-store.ts";
import { ThreadedObjectStore } from "./threaded-object-store.ts";

function optionsOf({ bucket, region, url: serviceUrl }: S3Stub): ObjectStoreOptions {
  const credentials = { kind: "static", accessKeyId: "AKSTUB", secretAccessKey: "SKSTUB" } as const;
  return { provider: "aws", bucket, region, serviceUrl, forcePathStyle: true, credentials };
}

describe("ThreadedObjectStore at a compatible store", () => {
  let stub: S3Stub;
  before(async () => {
    stub = await S3Stub.start();
  });
  after(() => stub.stop());
  testObjectStore(
    async () => ({
      options: optionsOf(stub),
      read: async (key) => stub.objects.get(key) ?? assert.fail(`${key} is not there`),
      write: async (key, object) => stub.plant(key, object),
    }),
    (store) => new ThreadedObjectStore({ store, log: silentLog }),
  );
});

describe("ThreadedObjectStore", () => {
  let stub: S3Stub;
  let folder: SourceFolder;
  let log: MemoryLog;
  let store: ThreadedObjectStore;

  beforeEach(async () => {
    stub = await S3Stub.start();
    folder = await SourceFolder.open();
    log = new MemoryLog();
    const workerUrl = new URL("./ending-store-worker.test-support.ts", import.meta.url);
    store = new ThreadedObjectStore({ store: optionsOf(stub), log, workerUrl });
  });
  afterEach(async () => {
    store.close();
    await folder.remove();
    await stub.stop();
  });

  const isEndOfThread = (error: unknown) => error instanceof UploadError && error.code === "UPLOAD_UNREACHABLE";
  const endThread = () => store.get("end the thread");

  it("leaves a put at once when its signal is aborted, and no other", async () => {
    const release = stub.hang();
    const abort = new AbortController();
    const source = await folder.add("a", randomBytes(10));
    const left = store.put({ ...source, signal: abort.signal });
    const other = store.put(await folder.add("b", randomBytes(10)));
    await once(stub.events, "request");
    abort.abort(new Error("enough"));
    await assert.rejects(left, { message: "enough" });
    release();
    await other;
    assert.deepEqual([...stub.objects.keys()], ["b"]);
  });

  it("leaves no unfinished upload in parts behind an abort, though it is closed at once", async () => {
    const abort = new AbortController();
    const source = await folder.add("a", randomBytes(partBytes * 2));
    let begunCount = 0;
    stub.events.on("request", (method) => {
      if (method !== "PUT") return;
      begunCount = stub.openUploadCount;
      abort.abort(new Error("enough"));
    });
    await assert.rejects(store.put({ ...source, signal: abort.signal }), { message: "enough" });
    store.close();
    assert.equal(begunCount, 1);
    while (stub.openUploadCount > 0) await nextTurn();
  });

  it("fails what a thread was at that ends, as a store that is away, and starts another", async () => {
    const release = stub.hang();
    const source = await folder.add("a", randomBytes(10));
    const putting = store.put(source);
    await once(stub.events, "request");
    await Promise.all([assert.rejects(endThread(), isEndOfThread), assert.rejects(putting, isEndOfThread)]);
    release();
    await store.put(source);
    assert.deepEqual((await store.get("a")).objectBytes, 10);
    assert.deepEqual(
      log.at("error").map(({ fields }) => fields["error"]),
      ["it ended with code 7"],
    );
  });

  it("ends a thread that does not leave an aborted put, and starts another", async (t) => {
    const release = stub.hang();
    const abort = new AbortController();
    const source = await folder.add("a", randomBytes(10));
    const putting = store.put({ ...source, signal: abort.signal });
    await once(stub.events, "request");
    const reading = store.get("hang");
    t.mock.timers.enable({ apis: ["setTimeout"] });
    abort.abort(new Error("enough"));
    t.mock.timers.tick(2000);
    t.mock.timers.reset();
    await Promise.all([assert.rejects(putting, { message: "enough" }), assert.rejects(reading, isEndOfThread)]);
    release();
    await store.put(source);
    assert.equal(log.at("error").length, 1);
  });

  it("tells a thread that does not start, each time it is asked", async () => {
    const workerUrl = new URL("./no-such-worker.ts", import.meta.url);
    const none = new ThreadedObjectStore({ store: optionsOf(stub), log, workerUrl });
    for (let tries = 0; tries < 2; tries += 1) {
      await assert.rejects(none.get("a"), isUploadError("UPLOAD_UNREACHABLE", "Error"));
    }
    none.close();
  });

  it("closes at once, at any time, more than once", async () => {
    stub.hang();
    const putting = store.put(await folder.add("a", randomBytes(10)));
    await once(stub.events, "request");
    store.close();
    store.close();
    await assert.rejects(putting, isEndOfThread);
    await assert.rejects(store.get("a"), isEndOfThread);
    assert.deepEqual(log.at("error"), []);

    const young = new ThreadedObjectStore({ store: optionsOf(stub), log: silentLog });
    const reading = young.get("a");
    young.close();
    await assert.rejects(reading, isEndOfThread);
    new ThreadedObjectStore({ store: optionsOf(stub), log: silentLog }).close();
  });

  it("hands over no more than was asked for, and fetches no further than somebody reads", async () => {
    const bytes = randomBytes(8 * 1024 * 1024);
    stub.plant("long", { bytes, contentType: "audio/wav", metadata: {} });
    const part = await store.get("long", { start: 10, end: 20 });
    assert.deepEqual([part.bytes.byteLength, part.bytes.buffer.byteLength], [10, 10]);

    stub.plant("short", { bytes: randomBytes(10), contentType: "audio/wav", metadata: {} });
    let count = 0;
    stub.events.on("request", (_method, key) => (count += key === "long" ? 1 : 0));
    const reader = readObject(store, "long", { start: 0, end: bytes.length });
    const chunks = reader.iterator();
    const { value: first } = await chunks.next();
    // Whoever fetched further would have done so before each of these.
    for (let turn = 0; turn < 10; turn += 1) await store.get("short");
    assert.ok(count <= 3, `${count} pieces were fetched for one that was read`);
    const rest = await buffer(chunks);
    assert.ok(Buffer.concat([first, rest]).equals(bytes));
  });

  it("has no keys from elsewhere for Scaleway", () => {
    const options: ObjectStoreOptions = {
      ...optionsOf(stub),
      provider: "scaleway",
      credentials: { kind: "default-chain" },
    };
    assert.throws(() => new ThreadedObjectStore({ store: options, log }), ConfigError);
  });
});
