import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { frameMagics, frameRules, limits } from "@eet/protocol";
import { StorageError } from "../kernel/errors.ts";
import type { ClosedSegment, RecordFormat, SegmentOpening } from "../kernel/segment-record.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { BinReader } from "./bin-reader-store.ts";
import { type FrameScan, scanFrames } from "./frame-scan.ts";
import { hashFile, withTarget } from "./hashed-target-store.ts";
import { decideNibbleOrder } from "./nibble-decision.ts";
import { parseOpening } from "./opening-format.ts";
import { isDecodable, type Rendering, renderSegment } from "./segment-rendering.ts";
import { createSidecar, segmentOfSidecar } from "./sidecar-format.ts";
import { parseSidecar } from "./sidecar-parsing.ts";

/** Segments are cut there. [S-1.5] */
const maxWavBytes = 2 ** 31;

/** Format given by hand for a `.bin` without a sidecar. */
export interface AssumedFormat {
  readonly sampleRateHz?: number;
  readonly channels?: number;
  readonly frameSampleCount?: number;
  readonly nibbleOrder?: "low" | "high";
  readonly adpcmLayout?: "ms4" | "single";
}

/** What the frames of one `.bin` tell. */
export interface Inspection {
  /** As a sidecar would state it. */
  readonly facts: Sidecar;
  /** Where the format comes from. */
  readonly formatSource: "sidecar" | "open segment" | "assumed";
  /** Bytes behind the last whole frame. */
  readonly trailingBytes: number;
  readonly verdict: FrameScan["verdict"];
  readonly rendering: Rendering | null;
}

/**
 * Reads a `.bin` (or a `.bin.part`) and, when asked, writes its WAV.
 *
 * @param path - the `.bin`; its sidecar is used where it stands beside it
 * @param assumed - what overrides the sidecar or stands for a missing one
 * @param wavPath - where the WAV goes; `null`: nowhere
 * @throws {@link StorageError} `SEGMENT_UNREADABLE` when there is no frame, or no sidecar and no sample rate
 */
export async function inspectBin(path: string, assumed: AssumedFormat, wavPath: string | null): Promise<Inspection> {
  const { segment, sidecar, formatSource } = await readSegment(path, assumed);
  const { opening, nextFrame } = segment;
  const scan = scanFrames(segment, path);
  if (scan.frameCount === 0) throw new StorageError("SEGMENT_UNREADABLE", `${path} does not start with an audio frame`);
  assertWavLength(scan.sampleCount * opening.session.format.channels, path);
  // The order that the sidecar's WAV was decoded with, unless another is asked for.
  const sidecarOrder = assumed.nibbleOrder === undefined ? sidecar?.nibble_order : undefined;
  const nibbleOrder = sidecarOrder ?? decideNibbleOrder(opening.session, scan.verdict, undefined);
  const rendering = isDecodable(opening)
    ? withTarget(wavPath, (wav) => renderSegment({ opening, bin: path, scan, nibbleOrder, nextFrame }, wav))
    : null;
  const bin = hashFile(path, Number.MAX_SAFE_INTEGER);
  const hasWav = wavPath !== null;
  const isRecovered = sidecar?.recovered ?? false;
  const facts = createSidecar({ segment, scan, nibbleOrder, bin, rendering, hasWav, isRecovered });
  return { facts, formatSource, trailingBytes: bin.bytes - scan.binBytes, verdict: scan.verdict, rendering };
}

/** Frames that follow each other with a gap of days between them were not recorded so: a seq among them is damaged. */
function assertWavLength(sampleCount: number, path: string): void {
  if (sampleCount * 2 <= maxWavBytes) return;
  const silence = "with its gaps filled with silence its WAV would have more than 2 GiB";
  throw new StorageError("SEGMENT_UNREADABLE", `${path} holds frames far apart: ${silence}`);
}

interface KnownSegment {
  readonly segment: ClosedSegment;
  readonly sidecar?: Sidecar;
  readonly formatSource: Inspection["formatSource"];
}

async function readSegment(path: string, assumed: AssumedFormat): Promise<KnownSegment> {
  const basePath = path.replace(/\.bin(\.part)?$/, "");
  const jsonPath = `${basePath}${segmentEndings.json}`;
  const openPath = `${basePath}${segmentEndings.open}`;
  if (existsSync(jsonPath)) {
    const sidecar = parseSidecar(await readFile(jsonPath, "utf8"), jsonPath);
    const segment = withAssumed(segmentOfSidecar(sidecar, ""), assumed);
    return { segment, sidecar, formatSource: "sidecar" };
  }
  if (existsSync(openPath)) {
    const opening = parseOpening(await readFile(openPath, "utf8"));
    if (opening === undefined)
      throw new StorageError("SEGMENT_UNREADABLE", `${openPath} is torn or of another version`);
    return { segment: withAssumed(unclosedSegment(opening), assumed), formatSource: "open segment" };
  }
  return { segment: assumeSegment(path, assumed), formatSource: "assumed" };
}

/** A segment of which nothing is known but its opening and its frames. */
function unclosedSegment(opening: SegmentOpening): ClosedSegment {
  return { opening, binBytes: 0, reason: "recovered", received: null, observations: null, nextFrame: null };
}

function withAssumed(segment: ClosedSegment, assumed: AssumedFormat): ClosedSegment {
  const { opening } = segment;
  const { session } = opening;
  return {
    ...segment,
    opening: {
      ...opening,
      session: {
        ...session,
        format: {
          codec: session.format.codec,
          sampleRateHz: assumed.sampleRateHz ?? session.format.sampleRateHz,
          channels: assumed.channels ?? session.format.channels,
          frameSampleCount: assumed.frameSampleCount ?? session.format.frameSampleCount,
        },
        profile: {
          ...session.profile,
          ...(assumed.nibbleOrder !== undefined && { configuredNibbleOrder: assumed.nibbleOrder }),
          ...(assumed.adpcmLayout !== undefined && { adpcmLayout: assumed.adpcmLayout }),
        },
      },
    },
  };
}

/** The frames tell the codec; rate and channels they do not. */
function assumeSegment(path: string, assumed: AssumedFormat): ClosedSegment {
  const codec = readCodec(path);
  const { sampleRateHz, channels = 1, frameSampleCount = 0 } = assumed;
  if (sampleRateHz === undefined) {
    throw new StorageError(
      "SEGMENT_UNREADABLE",
      `${path} has no sidecar beside it: give its format with --rate (and --channels, --frame-samples, --nibble-order)`,
    );
  }
  const format: RecordFormat = { codec, sampleRateHz, channels, frameSampleCount };
  const firstSeq = readFirstSeq(path, format);
  const session = {
    session: "unknown",
    hwid: null,
    streamId: 0,
    format,
    start: { startMs: 0, rule: "server-arrival", deviceMs: 0, serverMs: 0, warning: null },
    profile: {},
    isAcked: false,
  } as const;
  const segment = unclosedSegment({
    version: "eet.open/1",
    session,
    index: 0,
    name: basename(path).replace(/\.bin(\.part)?$/, ""),
    folder: "",
    start: { seq: firstSeq, sample: 0 },
    leadingGap: null,
    gapFill: "silence",
    bootId: "",
    runId: "",
    logNumber: 0,
  });
  return withAssumed(segment, assumed);
}

function readCodec(path: string): RecordFormat["codec"] {
  for (const codec of ["adpcm", "pcm16"] as const) {
    const reader = BinReader.open(path, frameRules({ codec, sampleRateHz: 16_000, channels: 1, frameSampleCount: 0 }));
    const frame = reader.next();
    reader.close();
    if (frame !== undefined) return codec;
  }
  throw new StorageError(
    "SEGMENT_UNREADABLE",
    `${path} does not start with a frame of at most ${limits.maxMessageBytes} bytes` +
      ` (magic ${frameMagics.adpcm.toString(16)} or ${frameMagics.pcm16.toString(16)})`,
  );
}

function readFirstSeq(path: string, format: RecordFormat): number {
  const reader = BinReader.open(path, frameRules(format));
  const frame = reader.next();
  reader.close();
  return frame?.seq ?? 0;
}
