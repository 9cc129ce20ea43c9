import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { ClosedSegment, SegmentOpening } from "../kernel/segment-record.ts";
import { readFrameLogs, removeOldFrameLogs } from "../storage/frame-log-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { scanFolders } from "../storage/segment-scan-store.ts";
import { SegmentTrust } from "../storage/segment-trust.ts";
import {
  findSegmentsWithoutWav,
  readFinishedSegment,
  type SegmentFolder,
  type UnfinishedSegment,
} from "./finished-scan-store.ts";
import { listBinNames, readLeftOpenings, readStartState, removeOrphanedParts } from "./left-segments-store.ts";
import { measureProvenBytes } from "./tail-check-store.ts";

export interface RecoveryOptions {
  /** `data/received` */
  readonly receivedPath: string;
  readonly frameLogFolder: string;
  /** This run: its own segments are left alone. */
  readonly runId: string;
  readonly bootId: string;
  /** Whether a `.bin` whose WAV is missing gets one. */
  readonly wantsWav: boolean;
  readonly log: Log;
  /**
   * Takes each segment that has to be finished (again), and removes its `.open.json` once that is done; resolves also
   * when it fails.
   */
  readonly finish: (segment: ClosedSegment, isRecovered: boolean) => Promise<void>;
}

/** What recovery found. */
export interface RecoveryResult {
  readonly recoveredCount: number;
  /** Segments whose WAV was missing. */
  readonly rederivedCount: number;
}

/**
 * Finishes what an earlier run left open, while the server already takes connections. A segment that cannot be
 * recovered is logged and left as it is. [S-3.1] [S-3.2] [S-3.3]
 */
export async function recoverSegments(options: RecoveryOptions): Promise<RecoveryResult> {
  const recovery = new Recovery(options);
  for await (const listing of scanFolders(options.receivedPath)) {
    await recovery.recoverFolder({ ...listing, names: new Set(listing.names) });
  }
  return recovery.finish();
}

class Recovery {
  readonly #options: RecoveryOptions;
  readonly #finishing: Promise<void>[] = [];
  readonly #openingPaths: string[] = [];
  readonly #trusts = new Map<string, ReturnType<typeof readFrameLogs>>();
  #recoveredCount = 0;
  #rederivedCount = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  async recoverFolder(folder: SegmentFolder): Promise<void> {
    const { log, runId, wantsWav, finish } = this.#options;
    await removeOrphanedParts(folder, log);
    const binNames = listBinNames(folder);
    for (const opening of await readLeftOpenings(folder, runId, log)) {
      this.#openingPaths.push(join(folder.path, `${opening.name}${segmentEndings.open}`));
      const segment = await this.#readLeftSegment(opening, folder, binNames);
      if (segment === undefined) continue;
      this.#finishing.push(finish(segment.closed, segment.isRecovered));
      this.#recoveredCount += 1;
    }
    if (!wantsWav) return;
    for (const { closed, isRecovered } of await findSegmentsWithoutWav(folder, log)) {
      this.#finishing.push(finish(closed, isRecovered));
      this.#rederivedCount += 1;
    }
  }

  async finish(): Promise<RecoveryResult> {
    const { frameLogFolder, runId, log } = this.#options;
    await Promise.all(this.#finishing);
    const leftCount = this.#openingPaths.filter((path) => existsSync(path)).length;
    // The logs are what proves the frames of segments that are still open: without them a power cut costs all.
    if (leftCount === 0) await removeOldFrameLogs(frameLogFolder, runId);
    else log.warn({ segments: leftCount }, "segments of an earlier run are still open: the next start tries again");
    return { recoveredCount: this.#recoveredCount, rederivedCount: this.#rederivedCount };
  }

  async #readLeftSegment(
    opening: SegmentOpening,
    folder: SegmentFolder,
    binNames: ReadonlyMap<string, string>,
  ): Promise<UnfinishedSegment | undefined> {
    try {
      const isPart = folder.names.has(`${opening.name}${segmentEndings.binPart}`);
      // All files may be there already: then just the catalogue does not know the segment.
      const finished = isPart ? undefined : await readFinishedSegment(opening.name, folder);
      if (finished !== undefined) return finished;
      const binBytes = await this.#measureBin(opening, folder, isPart);
      const nextFrame = readNextFrame(opening, folder, binNames);
      return { closed: { opening, binBytes, reason: "recovered", received: null, nextFrame }, isRecovered: true };
    } catch (thrown) {
      const { log } = this.#options;
      log.error({ segment: opening.name, error: toError(thrown).message }, "segment not recovered: left as it is");
      return undefined;
    }
  }

  /** Bytes to be believed, up to a torn last frame, which finishing cuts. [S-3.1] */
  async #measureBin(opening: SegmentOpening, { path }: SegmentFolder, isPart: boolean): Promise<number> {
    const { bootId, log } = this.#options;
    const binPath = join(path, `${opening.name}${isPart ? segmentEndings.binPart : segmentEndings.bin}`);
    const { size } = await stat(binPath);
    // Under its final name a file was synced as a whole before; in the same boot the system has kept every write.
    if (!isPart || opening.bootId === bootId) return size;
    const provenBytes = measureProvenBytes(binPath, await this.#readTrust(opening));
    if (provenBytes < size) {
      log.warn({ segment: opening.name, bytes: size - provenBytes }, "bytes that a power cut left unproven are cut");
    }
    return provenBytes;
  }

  async #readTrust({ runId, logNumber }: SegmentOpening): Promise<SegmentTrust> {
    const trusts = this.#trusts.get(runId) ?? readFrameLogs(this.#options.frameLogFolder, runId);
    this.#trusts.set(runId, trusts);
    return (await trusts).get(logNumber) ?? new SegmentTrust();
  }
}

function readNextFrame(
  opening: SegmentOpening,
  { path }: SegmentFolder,
  binNames: ReadonlyMap<string, string>,
): ClosedSegment["nextFrame"] {
  const { session, index } = opening;
  const { codec, frameSampleCount } = session.format;
  const nextName = binNames.get(`${session.session}-${index + 1}`);
  const canLackSample = codec === "adpcm" && frameSampleCount % 2 === 1;
  return canLackSample && nextName !== undefined ? readStartState(opening, join(path, nextName)) : null;
}
