import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UploadTask } from "../catalog/upload-queue.ts";
import { contentTypeOf, formatObjectKey, formatObjectMetadata } from "./object-key.ts";

const task: UploadTask = {
  id: 1,
  segmentId: 1,
  kind: "wav",
  folder: "2026/11",
  fileName: "stream_7_mic-1_20261122_101926_k3f9-0.wav",
  bytes: 320_044,
  sha256: "00".repeat(32),
  attempts: 0,
  isBackfill: false,
  hwid: "mic-1",
  session: "k3f9",
  index: 0,
  streamId: 7,
  codec: "pcm16",
  sampleRateHz: 16_000,
  channels: 2,
  sampleCount: 160_000,
  startMs: Date.UTC(2026, 10, 22, 10, 19, 26, 500),
};

describe("formatObjectKey", () => {
  it("joins prefix, hwid and file, whatever the local folder is", () => {
    assert.equal(formatObjectKey("received", task), "received/mic-1/stream_7_mic-1_20261122_101926_k3f9-0.wav");
    assert.equal(formatObjectKey("a/b", { hwid: "m", fileName: "f.bin" }), "a/b/m/f.bin");
  });

  it("leaves out an empty prefix and a missing hwid", () => {
    assert.equal(formatObjectKey("", { hwid: "m", fileName: "f.bin" }), "m/f.bin");
    assert.equal(formatObjectKey("received", { hwid: null, fileName: "f.bin" }), "received/f.bin");
    assert.equal(formatObjectKey("", { hwid: null, fileName: "f.bin" }), "f.bin");
  });
});

describe("contentTypeOf", () => {
  it("names the media type of each file", () => {
    const types = (["bin", "wav", "json"] as const).map(contentTypeOf);
    assert.deepEqual(types, ["application/octet-stream", "audio/wav", "application/json"]);
  });
});

describe("formatObjectMetadata", () => {
  it("tells the segment's facts as text", () => {
    assert.deepEqual(formatObjectMetadata(task), {
      hwid: "mic-1",
      session: "k3f9",
      index: "0",
      "stream-id": "7",
      start: "2026-11-22T10:19:26.500Z",
      codec: "pcm16",
      "sample-rate-hz": "16000",
      channels: "2",
      samples: "160000",
    });
  });

  it("leaves out a missing hwid", () => {
    assert.ok(!("hwid" in formatObjectMetadata({ ...task, hwid: null })));
  });
});
