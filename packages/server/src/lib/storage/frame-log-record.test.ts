import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type FrameLogRecord, formatFrameLogRecord, frameLogRecordBytes, parseFrameLog } from "./frame-log-record.ts";

const u32 = fc.nat({ max: 0xffffffff });
const records: fc.Arbitrary<FrameLogRecord[]> = fc.array(
  fc.oneof(
    fc.tuple(u32, u32, u32, u32).map(
      ([logNumber, offset, byteCount, crc]): FrameLogRecord => ({
        kind: "written",
        logNumber,
        offset,
        byteCount,
        crc,
      }),
    ),
    fc.tuple(u32, u32).map(([logNumber, offset]): FrameLogRecord => ({ kind: "synced", logNumber, offset })),
  ),
  { minLength: 1, maxLength: 20 },
);

function format(list: readonly FrameLogRecord[]): Buffer {
  const bytes = Buffer.alloc(list.length * frameLogRecordBytes);
  for (const [index, record] of list.entries()) formatFrameLogRecord(record, bytes, index * frameLogRecordBytes);
  return bytes;
}

describe("formatFrameLogRecord", () => {
  it("writes 24 bytes: kind, number, offset, byte count, CRC of the frames, CRC of the record", () => {
    const bytes = format([{ kind: "written", logNumber: 7, offset: 1000, byteCount: 344, crc: 0xdeadbeef }]);
    assert.equal(bytes.toString("hex"), "0100000007000000e803000058010000efbeadde6d179a5b");
  });
});

describe("parseFrameLog", () => {
  it("reads what was written", () => {
    fc.assert(fc.property(records, (list) => assert.deepEqual([...parseFrameLog(format(list))], list)));
  });

  it("passes over the record that is damaged, wherever it is", () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.integer({ min: 1, max: 255 }), (list, place, mask) => {
        const bytes = format(list);
        const at = place % bytes.byteLength;
        bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at);
        assert.deepEqual([...parseFrameLog(bytes)], list.toSpliced(Math.floor(at / frameLogRecordBytes), 1));
      }),
    );
  });

  it("passes over a torn end", () => {
    fc.assert(
      fc.property(records, fc.nat(), (list, cut) => {
        const bytes = format(list);
        const torn = bytes.subarray(0, cut % bytes.byteLength);
        const whole = list.slice(0, Math.floor(torn.byteLength / frameLogRecordBytes));
        assert.deepEqual([...parseFrameLog(torn)], whole);
      }),
    );
  });

  it("sees nothing in zeros", () => {
    assert.deepEqual([...parseFrameLog(Buffer.alloc(10 * frameLogRecordBytes))], []);
  });
});
