import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { encodeAdpcm, formatAdpcmHeader, type NibbleOrder, parseAdpcmHeader } from "@eet/audio";
import { formatFrame } from "@eet/protocol";
import type {
  ClosedSegment,
  DeviceProfile,
  GapRecord,
  RecordFormat,
  SegmentOpening,
} from "../kernel/segment-record.ts";
import { formatSegmentName, segmentEndings } from "../storage/segment-path.ts";
import { type PlacedOnce, placeOnce, type SentFrame } from "./reference-decode.test-support.ts";

/** Mono ADPCM with 20 ms frames. */
export const adpcmFormat: RecordFormat = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 };
/** Mono PCM with 20 ms frames. */
export const pcmFormat: RecordFormat = { ...adpcmFormat, codec: "pcm16" };

/** A fresh folder that goes with the test. */
export function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "eet-finishing-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Something that sounds: a tone whose pitch and loudness wander, the same for the same seed. */
export function wobble(sampleCount: number, seed = 1): Int16Array {
  return Int16Array.from({ length: sampleCount }, (_, n) => {
    const loudness = 9_000 + 6_000 * Math.sin((n + seed * 977) / 4_001);
    return Math.round(
      loudness * Math.sin((n + seed * 31) / (6 + 3 * Math.sin(n / 2_003))) + (((n * 7919) % 211) - 105),
    );
  });
}

/** Cuts samples (interleaved) into PCM frames. */
export function pcmFrames(samples: Int16Array, valuesPerFrame: number, firstSeq = 0): SentFrame[] {
  return Array.from({ length: Math.ceil(samples.length / valuesPerFrame) }, (_, index) => {
    const values = samples.subarray(index * valuesPerFrame, (index + 1) * valuesPerFrame);
    const payload = Buffer.alloc(values.length * 2);
    values.forEach((value, at) => {
      payload.writeInt16LE(value, at * 2);
    });
    return { seq: firstSeq + index, payload };
  });
}

/** Encodes samples to mono ADPCM frames as a device does; `drop` loses an odd frame's last code as audioop does. */
export function adpcmFrames(
  samples: Int16Array,
  sizes: number | readonly number[],
  order: NibbleOrder,
  oddCode: "pad" | "drop" = "drop",
): SentFrame[] {
  const state = { predictor: 0, stepIndex: 0 };
  const frames: SentFrame[] = [];
  for (let at = 0; at < samples.length; ) {
    const size = typeof sizes === "number" ? sizes : (sizes[frames.length % sizes.length] ?? 1);
    const piece = samples.subarray(at, at + size);
    const header = formatAdpcmHeader(state);
    const codes = encodeAdpcm(piece, order, state);
    const sent = oddCode === "drop" ? codes.subarray(0, piece.length >> 1) : codes;
    frames.push({ seq: frames.length, payload: Buffer.concat([header, sent]) });
    at += size;
  }
  return frames;
}

/** What of a segment a test may want otherwise. */
export interface SegmentDraft {
  readonly format?: RecordFormat;
  readonly profile?: DeviceProfile;
  readonly session?: string;
  /** Default: `mic-1`. */
  readonly hwid?: string;
  readonly index?: number;
  readonly startMs?: number;
  readonly isAcked?: boolean;
  readonly opening?: Partial<SegmentOpening>;
  readonly closed?: Partial<ClosedSegment>;
}

/** The opening of a segment that starts with `firstSeq`. */
export function makeOpening(draft: SegmentDraft = {}, firstSeq = 0): SegmentOpening {
  const {
    format = adpcmFormat,
    profile = {},
    session = "s1",
    hwid = "mic-1",
    index = 0,
    isAcked = false,
    opening,
  } = draft;
  const { startMs = Date.UTC(2026, 0, 2, 3, 4, 5) } = draft;
  const start = opening?.start ?? { seq: firstSeq, sample: 0 };
  const segmentStartMs = startMs + (start.sample * 1000) / format.sampleRateHz;
  return {
    version: "eet.open/1",
    session: {
      session,
      hwid,
      streamId: 7,
      format,
      start: { startMs, rule: "device-synced", deviceMs: startMs, serverMs: startMs + 12.5, warning: null },
      profile,
      isAcked,
    },
    index,
    name: formatSegmentName({ hwid, streamId: 7, session, index, startMs: segmentStartMs }),
    folder: "mic-1",
    start,
    leadingGap: null,
    gapFill: "silence",
    bootId: "boot-1",
    runId: "run-1",
    logNumber: 1,
    ...opening,
  };
}

/** The bytes of frames as they stand in a `.bin`. */
export function binOf(frames: readonly SentFrame[], { codec }: RecordFormat): Buffer {
  return Buffer.concat(frames.map(({ seq, payload }) => formatFrame(codec, seq, payload)));
}

/** Leaves a segment on disk as the recorder does when it closes one. */
export function leaveSegment(
  receivedPath: string,
  frames: readonly SentFrame[],
  draft: SegmentDraft = {},
): ClosedSegment {
  const opening = makeOpening(draft, frames[0]?.seq);
  const bin = binOf(frames, opening.session.format);
  const closed: ClosedSegment = {
    opening,
    binBytes: bin.byteLength,
    reason: "rotation",
    received: { firstMs: 1_767_323_045_020, lastMs: 1_767_323_055_000 },
    observations: null,
    nextFrame: null,
    ...draft.closed,
  };
  mkdirSync(join(receivedPath, opening.folder), { recursive: true });
  writeFileSync(pathOf(receivedPath, opening, "open"), JSON.stringify(opening));
  writeFileSync(pathOf(receivedPath, opening, "binPart"), bin);
  return closed;
}

/** Path of one of a segment's files. */
export function pathOf(receivedPath: string, opening: SegmentOpening, kind: keyof typeof segmentEndings): string {
  return join(receivedPath, opening.folder, `${opening.name}${segmentEndings[kind]}`);
}

/** Cuts a session in front of the frames with the given indexes, with the positions that a recorder would note. */
export function cutSession(
  frames: readonly SentFrame[],
  draft: SegmentDraft & { readonly isGapInside?: boolean },
  cuts: readonly number[],
): { readonly frames: readonly SentFrame[]; readonly draft: SegmentDraft }[] {
  const { format = adpcmFormat, isGapInside = true } = draft;
  const placed = placeOnce(frames, format, draft.profile?.adpcmLayout);
  const bounds = [0, ...new Set([...cuts].sort((a, b) => a - b)), frames.length].filter((at) => at <= frames.length);
  return bounds.slice(0, -1).flatMap((from, index) => {
    const to = bounds[index + 1] ?? frames.length;
    const [first, next] = [placed[from], placed[to]];
    if (first === undefined || to <= from) return [];
    const leadingGap = first.missingCount > 0 ? gapBefore(first, format) : null;
    const start =
      isGapInside && leadingGap !== null ? { seq: leadingGap.fromSeq, sample: leadingGap.startSample } : first;
    const opening = { ...draft.opening, leadingGap, start: { seq: start.seq, sample: start.sample } };
    const closed = { ...draft.closed, nextFrame: next === undefined ? null : stateBefore(next, format) };
    return [{ frames: frames.slice(from, to), draft: { ...draft, index, opening, closed } }];
  });
}

function gapBefore({ seq, sample, missingCount, gapSampleCount }: PlacedOnce, format: RecordFormat): GapRecord {
  return {
    fromSeq: seq - missingCount,
    toSeq: seq,
    startSample: sample - gapSampleCount,
    sampleCount: gapSampleCount,
    isEstimated: format.frameSampleCount === 0,
    cause: "not-received",
  };
}

function stateBefore({ seq, payload, missingCount }: PlacedOnce, { codec }: RecordFormat): ClosedSegment["nextFrame"] {
  return codec === "adpcm" && missingCount === 0 ? { seq, ...parseAdpcmHeader(payload) } : null;
}

/** All files below a folder by relative path, to compare trees. */
export function readTree(root: string): Readonly<Record<string, string>> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(root.length + 1), readFileSync(path, "base64")]));
}

/** The samples of one of our WAVs: 44 bytes of header, then the data chunk. */
export function wavSamples(path: string): number[] {
  const bytes = readFileSync(path);
  const dataBytes = bytes.readUInt32LE(40);
  return Array.from({ length: dataBytes / 2 }, (_, index) => bytes.readInt16LE(44 + index * 2));
}
