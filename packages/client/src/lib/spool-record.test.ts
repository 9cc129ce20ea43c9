import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  countRecordBytes,
  formatEndMark,
  formatRecord,
  maxPayloadBytes,
  measureRecord,
  parseEndMark,
  parseRecord,
} from "./spool-record.ts";

const seqs = fc.oneof(fc.maxSafeNat(), fc.nat(1000), fc.integer({ min: 2 ** 32 - 5, max: 2 ** 32 + 5 }));
const uint32s = fc.nat(2 ** 32 - 1);

function makeRecord(seq: number, sampleCount: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(countRecordBytes(payload.byteLength));
  formatRecord(bytes, 0, seq, sampleCount, payload);
  return bytes;
}

describe("parseRecord", () => {
  it("reads what formatRecord wrote, wherever it stands", () => {
    fc.assert(
      fc.property(seqs, uint32s, fc.uint8Array({ maxLength: 100 }), fc.nat(50), (seq, sampleCount, payload, at) => {
        const byteCount = countRecordBytes(payload.byteLength);
        const bytes = Buffer.alloc(at + byteCount + 3, 0xaa);
        formatRecord(bytes, at, seq, sampleCount, payload);
        assert.equal(measureRecord(bytes, at), byteCount);
        const frame = parseRecord(bytes, at, byteCount);
        assert.deepEqual({ ...frame, payload: new Uint8Array(frame?.payload ?? []) }, { seq, sampleCount, payload });
        assert.deepEqual([...bytes.subarray(0, at), ...bytes.subarray(at + byteCount)], Array(at + 3).fill(0xaa));
      }),
    );
  });

  it("has the layout that the format says", () => {
    const record = makeRecord(2 ** 32 + 5, 480, Uint8Array.of(1, 2, 3));
    assert.equal(record.subarray(4).toString("hex"), "0f0000000500000001000000e0010000010203");
    assert.equal(record.readUInt32LE(0), 0x099f_1257);
  });

  it("refuses a record with any bit flipped", () => {
    const record = makeRecord(1234567, 480, Uint8Array.of(1, 2, 3, 4));
    for (let bit = 0; bit < record.byteLength * 8; bit++) {
      const damaged = Buffer.from(record);
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const isSeen = measureRecord(damaged, 0) === record.byteLength;
      assert.equal(isSeen ? parseRecord(damaged, 0, record.byteLength) : undefined, undefined, `bit ${bit}`);
    }
  });

  it("refuses a seq that no number holds", () => {
    const record = makeRecord(Number.MAX_SAFE_INTEGER, 1, Uint8Array.of());
    assert.equal(parseRecord(record, 0, record.byteLength)?.seq, Number.MAX_SAFE_INTEGER);
    const beyond = makeRecord(2 ** 53, 1, Uint8Array.of());
    assert.equal(parseRecord(beyond, 0, beyond.byteLength), undefined);
  });
});

describe("measureRecord", () => {
  it("takes lengths from an empty payload to the largest, and nothing else: zeros are no record", () => {
    const start = Buffer.alloc(8);
    const measure = (length: number) => {
      start.writeUInt32LE(length, 4);
      return measureRecord(start, 0);
    };
    assert.deepEqual([0, 11, 12, 12 + maxPayloadBytes, 13 + maxPayloadBytes, 0xffff_ffff].map(measure), [
      0,
      0,
      20,
      20 + maxPayloadBytes,
      0,
      0,
    ]);
  });
});

describe("parseEndMark", () => {
  const tally = { firstSeq: 2 ** 40, nextSeq: 2 ** 40 + 12, frameCount: 10, sampleCount: 2 ** 33 };

  it("reads what formatEndMark wrote", () => {
    assert.deepEqual(parseEndMark(formatEndMark(tally, 4711), 4711), tally);
  });

  it("refuses a mark of another file size, of impossible sums, cut or with any bit flipped", () => {
    const mark = formatEndMark(tally, 4711);
    assert.equal(parseEndMark(mark, 4712), undefined);
    assert.equal(parseEndMark(mark.subarray(1), 4711), undefined);
    assert.equal(parseEndMark(formatEndMark({ ...tally, frameCount: 13 }, 4711), 4711), undefined);
    assert.equal(parseEndMark(formatEndMark({ ...tally, frameCount: 0 }, 4711), 4711), undefined);
    for (let bit = 0; bit < mark.byteLength * 8; bit++) {
      const damaged = Buffer.from(mark);
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.equal(parseEndMark(damaged, 4711), undefined, `bit ${bit}`);
    }
  });

  it("starts with what is no record", () => {
    assert.equal(measureRecord(formatEndMark(tally, 4711), 0), 0);
  });
});
