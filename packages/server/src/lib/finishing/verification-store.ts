import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { toError } from "../kernel/errors.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import { formatSegmentName, segmentEndings } from "../storage/segment-path.ts";
import { scanFolders } from "../storage/segment-scan-store.ts";
import type { SegmentFolder } from "./finished-scan-store.ts";
import { scanFrames } from "./frame-scan.ts";
import { type FileFacts, hashFile, withTarget } from "./hashed-target-store.ts";
import { isDecodable, renderSegment } from "./segment-rendering.ts";
import { createSidecar, formatSidecar, segmentOfSidecar } from "./sidecar-format.ts";
import { parseSidecar } from "./sidecar-parsing.ts";

/** What a check of one segment found. */
export interface SegmentVerdict {
  /** Path without ending, relative to the checked folder. */
  readonly segment: string;
  /** Differences, each a sentence; empty when all is well. */
  readonly problems: readonly string[];
  /** True when the segment is not closed: recorded right now, or left by a crash. */
  readonly isOpen: boolean;
  /** True when only the sidecar is here: the `.bin` and the `.wav` were evicted to the object store. [S-2.5] */
  readonly isEvicted: boolean;
  readonly binBytes: number;
  readonly sampleCount: number;
  readonly sampleRateHz: number;
}

/**
 * Compares every segment of a tree with its sidecar: sizes, hashes, framing and positions of the `.bin`, and the `.wav`
 * with what the `.bin` decodes to. Reads only.
 */
export async function* verifyFolder(root: string): AsyncGenerator<SegmentVerdict> {
  for await (const listing of scanFolders(root)) {
    const folder = { ...listing, names: new Set(listing.names) };
    for (const stem of segmentStems(folder)) yield await verifySegment(folder, stem);
  }
}

const allEndings = Object.values(segmentEndings).sort((a, b) => b.length - a.length);

/** Names of the segments that have any file in the folder. */
function segmentStems({ names }: SegmentFolder): readonly string[] {
  const stems = new Set<string>();
  for (const name of names) {
    const ending = allEndings.find((candidate) => name.endsWith(candidate));
    if (ending !== undefined && name.startsWith("stream_")) stems.add(name.slice(0, -ending.length));
  }
  return [...stems];
}

async function verifySegment(
  { path: folderPath, folder, names }: SegmentFolder,
  stem: string,
): Promise<SegmentVerdict> {
  const segment = folder === "" ? stem : `${folder}/${stem}`;
  const basePath = join(folderPath, stem);
  const nothing = { segment, isEvicted: false, binBytes: 0, sampleCount: 0, sampleRateHz: 1 };
  const has = (ending: string) => names.has(`${stem}${ending}`);
  if (has(segmentEndings.open)) return { ...nothing, problems: [], isOpen: true };
  const parts = [segmentEndings.binPart, segmentEndings.wavPart, segmentEndings.jsonPart].filter(has);
  const problems = parts.map((ending) => `${stem}${ending} is left over: start the server on this data folder once`);
  if (!has(segmentEndings.json)) {
    return { ...nothing, problems: [...problems, "the sidecar (.json) is missing"], isOpen: false };
  }
  try {
    const path = `${basePath}${segmentEndings.json}`;
    const text = await readFile(path, "utf8");
    const sidecar = parseSidecar(text, path);
    problems.push(...compareName(stem, sidecar));
    if (text !== formatSidecar(sidecar)) problems.push("the .json is not written as the server writes it");
    const isEvicted = [segmentEndings.bin, segmentEndings.wav].every((ending) => !existsSync(`${basePath}${ending}`));
    if (!isEvicted) problems.push(...compareFiles(basePath, sidecar, folder));
    const { bin } = sidecar.files;
    const { samples, audio } = sidecar;
    return {
      segment,
      problems,
      isOpen: false,
      isEvicted,
      binBytes: bin.bytes,
      sampleCount: samples,
      sampleRateHz: audio.sample_rate_hz,
    };
  } catch (thrown) {
    return { ...nothing, problems: [...problems, toError(thrown).message], isOpen: false };
  }
}

/** The name is made of the sidecar's ids and times. [S-1.1] */
function compareName(stem: string, { hwid, stream_id, session, index, name, start_sample, time, audio }: Sidecar) {
  const startMs = time.session_start_ms + (start_sample * 1000) / audio.sample_rate_hz;
  const derived = formatSegmentName({ hwid, streamId: stream_id, session, index, startMs });
  return name === stem && derived === stem ? [] : [`the sidecar is that of ${name} and its ids make ${derived}`];
}

function compareFiles(basePath: string, sidecar: Sidecar, folder: string): string[] {
  const { files } = sidecar;
  const wavProblems = files.wav === null ? [] : compareWav(`${basePath}${segmentEndings.wav}`, files.wav);
  return [...compareBin(`${basePath}${segmentEndings.bin}`, sidecar, folder), ...wavProblems];
}

function compareBin(binPath: string, sidecar: Sidecar, folder: string): string[] {
  if (!existsSync(binPath)) return ["the .bin is missing"];
  const bin = hashFile(binPath, Number.MAX_SAFE_INTEGER);
  const problems = compareFacts(".bin", sidecar.files.bin, bin);
  // Frames other than those of the sidecar cannot be expected to give what it says.
  return problems.length > 0 ? problems : compareContent(binPath, sidecar, folder, bin);
}

function compareFacts(what: string, expected: FileFacts, found: FileFacts): string[] {
  if (expected.bytes !== found.bytes)
    return [`the ${what} has ${found.bytes} bytes, the sidecar says ${expected.bytes}`];
  return expected.sha256 === found.sha256
    ? []
    : [`the ${what} has the right size but another SHA-256 than the sidecar says`];
}

function compareWav(path: string, expected: FileFacts): string[] {
  if (!existsSync(path)) return ["the .wav is missing: `eet wav` derives it again"];
  return compareFacts(".wav", expected, hashFile(path, Number.MAX_SAFE_INTEGER));
}

/** Derives everything again, in memory, and compares it with what the sidecar says. */
function compareContent(binPath: string, sidecar: Sidecar, folder: string, bin: FileFacts): string[] {
  const segment = segmentOfSidecar(sidecar, folder);
  const { opening, nextFrame } = segment;
  const scan = scanFrames(segment, binPath);
  if (scan.binBytes !== bin.bytes) return [`the .bin is not frames from byte ${scan.binBytes} on`];
  const nibbleOrder = sidecar.nibble_order;
  const rendering = isDecodable(opening)
    ? withTarget(null, (wav) => renderSegment({ opening, bin: binPath, scan, nibbleOrder, nextFrame }, wav))
    : null;
  const hasWav = sidecar.files.wav !== null;
  const derived = createSidecar({ segment, scan, nibbleOrder, bin, rendering, hasWav, isRecovered: sidecar.recovered });
  return keysOf(derived)
    .filter((key) => key !== "hum_share") // Earlier servers did not measure it.
    .filter((key) => JSON.stringify(derived[key]) !== JSON.stringify(sidecar[key]))
    .map((key) => `the frames give another ${key} than the sidecar says`);
}

function keysOf(sidecar: Sidecar): readonly (keyof Sidecar)[] {
  return Object.keys(sidecar) as (keyof Sidecar)[];
}
