import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { SegmentTrust } from "../storage/segment-trust.ts";
import { temporaryFolder } from "./segment-fixture.test-support.ts";
import { measureProvenBytes } from "./tail-check-store.ts";

const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, index) => (index * 37) % 251));

function trust(syncedBytes: number, ...extents: readonly (readonly [from: number, to: number])[]): SegmentTrust {
  const result = new SegmentTrust();
  result.addSynced(syncedBytes);
  for (const [from, to] of extents) {
    result.addWritten({ offset: from, byteCount: to - from, crc: crc32(bytes.subarray(from, to)) });
  }
  return result;
}

describe("measureProvenBytes [S-3.1]", () => {
  it("believes what was synced, and nothing else without the log's word", (t) => {
    const path = join(temporaryFolder(t), "a");
    writeFileSync(path, bytes);
    assert.equal(measureProvenBytes(path, trust(400)), 400);
    assert.equal(measureProvenBytes(path, new SegmentTrust()), 0);
  });

  it("believes what the CRCs show behind it", (t) => {
    const path = join(temporaryFolder(t), "a");
    writeFileSync(path, bytes);
    assert.equal(measureProvenBytes(path, trust(400, [400, 600], [600, 1_000])), 1_000);
    assert.equal(measureProvenBytes(path, trust(500, [400, 600])), 600);
  });

  it("stops at a tail that reads as zeros", (t) => {
    const path = join(temporaryFolder(t), "a");
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 700), Buffer.alloc(300)]));
    assert.equal(measureProvenBytes(path, trust(400, [400, 600], [600, 1_000])), 600);
  });

  it("stops where an extent is missing in the log or in the file", (t) => {
    const path = join(temporaryFolder(t), "a");
    writeFileSync(path, bytes);
    assert.equal(measureProvenBytes(path, trust(400, [600, 1_000])), 400);
    writeFileSync(path, bytes.subarray(0, 900));
    assert.equal(measureProvenBytes(path, trust(400, [400, 600], [600, 1_000])), 600);
    assert.equal(measureProvenBytes(path, trust(950)), 900);
  });
});
