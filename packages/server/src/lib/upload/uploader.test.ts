import assert from "node:assert/strict";
import { once } from "node:events";
import { rename } from "node:fs/promises";
import { afterEach, beforeEach, describe, it } from "node:test";
import { S3Stub } from "../../../../../test/support/s3-stub.ts";
import type { StoredUpload, UploadQueue } from "../catalog/upload-queue.ts";
import { serverErrors } from "../kernel/error-table.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { sha256Of } from "./object-store.test-support.ts";
import { Recordings } from "./recordings.test-support.ts";
import { S3ObjectStore } from "./s3-object-store.ts";
import { Uploader, type UploaderOptions } from "./uploader.ts";

const waits = "the object store fails: uploads wait";
const goesOn = "the object store works again: uploads go on";

describe("Uploader", () => {
  let stub: S3Stub;
  let recordings: Recordings;
  let store: S3ObjectStore;
  let log: MemoryLog;
  let queue: UploadQueue;
  let uploaders: Uploader[];
  const rightKeys = { accessKeyId: "AKSTUB", secretAccessKey: "SKSTUB" };

  beforeEach(async () => {
    stub = await S3Stub.start();
    recordings = await Recordings.open();
    queue = recordings.catalog.uploads;
    log = new MemoryLog();
    uploaders = [];
    const { bucket, region, url: serviceUrl } = stub;
    const credentials = { kind: "static", ...rightKeys } as const;
    store = new S3ObjectStore({ provider: "aws", bucket, region, serviceUrl, forcePathStyle: true, credentials });
  });
  afterEach(async () => {
    await Promise.all(uploaders.map((uploader) => uploader.close()));
    store.close();
    await recordings.remove();
    await stub.stop();
  });

  function createUploader(change: Partial<UploaderOptions> = {}): Uploader {
    const { receivedFolder } = recordings;
    const uploader = new Uploader({
      queue,
      store,
      receivedFolder,
      prefix: "received",
      log,
      retry: { baseMs: 20, capMs: 20 },
      circuit: { failureLimit: 2, baseMs: 20, capMs: 40 },
      ...change,
    });
    uploaders.push(uploader);
    return uploader;
  }

  /** Resolves when every upload is stored; each one logs a line. */
  async function allStored(): Promise<void> {
    for (;;) {
      const { pending, uploading, failed } = queue.counts();
      if (pending + uploading + failed === 0) return;
      await once(log, "upload stored");
    }
  }

  it("stores every file of a segment under its key, with the sidecar's facts", async () => {
    const keys = await recordings.add(3);
    createUploader().start();
    await allStored();
    assert.deepEqual([...stub.objects.keys()].sort(), [...keys].sort());
    const object = stub.objects.get(keys[1]!);
    assert.equal(object?.contentType, "audio/wav");
    assert.deepEqual(object?.metadata, {
      hwid: "mic-1",
      session: "s1",
      index: "3",
      "stream-id": "7",
      start: "2026-01-01T00:00:30.000Z",
      codec: "adpcm",
      "sample-rate-hz": "16000",
      channels: "1",
      samples: "160000",
      sha256: sha256Of(object!.bytes),
    });
  });

  it("logs one line for each stored upload, with key, bytes and time", async () => {
    const keys = await recordings.add(0);
    createUploader().start();
    await allStored();
    const lines = log.lines.map(({ level, fields, message }) => [level, message, fields["key"], fields["bytes"]]);
    assert.deepEqual(
      lines.sort(),
      keys.map((key) => ["info", "upload stored", key, stub.objects.get(key)?.bytes.length]).sort(),
    );
    assert.ok(log.lines.every(({ fields }) => Number.isInteger(fields["ms"])));
  });

  it("stores what is queued after it started once it is told", async () => {
    const uploader = createUploader();
    uploader.start();
    const keys = await recordings.add(0);
    uploader.notify();
    await allStored();
    assert.equal(stub.objects.size, keys.length);
  });

  it("takes live segments before back-fill, oldest first", async () => {
    const backfill = await recordings.add(0, true);
    const live = [...(await recordings.add(1)), ...(await recordings.add(2))];
    const order: string[] = [];
    stub.events.on("stored", (key) => order.push(key));
    createUploader({ maxInFlight: 1 }).start();
    await allStored();
    assert.deepEqual(order, [...live, ...backfill]);
  });

  it("has no more in flight than allowed", async () => {
    for (let index = 0; index < 3; index++) await recordings.add(index);
    let mostInFlight = 0;
    const uploader = createUploader({ maxInFlight: 2 });
    stub.events.on("request", () => {
      mostInFlight = Math.max(mostInFlight, uploader.inFlightCount);
    });
    uploader.start();
    uploader.notify();
    await allStored();
    assert.equal(mostInFlight, 2);
  });

  it("tells when all files of a segment are stored", async () => {
    await recordings.add(0);
    await recordings.add(1);
    const states: boolean[] = [];
    const ids: number[] = [];
    const onSegmentStored = (id: number) => {
      ids.push(id);
      states.push(queue.areAllStored(id));
    };
    createUploader({ onSegmentStored, maxInFlight: 1 }).start();
    await allStored();
    assert.equal(new Set(ids).size, 2);
    assert.deepEqual(states, [true, true]);
  });

  it("carries all over an outage in the middle, nothing twice, with two log lines about it", async () => {
    for (let index = 0; index < 6; index++) await recordings.add(index);
    const uploader = createUploader({ maxInFlight: 1 });
    // Cut at a HEAD: a PUT whose answer is lost would be repeated by the SDK itself.
    stub.events.on("request", function cut(method) {
      if (method !== "HEAD" || stub.objects.size < 4) return;
      stub.events.off("request", cut);
      stub.setDown(true);
    });
    const waiting = once(log, waits);
    uploader.start();
    const [fields] = await waiting;
    assert.equal(fields.code, "UPLOAD_UNREACHABLE");
    assert.equal(uploader.circuit.kind, "open");
    stub.setDown(false);
    await allStored();
    assert.equal(uploader.circuit.kind, "closed");
    assert.deepEqual(new Set(stub.putCounts.values()), new Set([1]));
    assert.equal(stub.objects.size, 18);
    assert.deepEqual(
      log.at("error").map(({ message }) => message),
      [waits],
    );
    assert.equal(log.lines.filter(({ message }) => message === goesOn).length, 1);
  });

  it("counts no attempt of the uploads that wait while the store is away", async () => {
    for (let index = 0; index < 6; index++) await recordings.add(index);
    stub.setDown(true);
    const minute = { baseMs: 60_000, capMs: 60_000 };
    const uploader = createUploader({ retry: minute, circuit: { failureLimit: 2, ...minute }, random: () => 0.5 });
    const waiting = once(log, waits);
    uploader.start();
    await waiting;
    await uploader.drain(0);
    const { pending, uploading, failed } = queue.counts();
    assert.deepEqual({ pending, uploading, failed }, { pending: 17, uploading: 0, failed: 1 });
  });

  it("shows a wrong secret as a state with its fix, and goes on once it is corrected", async () => {
    await recordings.add(0);
    stub.credentials = { ...rightKeys, secretAccessKey: "other" };
    const uploader = createUploader();
    const waiting = once(log, waits);
    uploader.start();
    const [fields] = await waiting;
    assert.deepEqual([fields.code, fields.fix], ["UPLOAD_DENIED", serverErrors.UPLOAD_DENIED.fix]);
    assert.match(fields.reason, /s3:\/\/recordings\/received\/.*403 SignatureDoesNotMatch/);
    const { circuit } = uploader;
    assert.ok(circuit.kind === "open" && circuit.error.code === "UPLOAD_DENIED");
    stub.credentials = rightKeys;
    await allStored();
    assert.equal(stub.objects.size, 3);
  });

  it("logs again when the store fails for another reason", async () => {
    await recordings.add(0);
    stub.setDown(true);
    const first = once(log, waits);
    createUploader().start();
    await first;
    const second = once(log, waits);
    stub.credentials = { ...rightKeys, secretAccessKey: "other" };
    stub.setDown(false);
    await second;
    assert.deepEqual(
      log.at("error").map(({ fields }) => fields["code"]),
      ["UPLOAD_UNREACHABLE", "UPLOAD_DENIED"],
    );
  });

  it("stores nothing twice after a run that died between the put and the note of it", async () => {
    await recordings.add(0);
    const [died] = queue.claim(2, Date.now());
    const key = `received/mic-1/${died!.fileName}`;
    const { bytes, sha256 } = died!;
    const signal = new AbortController().signal;
    const path = recordings.pathOf(0, died!.kind);
    await store.put({ key, path, bytes, sha256, contentType: "audio/wav", metadata: {}, signal });
    createUploader().start();
    await allStored();
    assert.deepEqual([...stub.putCounts.values()], [1, 1, 1]);
  });

  it("goes on with other files when one is gone, and stores that one when it is back", async () => {
    await recordings.add(0);
    const path = recordings.pathOf(0, "bin");
    await rename(path, `${path}.away`);
    const failure = once(log, "upload failed");
    createUploader({ maxInFlight: 1 }).start();
    const [fields] = await failure;
    assert.equal(fields.code, "UPLOAD_SOURCE_MISSING");
    await once(log, "upload stored");
    assert.equal(log.at("error").length, 0);
    await rename(`${path}.away`, path);
    await allStored();
    assert.equal(stub.objects.size, 3);
    assert.equal(log.at("warn").length, 1);
  });

  it("puts again what the store damaged", async () => {
    await recordings.add(0);
    stub.isCorrupting = true;
    const failure = once(log, "upload failed");
    const uploader = createUploader();
    uploader.start();
    const [fields] = await failure;
    stub.isCorrupting = false;
    assert.equal(fields.code, "UPLOAD_MISMATCH");
    await allStored();
    assert.equal(uploader.circuit.kind, "closed");
  });

  it("finds an upload again whose outcome the queue could not note", async () => {
    await recordings.add(0);
    const [first] = queue.claim(1, Date.now());
    queue.release([first!.id]);
    let isFailing = true;
    const failing = new Proxy(queue, {
      get(target, name: keyof UploadQueue) {
        const member = target[name];
        if (name !== "markStored") return typeof member === "function" ? member.bind(target) : member;
        return (uploads: readonly StoredUpload[]) => {
          if (isFailing && uploads.some(({ id }) => id === first!.id)) {
            // Alone, or with others, which are noted all the same.
            isFailing = uploads.length > 1;
            throw new Error("disk full");
          }
          target.markStored(uploads);
        };
      },
    });
    createUploader({ queue: failing }).start();
    await allStored();
    assert.deepEqual([...stub.putCounts.values()], [1, 1, 1]);
    assert.deepEqual(
      log.at("error").map(({ message }) => message),
      ["the outcome of an upload could not be noted"],
    );
  });

  it("asks and tells the queue about several at a time", async () => {
    for (let index = 0; index < 8; index++) await recordings.add(index);
    const counts = { claim: 0, markStored: 0 };
    const counting = new Proxy(queue, {
      get(target, name: keyof UploadQueue) {
        if (name === "claim" || name === "markStored") counts[name] += 1;
        const member = target[name];
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    createUploader({ queue: counting, maxInFlight: 4 }).start();
    await allStored();
    assert.ok(counts.claim <= 12, `24 uploads were claimed in ${counts.claim} transactions`);
    assert.ok(counts.markStored < 24, `24 uploads were noted in ${counts.markStored} transactions`);
  });

  it("drains: finishes what is in flight and starts nothing new", async () => {
    await recordings.add(0);
    await recordings.add(1);
    const release = stub.hang();
    const uploader = createUploader({ maxInFlight: 2 });
    const arrived = once(stub.events, "request");
    uploader.start();
    await arrived;
    const drained = uploader.drain(60_000);
    uploader.notify();
    release();
    await drained;
    assert.deepEqual([queue.counts().stored, queue.counts().pending], [2, 4]);
  });

  it("drains: gives back what is not through in time, without counting an attempt", async () => {
    await recordings.add(0);
    stub.hang();
    const uploader = createUploader({ maxInFlight: 2 });
    const arrived = once(stub.events, "request");
    uploader.start();
    await arrived;
    await uploader.drain(10);
    const { pending, uploading, failed } = queue.counts();
    assert.deepEqual({ pending, uploading, failed }, { pending: 3, uploading: 0, failed: 0 });
    assert.equal(uploader.inFlightCount, 0);
  });

  it("closes once, at any time", async () => {
    await recordings.add(0);
    stub.hang();
    const unused = createUploader();
    await unused.close();
    unused.start();
    assert.equal(unused.inFlightCount, 0);
    const uploader = createUploader();
    uploader.start();
    assert.equal(uploader.close(), uploader.close());
    await uploader.closed;
    assert.equal(queue.counts().pending, 3);
  });
});
