import fs from "node:fs";
import { dirname, join } from "node:path";
import { StorageError } from "../kernel/errors.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import { syncFolderSync } from "../storage/durable-file-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { scanFrames } from "./frame-scan.ts";
import { type FileFacts, HashedTarget, hashFile } from "./hashed-target-store.ts";
import { decideNibbleOrder } from "./nibble-decision.ts";
import { isDecodable, renderSegment } from "./segment-rendering.ts";
import { createSidecar, formatSidecar, parseSidecar } from "./sidecar-format.ts";

/** One segment to finish: plain and serialisable, it crosses into a worker thread. */
export interface FinishJob {
  /** `data/received` */
  readonly receivedPath: string;
  readonly segment: ClosedSegment;
  /** Write a WAV, where the samples can be had. */
  readonly wantsWav: boolean;
  /** Nibble order that earlier segments of the session told. */
  readonly earlierOrder?: "low" | "high";
  /** The segment was left by a crash: its frames end where framing does. [S-3.2] */
  readonly isRecovered: boolean;
}

/**
 * Derives a closed segment's files and gives them their final names. It may be repeated at any point: what it writes
 * depends on the frames only. [S-2.3]
 *
 * @returns `null` when the segment holds no frame; its files are then gone
 * @throws {@link StorageError} `SEGMENT_UNREADABLE` when the frames are not what was recorded; nothing is then changed
 */
export function finishSegment(job: FinishJob): FinishedSegment | null {
  const { segment, wantsWav, isRecovered } = job;
  const { opening, nextFrame } = segment;
  const basePath = join(job.receivedPath, opening.folder, opening.name);
  const { binPath, isPart } = findBin(basePath);
  // Of a file that failed before its first sync nothing may be there at all. [S-2.4]
  if (segment.binBytes === 0) return removeEmptySegment(basePath, binPath, 0);
  const scan = scanFrames(opening, binPath, segment.binBytes);
  const binBytes = isPart && isRecovered ? scan.binBytes : segment.binBytes;
  if (scan.frameCount === 0) return removeEmptySegment(basePath, binPath, binBytes);
  if (isPart) cutBin(binPath, binBytes, isRecovered);
  const bin = hashFile(binPath, binBytes);
  if (!isPart) assertUnchanged(basePath, bin);

  const nibbleOrder = decideNibbleOrder(opening.session, scan.verdict, job.earlierOrder);
  // A WAV that is there already stays, so that the sidecar does not forget it.
  const hasWav = isDecodable(opening) && (wantsWav || fs.existsSync(`${basePath}${segmentEndings.wav}`));
  const wavPath = hasWav ? `${basePath}${segmentEndings.wavPart}` : null;
  const rendering = isDecodable(opening)
    ? renderSegment({ opening, binPath, scan, nibbleOrder, nextFrame, wavPath })
    : null;
  const sidecar = createSidecar({ segment, scan, nibbleOrder, bin, rendering, hasWav, isRecovered });
  const json = writeSidecarPart(basePath, sidecar);
  publish(basePath, isPart, hasWav);
  return { sidecar, folder: opening.folder, sidecarBytes: json.bytes, sidecarSha256: json.sha256 };
}

function findBin(basePath: string): { readonly binPath: string; readonly isPart: boolean } {
  const partPath = `${basePath}${segmentEndings.binPart}`;
  const isPart = fs.existsSync(partPath);
  return { binPath: isPart ? partPath : `${basePath}${segmentEndings.bin}`, isPart };
}

/** Cuts what is not to be trusted and makes the rest durable. */
function cutBin(path: string, binBytes: number, isRecovered: boolean): void {
  const fd = fs.openSync(path, "r+");
  try {
    const isLonger = fs.fstatSync(fd).size > binBytes;
    if (isLonger) fs.ftruncateSync(fd, binBytes);
    // The recorder has synced what it closed; nobody has synced what a crash left.
    if (isLonger || isRecovered) fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** A damaged `.bin` must not get a sidecar that calls it right. */
function assertUnchanged(basePath: string, bin: FileFacts): void {
  const earlier = readEarlierSidecar(`${basePath}${segmentEndings.json}`);
  if (earlier === undefined || earlier.files.bin.sha256 === bin.sha256) return;
  throw new StorageError("SEGMENT_UNREADABLE", `${basePath}${segmentEndings.bin} is not what its sidecar describes`);
}

/** @returns `undefined` when there is none or it is damaged itself: it is then made anew */
function readEarlierSidecar(path: string): Sidecar | undefined {
  try {
    return parseSidecar(fs.readFileSync(path, "utf8"), path);
  } catch {
    return undefined;
  }
}

function writeSidecarPart(basePath: string, sidecar: Sidecar): FileFacts {
  const target = HashedTarget.open(`${basePath}${segmentEndings.jsonPart}`);
  try {
    target.write(Buffer.from(formatSidecar(sidecar)));
    return target.close();
  } catch (error) {
    target.abort();
    throw error;
  }
}

/** The sidecar last: where it stands under its name the other two do as well. */
function publish(basePath: string, isPart: boolean, hasWav: boolean): void {
  if (isPart) fs.renameSync(`${basePath}${segmentEndings.binPart}`, `${basePath}${segmentEndings.bin}`);
  const wavPartPath = `${basePath}${segmentEndings.wavPart}`;
  if (hasWav) fs.renameSync(wavPartPath, `${basePath}${segmentEndings.wav}`);
  // Left by a crash in a run that wanted WAVs.
  else fs.rmSync(wavPartPath, { force: true });
  fs.renameSync(`${basePath}${segmentEndings.jsonPart}`, `${basePath}${segmentEndings.json}`);
  syncFolderSync(dirname(basePath));
}

/** The opening goes last, so that a crash in between is seen by recovery. */
function removeEmptySegment(basePath: string, binPath: string, binBytes: number): null {
  if (binBytes > 0) throw new StorageError("SEGMENT_UNREADABLE", `${binPath} does not start with an audio frame`);
  for (const ending of [segmentEndings.wavPart, segmentEndings.jsonPart, segmentEndings.binPart, segmentEndings.open]) {
    fs.rmSync(`${basePath}${ending}`, { force: true });
  }
  return null;
}
