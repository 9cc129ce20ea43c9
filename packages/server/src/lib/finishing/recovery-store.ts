import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import pLimit from "p-limit";
import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { ClosedSegment, SegmentOpening } from "../kernel/segment-record.ts";
import { readFrameLogs, removeOldFrameLogs } from "../storage/frame-log-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { scanFolders } from "../storage/segment-scan-store.ts";
import { SegmentTrust } from "../storage/segment-trust.ts";
import {
  type BinWithoutWav,
  listBinsWithoutWav,
  readFinishedSegment,
  readSegmentWithoutWav,
  type SegmentFolder,
  type UnfinishedSegment,
} from "./finished-scan-store.ts";
import { LeftFiles } from "./left-files-store.ts";
import { BinPaths, isStillLeft, readLeftOpenings, readStartState, removeOrphanedParts } from "./left-segments-store.ts";
import { measureOwnBytes } from "./superseded-tail-store.ts";
import { measureIntactBytes, measureProvenBytes } from "./tail-check-store.ts";

/** Segments and folders at work on at once: their waits go side by side, and recording keeps threads of its own. */
const maxAtOnceCount = 16;
/** Files that are looked at before others have their turn. */
const countPerTurn = 64;

export interface RecoveryOptions {
  /** `data/received` */
  readonly receivedPath: string;
  readonly frameLogFolder: string;
  /** Whether segments that a run has opened are none of this recovery's: they are still recorded. */
  readonly isLeftAlone: (runId: string) => boolean;
  /** Whether a segment, by its name, is passed to {@link finish} by others; default: none is. */
  readonly isOnItsWay?: ((name: string) => boolean) | undefined;
  readonly bootId: string;
  /** Whether a `.bin` whose WAV is missing gets one. */
  readonly wantsWav: boolean;
  readonly log: Log;
  /** Aborted when the server stops: the rest is left to the next start. */
  readonly stopping?: AbortSignal;
  /**
   * Takes each segment that has to be finished (again), and removes its `.open.json` once that is done; resolves also
   * when it fails.
   */
  readonly finish: (segment: ClosedSegment, isRecovered: boolean) => Promise<void>;
  /**
   * Called once, when all that was left open has been passed to {@link finish} and none of it is waited for yet.
   *
   * @param unrecovered - sessions with frames that stay as they are: nobody knows how many. Those that fail to be
   *   finished are not among them. `undefined` when a folder could not be read: then it may be any.
   */
  readonly onListed?: (unrecovered: ReadonlySet<string> | undefined) => void;
}

/** What recovery found. */
export interface RecoveryResult {
  readonly recoveredCount: number;
  /** Segments whose WAV was missing. */
  readonly rederivedCount: number;
}

/**
 * Finishes what an earlier run left open, while the server already takes connections. A segment that cannot be
 * recovered, or a folder that cannot be read, is logged and left as it is. [S-3.1] [S-3.2] [S-3.3]
 */
export async function recoverSegments(options: RecoveryOptions): Promise<RecoveryResult> {
  const recovery = new Recovery(options);
  await recovery.list();
  await recovery.recoverListed();
  options.onListed?.(recovery.hasUnreadable ? undefined : recovery.unrecovered);
  await recovery.deriveMissingWavs();
  return recovery.finish();
}

/** A segment that an earlier run left open. */
interface Left {
  readonly opening: SegmentOpening;
  readonly folder: SegmentFolder;
}

/** Of files that say that there is something to do in their folder. */
const leftEndings = [segmentEndings.open, segmentEndings.binPart, segmentEndings.wavPart, segmentEndings.jsonPart];

class Recovery {
  readonly #options: RecoveryOptions;
  readonly #finishing: Promise<void>[] = [];
  readonly #openingPaths: string[] = [];
  readonly #unrecovered = new Set<string>();
  /** Paths of folders. */
  readonly #unreadable = new Set<string>();
  readonly #withoutWav: BinWithoutWav[] = [];
  readonly #left: Left[] = [];
  readonly #limit = pLimit(maxAtOnceCount);
  readonly #trusts = new Map<string, ReturnType<typeof readFrameLogs>>();
  #recoveredCount = 0;
  #rederivedCount = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Sessions with frames that stay as they are. */
  get unrecovered(): ReadonlySet<string> {
    return this.#unrecovered;
  }

  /** A folder could not be read: what was left open in it is not known. */
  get hasUnreadable(): boolean {
    return this.#unreadable.size > 0;
  }

  async list(): Promise<void> {
    const { wantsWav } = this.#options;
    const listing: Promise<void>[] = [];
    for await (const { path, folder, names } of this.#scan()) {
      const files = { path, folder, names: new Set(names) };
      if (wantsWav) this.#withoutWav.push(...listBinsWithoutWav(files));
      if (!names.some((name) => leftEndings.some((ending) => name.endsWith(ending)))) continue;
      const listed = this.#limit(() => this.#listLeft(files));
      // Told below, when all are listed.
      listed.catch(() => {});
      listing.push(listed);
    }
    await Promise.all(listing);
  }

  #scan(): ReturnType<typeof scanFolders> {
    const { receivedPath, log } = this.#options;
    return scanFolders(receivedPath, (path, { message }) => {
      if (this.#unreadable.has(path)) return;
      this.#unreadable.add(path);
      log.warn(
        { path, error: message },
        "a folder cannot be read: what an earlier run left in it is not recovered, and devices start new sessions. Let the server's user read it, or move it elsewhere, and restart",
      );
    });
  }

  async #listLeft(folder: SegmentFolder): Promise<void> {
    const { log, isLeftAlone, isOnItsWay } = this.#options;
    const orphanedSessions = await removeOrphanedParts(folder, log);
    const { openings, unreadableSessions } = await readLeftOpenings(folder, { isLeftAlone, isOnItsWay }, log);
    for (const session of [...orphanedSessions, ...unreadableSessions]) this.#unrecovered.add(session);
    for (const opening of openings) this.#left.push({ opening, folder });
  }

  /**
   * A session's segments may stand in several folders, so that none is recovered before all are listed. What was left is
   * made durable first, all of it; only then its files are derived, which takes longer.
   */
  async recoverListed(): Promise<void> {
    const { receivedPath, finish, log } = this.#options;
    if (this.#left.length === 0) return;
    const startMs = performance.now();
    const bins = await this.#findBins();
    const files = new LeftFiles(receivedPath);
    const left = this.#left.sort(compareLeft);
    const segments = await this.#limit.map(left, (one) => this.#secureLeft(one, bins, files));
    log.info(
      { segments: left.length, ms: Math.round(performance.now() - startMs) },
      "what an earlier run left is safe",
    );
    for (const [place, segment] of segments.entries()) {
      const opening = left[place]?.opening;
      if (segment !== undefined) {
        this.#finishing.push(finish(segment.closed, segment.isRecovered));
        this.#recoveredCount += 1;
      } else if (opening !== undefined) this.#unrecovered.add(opening.session.session);
    }
  }

  /** Of the sessions of which a segment is told something by its neighbours. */
  async #findBins(): Promise<BinPaths> {
    const asking = this.#left.filter(({ opening }) => asksNeighbours(opening));
    const bins = new BinPaths(asking.map(({ opening }) => opening.session.session));
    if (asking.length === 0) return bins;
    for await (const listing of this.#scan()) {
      bins.add({ ...listing, names: new Set(listing.names) });
    }
    return bins;
  }

  async #secureLeft(
    { opening, folder }: Left,
    bins: BinPaths,
    files: LeftFiles,
  ): Promise<UnfinishedSegment | undefined> {
    this.#options.stopping?.throwIfAborted();
    const basePath = join(folder.path, opening.name);
    this.#openingPaths.push(`${basePath}${segmentEndings.open}`);
    const segment = await this.#readLeftSegment(opening, folder, bins);
    if (segment === undefined) return undefined;
    const ending = folder.names.has(`${opening.name}${segmentEndings.binPart}`) ? "binPart" : "bin";
    try {
      return { ...segment, closed: await files.secure(segment.closed, `${basePath}${segmentEndings[ending]}`) };
    } catch (thrown) {
      const error = toError(thrown).message;
      this.#options.log.warn({ segment: opening.name, error }, "segment not synced: tried again when it is finished");
      return segment;
    }
  }

  /** Of segments that are finished but for that: they may be many, and nobody waits for them. */
  async deriveMissingWavs(): Promise<void> {
    const { log, finish } = this.#options;
    for (const bin of this.#withoutWav) {
      const segment = await readSegmentWithoutWav(bin, log);
      if (segment === undefined) continue;
      this.#finishing.push(finish(segment.closed, segment.isRecovered));
      this.#rederivedCount += 1;
    }
  }

  async finish(): Promise<RecoveryResult> {
    const { frameLogFolder, isLeftAlone, log } = this.#options;
    await Promise.all(this.#finishing);
    let leftCount = 0;
    for (const [place, path] of this.#openingPaths.entries()) {
      if (place % countPerTurn === 0) await nextTurn();
      // As a rule it is gone, which is told at once; to fail to read it costs several times as much.
      if (existsSync(path) && (await isStillLeft(path, isLeftAlone))) leftCount += 1;
    }
    // The logs are what proves the frames of segments that are still open: without them a power cut costs all.
    if (leftCount === 0 && !this.hasUnreadable) await removeOldFrameLogs(frameLogFolder, isLeftAlone);
    else if (leftCount > 0)
      log.warn({ segments: leftCount }, "segments of an earlier run are still open: the frame logs stay for them");
    return { recoveredCount: this.#recoveredCount, rederivedCount: this.#rederivedCount };
  }

  async #readLeftSegment(
    opening: SegmentOpening,
    folder: SegmentFolder,
    bins: BinPaths,
  ): Promise<UnfinishedSegment | undefined> {
    try {
      const isPart = folder.names.has(`${opening.name}${segmentEndings.binPart}`);
      // All files may be there already: then just the catalogue does not know the segment.
      const finished = isPart ? undefined : await readFinishedSegment(opening.name, folder);
      if (finished !== undefined) return finished;
      const measured = await this.#measureBin(opening, folder, isPart, bins);
      const nextFrame = readNextFrame(opening, bins);
      const unknown = { reason: "recovered", received: null, observations: null } as const;
      const closed = { opening, ...measured, ...unknown, nextFrame };
      return { closed, isRecovered: true };
    } catch (thrown) {
      const { log } = this.#options;
      log.error({ segment: opening.name, error: toError(thrown).message }, "segment not recovered: left as it is");
      return undefined;
    }
  }

  /** Bytes to be believed, up to a torn last frame, which finishing cuts. [S-3.1] */
  async #measureBin(
    opening: SegmentOpening,
    folder: SegmentFolder,
    isPart: boolean,
    bins: BinPaths,
  ): Promise<Pick<ClosedSegment, "binBytes" | "unsyncedFromByte">> {
    const binPath = join(folder.path, `${opening.name}${isPart ? segmentEndings.binPart : segmentEndings.bin}`);
    const { size } = await stat(binPath);
    // Under its final name a file was cut and synced before.
    if (!isPart) return { binBytes: size };
    const trust = await this.#readTrust(opening);
    const trustedBytes = this.#measureTrusted(opening, binPath, trust, size);
    const binBytes = this.#cutSuperseded(opening, binPath, bins, trustedBytes);
    return { binBytes, unsyncedFromByte: Math.min(trust.syncedBytes, binBytes) };
  }

  #measureTrusted(opening: SegmentOpening, binPath: string, trust: SegmentTrust, size: number): number {
    const { bootId, log } = this.#options;
    // In the same boot the system has kept every write, unless a sync has failed.
    const isSameBoot = opening.bootId === bootId;
    const trustedBytes = isSameBoot ? measureIntactBytes(binPath, trust) : measureProvenBytes(binPath, trust);
    if (trustedBytes < size) {
      const what = isSameBoot ? "bytes that are not as they were written" : "bytes that a power cut left unproven";
      log.warn({ segment: opening.name, bytes: size - trustedBytes }, `${what} are cut`);
    }
    return trustedBytes;
  }

  #cutSuperseded(opening: SegmentOpening, binPath: string, bins: BinPaths, trustedBytes: number): number {
    const { name, index, session } = opening;
    const later = bins.after(session.session, index);
    if (!session.isAcked || later.length === 0) return trustedBytes;
    const ownBytes = measureOwnBytes(opening, binPath, later, trustedBytes);
    if (ownBytes < trustedBytes) {
      const bytes = trustedBytes - ownBytes;
      this.#options.log.warn(
        { segment: name, bytes },
        "frames that went into another file when this one failed are cut",
      );
    }
    return ownBytes;
  }

  async #readTrust({ runId, logNumber }: SegmentOpening): Promise<SegmentTrust> {
    const trusts = this.#trusts.get(runId) ?? readFrameLogs(this.#options.frameLogFolder, runId);
    this.#trusts.set(runId, trusts);
    return (await trusts).get(logNumber) ?? new SegmentTrust();
  }
}

function readNextFrame(opening: SegmentOpening, bins: BinPaths): ClosedSegment["nextFrame"] {
  const { session, index } = opening;
  const nextPath = bins.pathOf(session.session, index + 1);
  return canLackSample(opening) && nextPath !== undefined ? readStartState(opening, nextPath) : null;
}

/** Whether its neighbours tell something of it. */
function asksNeighbours(opening: SegmentOpening): boolean {
  try {
    return opening.session.isAcked || canLackSample(opening);
  } catch {
    // It lacks what each opening has: told when it is looked at by itself.
    return false;
  }
}

/** Whether its last frame may end in the next segment's. [P-1.6] */
function canLackSample({ session }: SegmentOpening): boolean {
  const { codec, frameSampleCount } = session.format;
  return codec === "adpcm" && frameSampleCount % 2 === 1;
}

/** In the order of their sessions: what one segment tells about the nibble order holds for the next. */
function compareLeft({ opening: a }: Left, { opening: b }: Left): number {
  return a.index - b.index || compareText(a.folder, b.folder) || compareText(a.name, b.name);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
