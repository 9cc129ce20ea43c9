import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { codecs, limits } from "@eet/protocol";
import type { JournalFacts } from "./spool.ts";
import { SpoolError } from "./spool-error.ts";
import { syncFolder } from "./spool-file-store.ts";

/** What `journal.json` holds. */
export interface JournalState {
  readonly facts: JournalFacts;
  readonly session: bigint | undefined;
  readonly isSealed: boolean;
  readonly droppedFrameCount: number;
  /** Frames before it are gone or may go. May lag behind. */
  readonly acknowledgedSeq: number;
  /** The journal goes on at it or later. May lag behind. */
  readonly nextSeq: number;
}

const fileName = "journal.json";
const version = 1;
/** Many times what is ever written. */
const maxFileBytes = 64 * 1024;
const maxSession = 2n ** 64n - 1n;

/** Writes the state in one step: after a crash or a power cut there is the old file or the new one, whole. */
export async function writeJournalState(folder: string, state: JournalState): Promise<void> {
  const path = join(folder, fileName);
  const handle = await open(`${path}.tmp`, "w", 0o644);
  try {
    await handle.writeFile(formatJournalState(state));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.tmp`, path);
  await syncFolder(folder);
}

/**
 * Reads the state.
 *
 * @throws {@link SpoolError} `SPOOL_DAMAGED` for content that was not written by {@link writeJournalState}
 * @throws the system's error when the file cannot be read
 */
export async function readJournalState(folder: string): Promise<JournalState> {
  const path = join(folder, fileName);
  const handle = await open(path, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxFileBytes), 0, maxFileBytes, 0);
    const state = parseJournalState(buffer.toString("utf8", 0, bytesRead));
    if (state === undefined) throw new SpoolError("SPOOL_DAMAGED", `${path} is not as it was written`);
    return state;
  } finally {
    await handle.close();
  }
}

/** JSON for people to read; `crc32` covers the other members as they stand. */
export function formatJournalState({ facts, session, ...rest }: JournalState): string {
  const { hwid, streamId, startMs, nibbleOrder } = facts;
  const { codec, sampleRateHz, channels, frameSampleCount } = facts.format;
  const content = {
    version,
    hwid,
    streamId,
    format: { codec, sampleRateHz, channels, frameSampleCount },
    startMs,
    nibbleOrder,
    session: session === undefined ? null : String(session),
    isSealed: rest.isSealed,
    droppedFrameCount: rest.droppedFrameCount,
    acknowledgedSeq: rest.acknowledgedSeq,
    nextSeq: rest.nextSeq,
  };
  return `${JSON.stringify({ ...content, crc32: crc32(JSON.stringify(content)) }, undefined, 2)}\n`;
}

/** The inverse of {@link formatJournalState}; `undefined` for anything else. */
export function parseJournalState(json: string): JournalState | undefined {
  const content = parseObject(json);
  if (content === undefined) return undefined;
  const { crc32: crc, ...rest } = content;
  if (typeof crc !== "number" || crc !== checksum(rest) || rest["version"] !== version) return undefined;
  const { hwid, streamId, format, startMs, nibbleOrder, session, ...state } = rest as unknown as WrittenState;
  const facts: JournalFacts = { hwid, streamId, format, startMs, nibbleOrder };
  if (findFault(facts) !== undefined || !isSessionText(session)) return undefined;
  const { isSealed, droppedFrameCount, acknowledgedSeq, nextSeq } = state;
  if (typeof isSealed !== "boolean" || ![droppedFrameCount, acknowledgedSeq, nextSeq].every(isCount)) return undefined;
  const known = session === null ? undefined : BigInt(session);
  return { facts, session: known, isSealed, droppedFrameCount, acknowledgedSeq, nextSeq };
}

/** `undefined` for what is nested too deep to be written. */
function checksum(content: unknown): number | undefined {
  try {
    return crc32(JSON.stringify(content));
  } catch {
    return undefined;
  }
}

/** The shape that is hoped for until it is checked. */
type WrittenState = JournalFacts & Omit<JournalState, "facts" | "session"> & { readonly session: string | null };

function parseObject(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** @throws RangeError naming what in `facts` no server takes */
export function checkFacts(facts: JournalFacts): void {
  const fault = findFault(facts);
  if (fault !== undefined) throw new RangeError(`${fault} of the journal is ${JSON.stringify(facts[fault])}`);
}

function findFault({ hwid, streamId, format, startMs, nibbleOrder }: JournalFacts): keyof JournalFacts | undefined {
  if (hwid !== null && !(typeof hwid === "string" && hwid.length <= limits.maxHwidLength)) return "hwid";
  if (!isUint(streamId, 2 ** 32 - 1)) return "streamId";
  if (!isCount(startMs)) return "startMs";
  if (nibbleOrder !== null && nibbleOrder !== "low" && nibbleOrder !== "high") return "nibbleOrder";
  if (typeof format !== "object" || format === null || !Object.hasOwn(codecs, format.codec)) return "format";
  const isSound =
    isUint(format.sampleRateHz, limits.maxSampleRateHz) &&
    format.sampleRateHz >= limits.minSampleRateHz &&
    isUint(format.channels, limits.maxChannels) &&
    format.channels >= 1 &&
    isUint(format.frameSampleCount, 0xffff);
  return isSound ? undefined : "format";
}

function isSessionText(session: unknown): session is string | null {
  return session === null || (typeof session === "string" && /^\d{1,20}$/.test(session) && isSession(BigInt(session)));
}

/** True for what a server gives as a session. [P-2.1] */
export function isSession(session: bigint): boolean {
  return session > 0n && session <= maxSession;
}

function isUint(value: unknown, max: number): boolean {
  return isCount(value) && (value as number) <= max;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
