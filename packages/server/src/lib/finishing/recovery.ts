import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAdpcmHeader } from "@eet/audio";
import { frameRules, serialDistance } from "@eet/protocol";
import type { Log } from "../kernel/log.ts";
import type { ClosedSegment, SegmentOpening } from "../kernel/segment-record.ts";
import { removeFile } from "../storage/durable-file-store.ts";
import { readFrameLogs, removeOldFrameLogs } from "../storage/frame-log-store.ts";
import { segmentEndings } from "../storage/segment-path.ts";
import { type FolderListing, scanFolders } from "../storage/segment-scan-store.ts";
import { SegmentTrust } from "../storage/segment-trust.ts";
import { BinReader } from "./bin-reader-store.ts";
import { findSegmentsWithoutWav, readFinishedSegment, type UnfinishedSegment } from "./finished-scan.ts";
import { measureTrustedBytes } from "./tail-check-store.ts";

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
  /** Takes each segment that has to be finished (again); resolves when that is done. */
  readonly finish: (segment: ClosedSegment, isRecovered: boolean) => Promise<void>;
}

/** What recovery found. */
export interface RecoveryResult {
  readonly recoveredCount: number;
  /** Segments whose WAV was missing. */
  readonly rederivedCount: number;
}

type TrustsOf = (runId: string) => ReturnType<typeof readFrameLogs>;

/**
 * Finishes what an earlier run left open, while the server already takes connections. [S-3.1] [S-3.2] [S-3.3]
 */
export async function recoverSegments(options: RecoveryOptions): Promise<RecoveryResult> {
  const trustsOf = memoizeTrusts(options.frameLogFolder);
  const pending: Promise<void>[] = [];
  let recoveredCount = 0;
  let rederivedCount = 0;
  for await (const listing of scanFolders(options.receivedPath)) {
    await removeOrphanedParts(listing);
    const openings = await readOpenings(listing, options);
    // In the order of the sessions' segments: what one tells about the nibble order holds for the next.
    for (const opening of openings.sort((a, b) => a.index - b.index)) {
      const { closed, isRecovered } = await measureLeftSegment(opening, listing, options, trustsOf);
      pending.push(options.finish(closed, isRecovered));
      recoveredCount += 1;
    }
    if (!options.wantsWav) continue;
    for (const { closed, isRecovered } of await findSegmentsWithoutWav(listing, options.log)) {
      pending.push(options.finish(closed, isRecovered));
      rederivedCount += 1;
    }
  }
  await Promise.all(pending);
  await removeOldFrameLogs(options.frameLogFolder, options.runId);
  return { recoveredCount, rederivedCount };
}

function memoizeTrusts(frameLogFolder: string): TrustsOf {
  const trusts = new Map<string, ReturnType<typeof readFrameLogs>>();
  return (runId) => {
    const known = trusts.get(runId) ?? readFrameLogs(frameLogFolder, runId);
    trusts.set(runId, known);
    return known;
  };
}

/** Openings of the segments in a folder that another run has left. */
async function readOpenings(listing: FolderListing, { runId, log }: RecoveryOptions): Promise<SegmentOpening[]> {
  const openings: SegmentOpening[] = [];
  for (const name of listing.names.filter((entry) => entry.endsWith(segmentEndings.open))) {
    const path = join(listing.path, name);
    const opening = parseOpening(await readFile(path, "utf8"));
    if (opening?.runId === runId) continue;
    const stem = name.slice(0, -segmentEndings.open.length);
    const hasFrames = [segmentEndings.binPart, segmentEndings.bin].some((end) =>
      listing.names.includes(`${stem}${end}`),
    );
    if (opening !== undefined && hasFrames) openings.push({ ...opening, folder: listing.folder });
    // The file is written before its frames' file is made: without frames it stands for nothing.
    else if (!hasFrames) await removeFile(path);
    else log.warn({ path }, "this .open.json is not readable: `eet wav` reads its .bin.part with the format given");
  }
  return openings;
}

function parseOpening(text: string): SegmentOpening | undefined {
  try {
    // Written by this program only, into a folder that only it writes to: the version says that the shape is known.
    const value: SegmentOpening = JSON.parse(text);
    return value.version === "eet.open/1" ? value : undefined;
  } catch {
    return undefined;
  }
}

async function measureLeftSegment(
  opening: SegmentOpening,
  listing: FolderListing,
  options: RecoveryOptions,
  trustsOf: TrustsOf,
): Promise<UnfinishedSegment> {
  const partName = `${opening.name}${segmentEndings.binPart}`;
  const isPart = listing.names.includes(partName);
  // All files may be there already: then just the catalogue does not know the segment.
  const finished = isPart ? undefined : await readFinishedSegment(opening.name, listing);
  if (finished !== undefined) return finished;
  const binPath = join(listing.path, isPart ? partName : `${opening.name}${segmentEndings.bin}`);
  // Under its final name a file was synced as a whole before; in the same boot the system has kept every write.
  const isTrusted = !isPart || opening.bootId === options.bootId;
  const trust = isTrusted ? undefined : ((await trustsOf(opening.runId)).get(opening.logNumber) ?? new SegmentTrust());
  const binBytes = measureTrustedBytes(opening, binPath, trust);
  const nextFrame = readNextFrame(opening, listing);
  return { closed: { opening, binBytes, reason: "recovered", received: null, nextFrame }, isRecovered: true };
}

/** Decoder state at the start of the session's next segment, which ends this one's last odd frame. [P-1.6] */
function readNextFrame({ session, index, start }: SegmentOpening, listing: FolderListing): ClosedSegment["nextFrame"] {
  const { format, profile, session: sessionId } = session;
  if (format.codec !== "adpcm" || format.frameSampleCount % 2 === 0) return null;
  const stem = `_${sessionId}-${index + 1}`;
  const endings: readonly string[] = [`${stem}${segmentEndings.binPart}`, `${stem}${segmentEndings.bin}`];
  const nextName = listing.names.find((name) => endings.some((ending) => name.endsWith(ending)));
  if (nextName === undefined) return null;
  const reader = BinReader.open(join(listing.path, nextName), frameRules(format, profile.adpcmLayout));
  const first = reader.next();
  reader.close();
  if (first === undefined) return null;
  return { seq: start.seq + serialDistance(start.seq, first.seq), ...parseAdpcmHeader(first.payload) };
}

/** Parts whose segment is finished or gone: what they were to become is derived again where it is missing. [S-3.2] */
async function removeOrphanedParts(listing: FolderListing): Promise<void> {
  for (const ending of [segmentEndings.wavPart, segmentEndings.jsonPart]) {
    for (const name of listing.names.filter((entry) => entry.endsWith(ending))) {
      const stem = name.slice(0, -ending.length);
      if (!listing.names.includes(`${stem}${segmentEndings.open}`)) await removeFile(join(listing.path, name));
    }
  }
}
