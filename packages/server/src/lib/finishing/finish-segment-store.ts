import fs from "node:fs";
import { join } from "node:path";
import { StorageError, systemErrorCode } from "../kernel/errors.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { holdBin } from "./bin-reader-store.ts";
import { scanFrames } from "./frame-scan.ts";
import { type FileFacts, HashedTarget, hashBin } from "./hashed-target-store.ts";
import { decideNibbleOrder } from "./nibble-decision.ts";
import { overviewFilePath, tryToWriteOverview } from "./overview-store.ts";
import { isDecodable, type Rendering, renderSegment } from "./segment-rendering.ts";
import { createSidecar, formatSidecar } from "./sidecar-format.ts";
import { runSyncing, runSyncingMeanwhile, type SyncingSteps, syncFolders } from "./syncing-steps-store.ts";
import { writeAgain } from "./write-again-store.ts";

/** One segment to finish: plain and serialisable, it crosses into a worker thread. */
export interface FinishJob {
  /** `data/received` */
  readonly receivedPath: string;
  /** `data/overview`; left out: no overview is written. */
  readonly overviewPath?: string;
  readonly segment: ClosedSegment;
  /** Write a WAV, where the samples can be had. */
  readonly wantsWav: boolean;
  /** Nibble order that earlier segments of the session told. */
  readonly earlierOrder?: "low" | "high";
  /** The segment was left by a crash: its frames end where framing does. [S-3.2] */
  readonly isRecovered: boolean;
  /** Whether {@link finishInThread} leaves the thread to others while the disk has the files; default: it waits. */
  readonly syncsMeanwhile?: boolean;
}

/**
 * Derives a closed segment's files and gives them their final names. It may be repeated at any point: what it writes
 * depends on the frames only. [S-2.3]
 *
 * @returns `null` when the segment holds no frame; its files are then gone
 * @throws {@link StorageError} `SEGMENT_UNREADABLE` when the frames are not what was recorded; nothing is then changed
 */
export function finishSegment(job: FinishJob): FinishedSegment | null {
  return runSyncing(deriveSegment(job));
}

/** As {@link finishSegment}, in a thread that may be given the next segment before this one is through. */
export async function finishInThread(job: FinishJob): Promise<FinishedSegment | null> {
  return job.syncsMeanwhile === true ? runSyncingMeanwhile(deriveSegment(job)) : finishSegment(job);
}

/** As {@link finishSegment}, step by step. @yields what has to be on stable storage before it goes on */
export function* deriveSegment(job: FinishJob): SyncingSteps<FinishedSegment | null> {
  const { segment, wantsWav, isRecovered } = job;
  const { opening, nextFrame } = segment;
  const basePath = join(job.receivedPath, opening.folder, opening.name);
  const { binPath, isPart } = findBin(basePath);
  // Of a file that failed before its first sync nothing may be there at all. [S-2.4]
  if (segment.binBytes === 0) return removeEmptySegment(basePath, binPath, 0);
  const { source, fileBytes } = holdBin(binPath, segment.binBytes);
  const scan = scanFrames(segment, source, segment.binBytes);
  const binBytes = isPart && isRecovered ? scan.binBytes : segment.binBytes;
  if (scan.frameCount === 0) return removeEmptySegment(basePath, binPath, binBytes);
  if (isPart) cutBin(binPath, fileBytes, binBytes, segment.unsyncedFromByte);
  const bin = hashBin(source, binBytes);
  if (!isPart) assertUnchanged(basePath, bin);

  const nibbleOrder = decideNibbleOrder(opening.session, scan.verdict, job.earlierOrder);
  // A WAV that is there already stays, so that the sidecar does not forget it.
  const hasWav = isDecodable(opening) && (wantsWav || fs.existsSync(`${basePath}${segmentEndings.wav}`));
  const parts = new Parts(basePath, hasWav);
  try {
    const request = { opening, bin: source, scan, nibbleOrder, nextFrame };
    const wantsOverview = job.overviewPath !== undefined;
    const rendering = isDecodable(opening) ? renderSegment({ ...request, wantsOverview }, parts.wav) : null;
    const sidecar = createSidecar({ segment, scan, nibbleOrder, bin, rendering, hasWav, isRecovered });
    const json = parts.writeSidecar(sidecar);
    yield parts.descriptors;
    parts.close();
    publish(basePath, isPart, hasWav);
    const overviewBytes = writeOverview(job, rendering);
    yield* syncFolders(touchedFolders(job));
    return {
      ...{ sidecar, folder: opening.folder, sidecarBytes: json.bytes, sidecarSha256: json.sha256 },
      ...(overviewBytes !== undefined && { overviewBytes }),
    };
  } catch (error) {
    parts.abandon();
    throw error;
  }
}

/** The files that are derived, under the names that they have until they are whole. */
class Parts {
  readonly wav: HashedTarget;
  readonly #json: HashedTarget;

  constructor(basePath: string, hasWav: boolean) {
    this.wav = HashedTarget.open(hasWav ? `${basePath}${segmentEndings.wavPart}` : null);
    try {
      this.#json = HashedTarget.open(`${basePath}${segmentEndings.jsonPart}`);
    } catch (error) {
      this.wav.abort();
      throw error;
    }
  }

  writeSidecar(sidecar: Sidecar): FileFacts {
    this.#json.write(Buffer.from(formatSidecar(sidecar)));
    return this.#json.finish();
  }

  get descriptors(): readonly number[] {
    return [this.wav.descriptor, this.#json.descriptor].filter((descriptor) => descriptor !== undefined);
  }

  close(): void {
    this.wav.close();
    this.#json.close();
  }

  /** Never throws: why it is abandoned counts, and what is left over is written over by the next try. */
  abandon(): void {
    for (const target of [this.wav, this.#json]) {
      try {
        target.abort();
      } catch {}
    }
  }
}

function writeOverview({ overviewPath, segment }: FinishJob, rendering: Rendering | null): number | undefined {
  if (overviewPath === undefined || rendering?.overview === undefined) return undefined;
  return tryToWriteOverview(overviewFilePath(overviewPath, segment.opening), rendering.overview);
}

function findBin(basePath: string): { readonly binPath: string; readonly isPart: boolean } {
  const partPath = `${basePath}${segmentEndings.binPart}`;
  const isPart = fs.existsSync(partPath);
  return { binPath: isPart ? partPath : `${basePath}${segmentEndings.bin}`, isPart };
}

/**
 * Cuts what is not to be trusted and makes the rest durable.
 *
 * @param unsyncedFromByte - of what a crash left; the recorder has synced what it closed
 */
function cutBin(path: string, fileBytes: number, binBytes: number, unsyncedFromByte: number | undefined): void {
  const isLonger = fileBytes > binBytes;
  if (!isLonger && unsyncedFromByte === undefined) return;
  const fd = fs.openSync(path, "r+");
  try {
    if (isLonger) fs.ftruncateSync(fd, binBytes);
    if (unsyncedFromByte !== undefined) writeAgain(fd, unsyncedFromByte, binBytes);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** A damaged `.bin` must not get a sidecar that calls it right. */
function assertUnchanged(basePath: string, bin: FileFacts): void {
  const earlier = readEarlierHash(`${basePath}${segmentEndings.json}`);
  if (earlier === undefined || earlier === bin.sha256) return;
  throw new StorageError("SEGMENT_UNREADABLE", `${basePath}${segmentEndings.bin} is not what its sidecar describes`);
}

/**
 * What a sidecar says of its `.bin`. Read without the schema, whose modules take a thread longer to load than all else.
 *
 * @returns `undefined` when there is none or it is damaged: it is then made anew
 */
function readEarlierHash(path: string): string | undefined {
  try {
    const sha256: unknown = JSON.parse(fs.readFileSync(path, "utf8"))?.files?.bin?.sha256;
    return typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The sidecar last: where it stands under its name the other two do as well. */
function publish(basePath: string, isPart: boolean, hasWav: boolean): void {
  const finalPath = `${basePath}${segmentEndings.bin}`;
  if (isPart && fs.existsSync(finalPath)) {
    throw new StorageError("SEGMENT_UNREADABLE", `${finalPath} is there already: no segment is ever written over`);
  }
  if (isPart) fs.renameSync(`${basePath}${segmentEndings.binPart}`, finalPath);
  const wavPartPath = `${basePath}${segmentEndings.wavPart}`;
  if (hasWav) fs.renameSync(wavPartPath, `${basePath}${segmentEndings.wav}`);
  // Left by a crash in a run that wanted WAVs.
  else fs.rmSync(wavPartPath, { force: true });
  fs.renameSync(`${basePath}${segmentEndings.jsonPart}`, `${basePath}${segmentEndings.json}`);
}

/**
 * The folder of the names, and those above it where nobody has secured what a crash left: who made them may have died before
 * they were synced.
 */
function touchedFolders({ receivedPath, segment }: FinishJob): string[] {
  const { folder } = segment.opening;
  const folders = [join(receivedPath, folder)];
  if (segment.unsyncedFromByte === undefined) return folders;
  for (let parent = folder; parent !== ""; ) {
    parent = parent.slice(0, Math.max(0, parent.lastIndexOf("/")));
    folders.push(join(receivedPath, parent));
  }
  return folders;
}

/** The opening goes last, so that a crash in between is seen by recovery. */
function removeEmptySegment(basePath: string, binPath: string, binBytes: number): null {
  if (binBytes > 0) throw new StorageError("SEGMENT_UNREADABLE", `${binPath} does not start with an audio frame`);
  for (const ending of [segmentEndings.wavPart, segmentEndings.jsonPart, segmentEndings.binPart, segmentEndings.open]) {
    fs.rmSync(`${basePath}${ending}`, { force: true });
  }
  return null;
}
