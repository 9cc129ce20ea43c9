import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameGatherer } from "./spool-gatherer.ts";
import { measureRecord, parseRecord } from "./spool-record.ts";

/** Seqs of the records in some bytes. */
function seqsOf(bytes: Buffer): number[] {
  const seqs: number[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const byteCount = measureRecord(bytes, at);
    seqs.push(parseRecord(bytes, at, byteCount)?.seq ?? -1);
    at += byteCount;
  }
  return seqs;
}

function seqsOfBatches(gatherer: FrameGatherer): number[][] {
  return gatherer.batches().map(({ bytes }) => seqsOf(bytes));
}

describe("FrameGatherer", () => {
  it("puts frames behind each other until someone looks or a chunk is full", () => {
    const gatherer = new FrameGatherer(100);
    for (const seq of [1, 2]) gatherer.append(seq, 3, new Uint8Array(10));
    assert.deepEqual(seqsOfBatches(gatherer), [[1, 2]]);
    for (const seq of [3, 5]) gatherer.append(seq, 3, new Uint8Array(10));
    assert.deepEqual(seqsOfBatches(gatherer), [[1, 2], [3], [5]]);
    assert.equal(gatherer.byteLength, 120);
    assert.equal(gatherer.nextSeq, 6);
  });

  it("gives a record that is larger than a chunk one of its own", () => {
    const gatherer = new FrameGatherer(100);
    gatherer.append(1, 3, new Uint8Array(10));
    gatherer.append(2, 3, new Uint8Array(1_000));
    gatherer.append(3, 3, new Uint8Array(10));
    assert.deepEqual(seqsOfBatches(gatherer), [[1], [2], [3]]);
  });

  it("tells sums without ending a batch", () => {
    const gatherer = new FrameGatherer(1_000);
    assert.deepEqual([gatherer.tallies(), gatherer.nextSeq], [[], 0]);
    gatherer.append(1, 3, new Uint8Array(10));
    assert.deepEqual(gatherer.tallies(), [{ firstSeq: 1, nextSeq: 2, frameCount: 1, sampleCount: 3 }]);
    gatherer.append(4, 5, new Uint8Array(10));
    assert.deepEqual(gatherer.tallies(), [{ firstSeq: 1, nextSeq: 5, frameCount: 2, sampleCount: 8 }]);
    assert.deepEqual(seqsOfBatches(gatherer), [[1, 4]]);
  });

  it("lets batches out and back in, in order", () => {
    const gatherer = new FrameGatherer(1_000);
    for (const seq of [1, 2, 3]) {
      gatherer.append(seq, 3, new Uint8Array(10));
      gatherer.batches();
    }
    const out = gatherer.shift(2);
    assert.equal(gatherer.byteLength, 30);
    gatherer.append(4, 3, new Uint8Array(10));
    gatherer.unshift(out);
    assert.deepEqual(seqsOfBatches(gatherer).flat(), [1, 2, 3, 4]);
    assert.equal(gatherer.byteLength, 120);
  });

  it("takes copies: neither the caller's bytes nor later frames change a batch", () => {
    const gatherer = new FrameGatherer(1_000);
    const payload = Uint8Array.of(1, 2, 3);
    gatherer.append(1, 3, payload);
    const bytes = gatherer.batches()[0]?.bytes ?? Buffer.alloc(0);
    const before = Buffer.from(bytes);
    payload.fill(9);
    gatherer.append(2, 3, payload);
    assert.deepEqual(bytes, before);
  });
});
