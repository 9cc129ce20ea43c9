import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { expectedFrames, frameSampleCount, payloadOf } from "./spool.test-support.ts";
import {
  createAppendFile,
  createSpoolFile,
  inspectFile,
  RecordReader,
  syncFolder,
  truncateFile,
} from "./spool-file-store.ts";
import { countRecordBytes, formatEndMark, formatRecord } from "./spool-record.ts";
import { emptyTally, type Tally } from "./spool-tally.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-spool-file-"));
  path = join(folder, "00000001.frames");
});

afterEach(() => rm(folder, { recursive: true }));

/** Records of frames `from` to `to - 1`. */
function makeRecords(from: number, to: number, byteCount?: number): Buffer {
  const records = expectedFrames(from, to, byteCount).map(({ seq, sampleCount, payload }) => {
    const bytes = Buffer.alloc(countRecordBytes(payload.byteLength));
    formatRecord(bytes, 0, seq, sampleCount, payload);
    return bytes;
  });
  return Buffer.concat(records);
}

function tallyOf(firstSeq: number, nextSeq: number): Tally {
  const frameCount = nextSeq - firstSeq;
  return { firstSeq, nextSeq, frameCount, sampleCount: frameCount * frameSampleCount };
}

describe("inspectFile", () => {
  it("counts the frames of a file that nobody finished, and finds nothing behind them", async () => {
    const bytes = makeRecords(5, 25);
    await writeFile(path, bytes);
    const { file, restBytes } = await inspectFile(path, 0);
    assert.deepEqual(file.tally, tallyOf(5, 25));
    assert.deepEqual([file.recordsBytes, file.byteLength, restBytes], [bytes.byteLength, bytes.byteLength, 0]);
  });

  it("keeps all frames before the last one, wherever that is cut", async () => {
    const whole = makeRecords(0, 6);
    const before = makeRecords(0, 5).byteLength;
    for (let size = before; size < whole.byteLength; size++) {
      await writeFile(path, whole.subarray(0, size));
      const { file, restBytes } = await inspectFile(path, 0);
      assert.deepEqual([file.tally.nextSeq, file.recordsBytes, restBytes], [5, before, size - before]);
    }
  });

  it("stops at zeros, as a power cut leaves them, of any length", async () => {
    const records = makeRecords(0, 3);
    for (const zeroBytes of [1, 7, 8, 19, 20, 40, 4_096, 300_000]) {
      await writeFile(path, Buffer.concat([records, Buffer.alloc(zeroBytes)]));
      const { file, restBytes } = await inspectFile(path, 0);
      assert.deepEqual([file.tally.nextSeq, file.recordsBytes, restBytes], [3, records.byteLength, zeroBytes]);
    }
  });

  it("stops at zeros that stand where a page was not written, though records follow", async () => {
    const bytes = makeRecords(0, 100, 200);
    bytes.fill(0, 4_096, 8_192);
    await writeFile(path, bytes);
    const { file } = await inspectFile(path, 0);
    assert.equal(file.tally.nextSeq, Math.floor(4_096 / 220));
  });

  it("finds nothing in an empty file, zeros or something else", async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(5_000), Buffer.from("hello, I am no frame at all".repeat(9))]) {
      await writeFile(path, bytes);
      const { file, restBytes } = await inspectFile(path, 7);
      assert.deepEqual([file.tally, file.recordsBytes, restBytes], [emptyTally(7), 0, bytes.byteLength]);
    }
  });

  it("reads over chunk borders, and records larger than a chunk", async () => {
    const large = [makeRecords(0, 3_000), makeRecords(3_000, 3_002, 1_000_000), makeRecords(3_002, 3_500)];
    await writeFile(path, Buffer.concat(large));
    assert.deepEqual((await inspectFile(path, 0)).file.tally, tallyOf(0, 3_500));
  });

  it("believes the mark of a finished file, without reading it", async () => {
    const records = Buffer.alloc(1_000, "not looked at");
    await writeFile(path, Buffer.concat([records, formatEndMark(tallyOf(5, 25), 1_000)]));
    const { file, restBytes } = await inspectFile(path, 5);
    assert.deepEqual(file.tally, tallyOf(5, 25));
    assert.deepEqual([file.recordsBytes, file.byteLength, restBytes], [1_000, 1_040, 0]);
  });

  it("reads a file whose mark is torn", async () => {
    const records = makeRecords(5, 25);
    const mark = formatEndMark(tallyOf(5, 25), records.byteLength);
    for (let length = 1; length < mark.byteLength; length++) {
      await writeFile(path, Buffer.concat([records, mark.subarray(0, length)]));
      const { file, restBytes } = await inspectFile(path, 0);
      assert.deepEqual([file.tally, file.recordsBytes, restBytes], [tallyOf(5, 25), records.byteLength, length]);
    }
  });

  it("does not count frames that an earlier file has, finished or not", async () => {
    const records = makeRecords(5, 25);
    const mark = formatEndMark(tallyOf(5, 25), records.byteLength);
    for (const end of [Buffer.alloc(0), mark]) {
      await writeFile(path, Buffer.concat([records, end]));
      const some = await inspectFile(path, 10);
      assert.deepEqual([some.file.tally, some.restBytes], [tallyOf(10, 25), 0]);
      const none = await inspectFile(path, 30);
      assert.deepEqual([none.file.tally, none.restBytes], [emptyTally(30), 0]);
    }
  });
});

describe("createAppendFile", () => {
  it("writes slices at an offset, over what a failed write left there", async () => {
    const file = await createAppendFile(path);
    await file.write([Buffer.from("abc"), Buffer.from("garbage that was cut")], 0);
    await file.write([Buffer.from("de"), Buffer.from("f")], 3);
    await file.sync();
    await file.close();
    assert.equal((await readFile(path, "latin1")).slice(0, 10), "abcdefbage");
  });

  it("never opens a file that is there", async () => {
    await writeFile(path, "precious");
    await assert.rejects(createAppendFile(path), { code: "EEXIST" });
    assert.equal(await readFile(path, "latin1"), "precious");
  });

  it("takes more slices than the system takes at once", async () => {
    const slices = Array.from({ length: 3_000 }, (_, index) => Buffer.from(String(index).padStart(6)));
    const file = await createAppendFile(path);
    await file.write(slices, 0);
    await file.close();
    assert.deepEqual(await readFile(path), Buffer.concat(slices));
  });
});

describe("RecordReader", () => {
  it("sees what is appended while it is open", async () => {
    const records = makeRecords(0, 4, 50);
    const file = createSpoolFile(path, emptyTally(0), 70);
    await writeFile(path, records);
    const reader = await RecordReader.open(file);
    const read = async () => {
      const seqs: unknown[] = [];
      for (;;) {
        const frame = reader.next();
        if (frame === "damaged") return [...seqs, frame];
        if (frame !== "more") seqs.push(frame.seq);
        else if (!(await reader.fill())) return seqs;
      }
    };
    assert.deepEqual(await read(), [0]);
    file.recordsBytes = 210;
    assert.deepEqual(await read(), [1, 2]);
    file.recordsBytes = 280;
    await truncate(path, 250);
    assert.deepEqual(await read(), []);
    assert.equal(reader.hasMore, true);
    await reader.close();
  });

  it("gives payloads that stay as they are", async () => {
    await writeFile(path, makeRecords(0, 5_000));
    const file = createSpoolFile(path, emptyTally(0), makeRecords(0, 5_000).byteLength);
    const reader = await RecordReader.open(file);
    const payloads: Uint8Array[] = [];
    while (payloads.length < 5_000) {
      const frame = reader.next();
      if (typeof frame === "object") payloads.push(frame.payload);
      else assert.ok(frame === "more" && (await reader.fill()));
    }
    await reader.close();
    for (const [seq, payload] of payloads.entries()) assert.deepEqual(new Uint8Array(payload), payloadOf(seq));
  });
});

describe("truncateFile", () => {
  it("cuts a file, and does not mind one that is gone", async () => {
    await writeFile(path, "abcdef");
    await truncateFile(path, 4);
    assert.equal(await readFile(path, "latin1"), "abcd");
    await truncateFile(join(folder, "gone"), 4);
  });
});

describe("syncFolder", () => {
  it("tells of a folder that is not there", async () => {
    await syncFolder(folder);
    await assert.rejects(syncFolder(join(folder, "gone")), { code: "ENOENT" });
  });
});
