import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Overview, overviewBinCount } from "@eet/audio";
import { frameRules } from "@eet/protocol";
import { inspectBin } from "@eet/server";
import fc from "fast-check";
import { BinReader } from "../../../packages/server/src/lib/finishing/bin-reader-store.ts";
import { placeFrames, scanFrames } from "../../../packages/server/src/lib/finishing/frame-scan.ts";
import { parseOpening } from "../../../packages/server/src/lib/finishing/opening-format.ts";
import { formatOverview, parseOverview } from "../../../packages/server/src/lib/finishing/overview-format.ts";
import { decodeSamples, markFrames } from "../../../packages/server/src/lib/finishing/segment-samples.ts";
import { formatSidecar, segmentOfSidecar } from "../../../packages/server/src/lib/finishing/sidecar-format.ts";
import { parseSidecar } from "../../../packages/server/src/lib/finishing/sidecar-parsing.ts";
import { measureIntactBytes, measureProvenBytes } from "../../../packages/server/src/lib/finishing/tail-check-store.ts";
import { StorageError } from "../../../packages/server/src/lib/kernel/errors.ts";
import type { SegmentOpening } from "../../../packages/server/src/lib/kernel/segment-record.ts";
import {
  type FrameLogRecord,
  formatFrameLogRecord,
  frameLogRecordBytes,
  parseFrameLog,
} from "../../../packages/server/src/lib/storage/frame-log-record.ts";
import { SegmentTrust } from "../../../packages/server/src/lib/storage/segment-trust.ts";
import {
  assertWhole,
  attempt,
  attemptAsync,
  bytesTarget,
  type FuzzTarget,
  jsonTarget,
  plainRecord,
} from "./fuzz-target.ts";
import type { SeedFile } from "./recorded-seeds.ts";

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const record: fc.Arbitrary<FrameLogRecord> = fc.oneof(
  plainRecord({ kind: fc.constant("synced" as const), logNumber: uint32, offset: uint32 }),
  plainRecord({
    ...{ kind: fc.constant("written" as const), logNumber: uint32, offset: uint32, byteCount: uint32, crc: uint32 },
  }),
);

function formatLog(records: readonly FrameLogRecord[]): Buffer {
  const bytes = Buffer.alloc(records.length * frameLogRecordBytes);
  for (const [index, each] of records.entries()) formatFrameLogRecord(each, bytes, index * frameLogRecordBytes);
  return bytes;
}

function readTrust(bytes: Buffer): SegmentTrust {
  const trust = new SegmentTrust();
  for (const each of parseFrameLog(bytes)) {
    if (each.kind === "synced") trust.addSynced(each.offset);
    else trust.addWritten(each);
  }
  return trust;
}

const frameLogTarget = (seeds: readonly Buffer[]) =>
  bytesTarget({
    name: "parseFrameLog, SegmentTrust",
    seeds,
    maxBytes: 2_048,
    property: (parameters) =>
      fc.assert(
        fc.property(fc.array(record), (records) => assert.deepEqual([...parseFrameLog(formatLog(records))], records)),
        parameters,
      ),
    check: (bytes) => {
      const records = [...parseFrameLog(bytes)];
      assert.ok(records.length * frameLogRecordBytes <= bytes.byteLength);
      const trust = readTrust(bytes);
      assertWhole(trust.syncedBytes, 0, 0xffff_ffff, "what is synced");
    },
  });

/** What a power cut may leave: a log that says one thing and a file that holds another. */
const tailTarget = (path: string, seeds: readonly Buffer[], logs: readonly Buffer[]) =>
  bytesTarget({
    name: "measureProvenBytes, measureIntactBytes: a .bin.part after a crash",
    weight: 2,
    seeds,
    maxBytes: 16_384,
    check: (bytes) => {
      writeFileSync(path, bytes);
      for (const log of logs) {
        const trust = readTrust(log);
        assertWhole(measureProvenBytes(path, trust), 0, bytes.byteLength, "what is proven");
        assertWhole(measureIntactBytes(path, trust), 0, bytes.byteLength, "what is intact");
      }
    },
  });

/** A `.bin` and what is known of its segment. */
interface KnownBin {
  readonly opening: SegmentOpening;
  /** Text. */
  readonly sidecar: string;
  readonly bytes: Buffer;
}

const placeTarget = (bins: readonly KnownBin[]) =>
  bytesTarget({
    name: "BinReader, placeFrames: a .bin in memory",
    weight: 20,
    seeds: bins.map(({ bytes }) => bytes.subarray(0, 1_500)),
    maxBytes: 2_048,
    check: (bytes) => {
      for (const { opening } of bins) {
        const { format, profile } = opening.session;
        const reader = BinReader.over(bytes, frameRules(format, profile.adpcmLayout));
        let frameCount = 0;
        for (const { sampleCount, gap } of placeFrames(opening, reader)) {
          frameCount += 1;
          assertWhole(sampleCount, 0, bytes.byteLength * 2, "a frame's samples");
          if (gap !== null) assertWhole(gap.sampleCount, 0, 2 ** 53, "a gap");
        }
        assert.ok(frameCount * 12 <= bytes.byteLength);
        assertWhole(reader.offset, 0, bytes.byteLength, "the end of the frames");
      }
    },
  });

/** Samples per channel that are asked for. */
const askedCount = 400;

const samplesTarget = (bins: readonly KnownBin[]) =>
  bytesTarget({
    name: "markFrames, decodeSamples: a .bin that is believed, as playback reads it",
    weight: 0.3,
    seeds: bins.map(({ bytes }) => bytes.subarray(0, 6_000)),
    maxBytes: 8_192,
    check: (bytes) => {
      for (const { sidecar, opening } of bins) {
        const { marks, last } = markFrames({ sidecar, bin: bytes });
        for (const { offset } of marks) assertWhole(offset, 0, bytes.byteLength, "a mark");
        assert.equal(last === undefined, marks.length === 0);
        const fromSample = parseSidecar(sidecar, "it").start_sample + 10;
        const asked = { sidecar, bin: bytes, fromSample, toSample: fromSample + askedCount };
        const samples = attempt(() => decodeSamples(asked), StorageError);
        if (samples !== undefined) assert.equal(samples.length, askedCount * opening.session.format.channels);
      }
    },
  });

/** What is decoded within a moment. */
const maxDecodedSamples = 1_000_000;

const scanTarget = (path: string, bins: readonly KnownBin[]) =>
  bytesTarget({
    name: "scanFrames: a .bin on the disk, as recovery reads it",
    weight: 2,
    seeds: bins.map(({ bytes }) => bytes),
    maxBytes: 16_384,
    check: async (bytes) => {
      writeFileSync(path, bytes);
      let mostSamples = 0;
      for (const { opening } of bins) {
        const scan = scanFrames({ opening, observations: null }, path);
        assertWhole(scan.binBytes, 0, bytes.byteLength, "bytes of frames");
        assertWhole(scan.sampleCount, 0, 2 ** 53, "samples");
        mostSamples = Math.max(mostSamples, scan.sampleCount);
        assert.ok(scan.lastSeq >= scan.firstSeq || scan.frameCount === 0);
      }
      // Silence is decoded, too: a gap that is hours long takes its time.
      if (mostSamples > maxDecodedSamples) return;
      await attemptAsync(() => inspectBin(path, { sampleRateHz: 8_000, channels: 1 }, null), StorageError);
    },
  });

const sidecarTarget = (texts: readonly string[]) =>
  jsonTarget({
    name: "parseSidecar, segmentOfSidecar",
    seeds: texts.map((text) => JSON.parse(text)),
    property: (parameters) =>
      fc.assert(
        fc.property(fc.constantFrom(...texts), (text) => assert.equal(formatSidecar(parseSidecar(text, "it")), text)),
        parameters,
      ),
    check: (text) => {
      const sidecar = attempt(() => parseSidecar(text, "it"), StorageError);
      if (sidecar === undefined) return;
      assert.equal(segmentOfSidecar(sidecar, "").opening.name, sidecar.name);
      const written = formatSidecar(sidecar);
      assert.equal(formatSidecar(parseSidecar(written, "it")), written);
    },
  });

const openingTarget = (texts: readonly string[]) =>
  jsonTarget({
    name: "parseOpening",
    seeds: texts.map((text) => JSON.parse(text)),
    check: (text) => {
      const opening = parseOpening(text);
      if (opening !== undefined) assert.equal(opening.version, "eet.open/1");
    },
  });

function assertOverview(overview: Overview, sizeBytes: number): void {
  const { channels, peaks, columns } = overview;
  assert.ok(peaks.byteLength + columns.byteLength <= sizeBytes);
  assertWhole(channels, 0, 0xffff, "channels");
}

const overviewTarget = (seeds: readonly Buffer[]) =>
  bytesTarget({
    name: "parseOverview",
    seeds,
    maxBytes: 2_048,
    property: (parameters) =>
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(20), fc.nat(20), (channels, pairCount, columnCount) => {
          const overview = {
            ...{ channels, peakSamples: 256, columnSamples: 2_048, sampleCount: pairCount * 256 },
            peaks: new Int16Array(pairCount * channels * 2).fill(-7),
            columns: new Uint8Array(columnCount * overviewBinCount).fill(9),
          };
          const read = parseOverview(formatOverview(overview));
          assert.deepEqual(read && { ...read, columns: new Uint8Array(read.columns) }, overview);
        }),
        parameters,
      ),
    check: (bytes) => {
      const overview = parseOverview(bytes);
      if (overview !== undefined) assertOverview(overview, bytes.byteLength);
    },
  });

/** What reads files of a data folder, with the files that {@link recordSeeds} has left as seeds. */
export function createStorageTargets(files: readonly SeedFile[]): readonly FuzzTarget[] {
  const scratch = mkdtempSync(join(tmpdir(), "eet-fuzz-"));
  process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
  const ending = (end: string) => files.filter(({ path }) => path.endsWith(end));
  const openings = ending(".open.json").map(({ bytes }) => String(bytes));
  const sidecars = ending(".json").filter(({ path }) => !path.endsWith(".open.json"));
  const logs = ending(".log").map(({ bytes }) => bytes);
  const bins = sidecars.flatMap(({ path, bytes }): KnownBin[] => {
    const bin = files.find((file) => file.path === path.replace(/json$/, "bin"));
    if (bin === undefined) return [];
    const sidecar = String(bytes);
    return [{ opening: segmentOfSidecar(parseSidecar(sidecar, path), "").opening, sidecar, bytes: bin.bytes }];
  });
  const parts = ending(".bin.part").map(({ bytes }) => bytes);
  return [
    frameLogTarget(logs.map((log) => log.subarray(0, 20 * frameLogRecordBytes))),
    tailTarget(join(scratch, "tail.bin.part"), parts, logs),
    placeTarget(bins),
    samplesTarget(bins),
    scanTarget(join(scratch, "scan.bin"), bins),
    sidecarTarget(sidecars.map(({ bytes }) => String(bytes))),
    openingTarget(openings),
    overviewTarget(ending(".overview").map(({ bytes }) => bytes)),
  ];
}
