import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { InvalidArgumentError } from "commander";
import fc from "fast-check";
import { readHwid } from "../../../packages/cli/src/lib/library/hwid-argument.ts";
import { readSession } from "../../../packages/cli/src/lib/library/session-argument.ts";
import { timeArgument } from "../../../packages/cli/src/lib/library/time-argument.ts";
import { wholeNumber } from "../../../packages/cli/src/lib/number-argument.ts";
import { readRefusal } from "../../../packages/client/src/lib/refused-upgrade.ts";
import {
  formatJournalState,
  type JournalState,
  parseJournalState,
} from "../../../packages/client/src/lib/spool-facts-store.ts";
import { inspectFile, RecordReader } from "../../../packages/client/src/lib/spool-file-store.ts";
import {
  countRecordBytes,
  endMarkBytes,
  formatEndMark,
  formatRecord,
  maxPayloadBytes,
  measureRecord,
  parseEndMark,
  parseRecord,
} from "../../../packages/client/src/lib/spool-record.ts";
import { formatStreamUrl } from "../../../packages/client/src/lib/stream-url.ts";
import { assertWhole, attempt, bytesTarget, type FuzzTarget, jsonTarget, textTarget } from "./fuzz-target.ts";

const payload = fc.uint8Array({ maxLength: 60 });
const seq = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

/** Records of frames that follow each other, with the mark of a finished file behind them. */
function fileOf(frameCount: number, isFinished: boolean): Buffer {
  const records = Array.from({ length: frameCount }, (_, index) => {
    const record = Buffer.alloc(countRecordBytes(40));
    formatRecord(record, 0, index, 80, new Uint8Array(40).fill(index));
    return record;
  });
  const bytes = Buffer.concat(records);
  const tally = { firstSeq: 0, nextSeq: frameCount, frameCount, sampleCount: frameCount * 80 };
  return isFinished ? Buffer.concat([bytes, formatEndMark(tally, bytes.byteLength)]) : bytes;
}

/** Files of a spool: torn, whole, finished. */
export const spoolSeeds = [fileOf(1, false), fileOf(12, false), fileOf(12, true)];

const recordTarget = bytesTarget({
  name: "measureRecord, parseRecord, parseEndMark: records of the spool",
  seeds: spoolSeeds,
  maxBytes: 1_024,
  property: (parameters) =>
    fc.assert(
      fc.property(seq, fc.nat(), payload, (each, sampleCount, bytes) => {
        const record = Buffer.alloc(countRecordBytes(bytes.byteLength));
        formatRecord(record, 0, each, sampleCount, bytes);
        assert.equal(measureRecord(record, 0), record.byteLength);
        const read = parseRecord(record, 0, record.byteLength);
        assert.deepEqual([read?.seq, read?.sampleCount, Buffer.from(bytes)], [each, sampleCount, read?.payload]);
      }),
      parameters,
    ),
  check: (bytes) => {
    for (let at = 0; at + 8 <= bytes.byteLength; ) {
      const byteCount = measureRecord(bytes, at);
      if (byteCount === 0 || at + byteCount > bytes.byteLength) break;
      const frame = parseRecord(bytes, at, byteCount);
      if (frame === undefined) break;
      assertWhole(frame.seq, 0, Number.MAX_SAFE_INTEGER, "seq");
      assertWhole(frame.payload.byteLength, 0, maxPayloadBytes, "the payload");
      at += byteCount;
    }
    const end = bytes.byteLength - endMarkBytes;
    const tally = parseEndMark(bytes.subarray(Math.max(0, end)), Math.max(0, end));
    if (tally !== undefined) assert.ok(tally.nextSeq - tally.firstSeq >= tally.frameCount);
  },
});

function createFileTarget(): FuzzTarget {
  const folder = mkdtempSync(join(tmpdir(), "eet-fuzz-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "00000001.frames");
  return bytesTarget({
    name: "inspectFile, RecordReader: files of the spool on the disk",
    weight: 2,
    seeds: spoolSeeds,
    maxBytes: 4_096,
    check: async (bytes) => {
      writeFileSync(path, bytes);
      const { file, restBytes } = await inspectFile(path, 0);
      assertWhole(restBytes, 0, bytes.byteLength, "what is nothing");
      assertWhole(file.recordsBytes, 0, bytes.byteLength, "the records' bytes");
      assert.ok(file.tally.nextSeq - file.tally.firstSeq >= file.tally.frameCount);
      const reader = await RecordReader.open(file);
      try {
        for (;;) {
          const frame = reader.next();
          if (frame === "damaged" || (frame === "more" && !(await reader.fill()))) break;
        }
        assertWhole(reader.offset, 0, bytes.byteLength, "the reader's offset");
      } finally {
        await reader.close();
      }
    },
  });
}

/** What a journal may hold. */
export const journalSeed: JournalState = {
  facts: {
    ...{ hwid: "mic-1", streamId: 7, startMs: 1_700_000_000_000, nibbleOrder: "low" },
    format: { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 },
  },
  ...{ session: 2n ** 63n, isSealed: false, droppedFrameCount: 3, acknowledgedSeq: 5, nextSeq: 9 },
};

const journalTarget = jsonTarget({
  name: "parseJournalState: journal.json of the spool",
  weight: 60,
  seeds: [
    JSON.parse(formatJournalState(journalSeed)),
    JSON.parse(formatJournalState({ ...journalSeed, session: undefined })),
  ],
  property: (parameters) =>
    fc.assert(
      fc.property(seq, seq, fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (acknowledgedSeq, nextSeq, session) => {
        const state = { ...journalSeed, acknowledgedSeq, nextSeq, session };
        assert.deepEqual(parseJournalState(formatJournalState(state)), state);
      }),
      parameters,
    ),
  check: (text) => {
    const state = parseJournalState(text);
    if (state !== undefined) assert.deepEqual(parseJournalState(formatJournalState(state)), state);
  },
});

const refusalTarget = jsonTarget({
  name: "readRefusal: bodies of refused upgrades",
  weight: 10,
  seeds: [{ title: "t", status: 403, detail: "d", code: "HWID_REFUSED", fix: "f" }],
  check: async (text) => {
    const response = Object.assign(Readable.from([Buffer.from(text)]), { statusCode: 403 });
    const result = await readRefusal(response as unknown as IncomingMessage);
    assert.ok(result.kind === "refused" && result.status === 403);
    assert.ok(result.fix === undefined || typeof result.fix === "string");
  },
});

const urlTarget = textTarget({
  name: "formatStreamUrl",
  weight: 40,
  seeds: ["ws://127.0.0.1:5096/ws", "https://example.org/a/ws?token=x", "wss://[::1]/ws/#x", "http://u:p@h/ws//"],
  maxBytes: 200,
  check: (text) => {
    const url = attempt(() => formatStreamUrl(text, "AA:BB.1"), RangeError);
    if (url !== undefined) assert.match(new URL(url).pathname, /\/AA:BB\.1$/);
    const other = attempt(() => formatStreamUrl("ws://h/ws", text), RangeError);
    if (other !== undefined) assert.match(other, /^ws:\/\/h\/ws\/[\w:.-]{1,64}$/);
  },
});

const argumentTarget = textTarget({
  name: "timeArgument, readHwid, readSession, wholeNumber: arguments of eet",
  weight: 60,
  seeds: ["14:30", "2026-11-22", "2026-11-22T14:30:05", "-5m", "now", "1772323200000", "mic-1", "AA:BB", "~", "16000"],
  maxBytes: 80,
  check: (text) => {
    const time = attempt(() => timeArgument(text, 1_772_323_200_000), InvalidArgumentError);
    if (time !== undefined) assert.ok(Number.isFinite(Date.parse(time)), time);
    const hwid = attempt(() => readHwid(text), InvalidArgumentError);
    if (hwid !== undefined) assert.match(hwid, /^(?:~|[A-Za-z0-9_-]{1,64})$/);
    const session = attempt(() => readSession(text), InvalidArgumentError);
    if (session !== undefined) assert.match(session, /^[0-9a-z]{1,24}$/);
    const count = attempt(() => wholeNumber(1, 8)(text), InvalidArgumentError);
    if (count !== undefined) assertWhole(count, 1, 8, "the number");
  },
});

/** What reads on the side of devices and of people. */
export const createClientTargets = (): readonly FuzzTarget[] => [
  ...[recordTarget, createFileTarget(), journalTarget, refusalTarget, urlTarget, argumentTarget],
];
