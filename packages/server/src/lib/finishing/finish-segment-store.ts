import fs from "node:fs";
import { dirname, join } from "node:path";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import { syncFolderSync } from "../storage/durable-file-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { type FrameScan, scanFrames } from "./frame-scan.ts";
import { type FileFacts, HashedTarget, hashFile } from "./hashed-target-store.ts";
import { decideNibbleOrder } from "./nibble-decision.ts";
import { isDecodable, type Rendering, renderSegment } from "./segment-rendering.ts";
import { createSidecar, formatSidecar } from "./sidecar-format.ts";

/** One segment to finish: plain and serialisable, it crosses into a worker thread. */
export interface FinishJob {
  /** `data/received` */
  readonly receivedPath: string;
  readonly segment: ClosedSegment;
  /** Write a WAV, where the samples can be had. */
  readonly wantsWav: boolean;
  /** Nibble order that earlier segments of the session told. */
  readonly earlierOrder?: "low" | "high";
  /** The segment was left by a crash. [S-3.2] */
  readonly isRecovered: boolean;
}

/**
 * Derives a closed segment's files and gives them their final names. It may be repeated at any point: what it writes
 * depends on the frames only. [S-2.3]
 *
 * @returns `null` when the segment holds no frame; its files are then gone
 */
export function finishSegment(job: FinishJob): FinishedSegment | null {
  const { receivedPath, segment } = job;
  const { opening } = segment;
  const basePath = join(receivedPath, opening.folder, opening.name);
  const binPath = prepareBin(basePath, segment.binBytes, job.isRecovered);
  const scan = scanFrames(opening, binPath, segment.binBytes);
  if (scan.frameCount === 0) {
    removeFiles(basePath);
    return null;
  }
  const nibbleOrder = decideNibbleOrder(opening.session, scan.verdict, job.earlierOrder);
  const rendering = renderParts(job, basePath, binPath, scan, nibbleOrder);
  const bin = hashFile(binPath, scan.binBytes);
  const hasWav = job.wantsWav && rendering !== null;
  const sidecar = createSidecar({
    segment,
    scan,
    nibbleOrder,
    bin,
    rendering,
    hasWav,
    isRecovered: job.isRecovered,
  });
  const json = writeSidecarPart(basePath, formatSidecar(sidecar));
  if (binPath.endsWith(segmentEndings.binPart)) fs.renameSync(binPath, `${basePath}${segmentEndings.bin}`);
  if (hasWav) fs.renameSync(`${basePath}${segmentEndings.wavPart}`, `${basePath}${segmentEndings.wav}`);
  fs.renameSync(`${basePath}${segmentEndings.jsonPart}`, `${basePath}${segmentEndings.json}`);
  syncFolderSync(dirname(basePath));
  return { sidecar, folder: opening.folder, sidecarBytes: json.bytes, sidecarSha256: json.sha256 };
}

/** Cuts what is not to be trusted and makes the rest durable. @returns where the frames are */
function prepareBin(basePath: string, binBytes: number, isRecovered: boolean): string {
  const partPath = `${basePath}${segmentEndings.binPart}`;
  if (!fs.existsSync(partPath)) return `${basePath}${segmentEndings.bin}`;
  const fd = fs.openSync(partPath, "r+");
  try {
    const isLonger = fs.fstatSync(fd).size > binBytes;
    if (isLonger) fs.ftruncateSync(fd, binBytes);
    // The recorder has synced what it closed; nobody has synced what a crash left.
    if (isLonger || isRecovered) fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  return partPath;
}

function renderParts(
  { segment, wantsWav }: FinishJob,
  basePath: string,
  binPath: string,
  scan: FrameScan,
  nibbleOrder: ReturnType<typeof decideNibbleOrder>,
): Rendering | null {
  if (!isDecodable(segment.opening)) return null;
  const wavPath = wantsWav ? `${basePath}${segmentEndings.wavPart}` : null;
  return renderSegment({
    opening: segment.opening,
    binPath,
    scan,
    nibbleOrder,
    nextFrame: segment.nextFrame,
    wavPath,
  });
}

function writeSidecarPart(basePath: string, text: string): FileFacts {
  const target = HashedTarget.open(`${basePath}${segmentEndings.jsonPart}`);
  target.write(Buffer.from(text));
  return target.close();
}

function removeFiles(basePath: string): void {
  for (const ending of [segmentEndings.wavPart, segmentEndings.jsonPart, segmentEndings.binPart, segmentEndings.open]) {
    fs.rmSync(`${basePath}${ending}`, { force: true });
  }
}
