import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DroppedFrames, Journal, JournalFacts, Spool, SpoolOptions } from "./spool.ts";
import { SpoolError, systemErrorCode, toSpoolError } from "./spool-error.ts";
import { checkFacts, type JournalState, readJournalState, writeJournalState } from "./spool-facts-store.ts";
import {
  type CreateAppendFile,
  createAppendFile,
  createFolder,
  inspectFile,
  type SpoolFile,
  syncFolder,
} from "./spool-file-store.ts";
import { DiskJournal, type JournalContent, type JournalContext, removedSuffix } from "./spool-journal-store.ts";
import { openSpoolLock, type SpoolLock } from "./spool-lock-store.ts";
import { readPosition } from "./spool-position-store.ts";
import { SpoolRoom } from "./spool-room.ts";
import { framesSuffix } from "./spool-writer-store.ts";

const defaultMaxBytes = 1024 ** 3;
const minMaxBytes = 64 * 1024;
const defaultSyncIntervalMs = 1_000;
const maxFileBytes = 1024 * 1024;
const damagedSuffix = ".damaged";

/**
 * Takes the folder, creating it if needed, and lists the journals that earlier processes left there.
 *
 * One spool per process and folder: several streams share it, its lock and its bound, each with a journal of its own.
 *
 * ## On disk
 *
 * ```
 * spool.lock         exclusive SQLite transaction of the process that has the spool
 * spool.lock.txt     who that is, for people
 * 00000001/          one journal; numbers rise, so the oldest comes first
 *   journal.json     its facts, session and position; replaced as a whole (write, fsync, rename, fsync of the folder)
 *   acknowledged     u64 position, u32 CRC-32 of it; written over in place while acknowledgements come, never synced
 *   00000001.frames  records, append only, about 1 MiB; numbers rise with the seqs
 * 00000002.removed/  a journal on its way out; deleted at the next start
 * 00000003.damaged/  a journal whose journal.json could not be understood; nobody touches it, nor counts its bytes
 * ```
 *
 * A record is u32 CRC-32 of the rest, u32 length of what follows this field, u64 seq, u32 samples per channel, payload;
 * little-endian. A file that was left for the next one ends with a mark: u32 CRC-32 of the rest, u32 2^32 - 1, u64 first
 * seq, u64 next seq, u64 samples, u32 frames, u32 bytes of records. The mark is written after the sync of all before it, and
 * saves the next start the reading of the file.
 *
 * Reading a file ends at the first record whose length or CRC does not fit: a crash leaves a torn one at the end, a power cut
 * zeros. Nothing is ever appended to a file of an earlier process; a reopened journal goes on in a fresh file. After a
 * failed sync a frame may stand in two files: seqs that do not rise are passed over.
 *
 * Files are deleted oldest first, when all their frames are acknowledged or dropped. `acknowledgedSeq` in `journal.json`
 * is brought up to date when the spool is closed; after a crash the file `acknowledged` tells, to `syncIntervalMs`, how far
 * it was. Without that one, as a power cut may leave it, the frames of the oldest file come again.
 *
 * @param createFile - for tests: disks that fail
 * @throws {@link SpoolError} `SPOOL_LOCKED` naming the holder; `SPOOL_IO` or `SPOOL_DISK_FULL` when the folder cannot be used
 * @throws RangeError for an option out of range
 */
export async function openSpool(
  options: SpoolOptions,
  createFile: CreateAppendFile = createAppendFile,
): Promise<Spool> {
  const checked = checkOptions(options);
  await createFolder(options.folder).catch((error) => {
    throw toSpoolError(`the spool ${options.folder} cannot be created`, error);
  });
  const lock = openSpoolLock(options.folder);
  const spool = new DiskSpool(checked, lock, createFile);
  try {
    await spool.load();
    return spool;
  } catch (error) {
    lock.close();
    throw toSpoolError(`the spool ${options.folder} cannot be read`, error);
  }
}

type CheckedOptions = Required<SpoolOptions>;

function checkOptions(options: SpoolOptions): CheckedOptions {
  const { folder, maxBytes = defaultMaxBytes, syncIntervalMs = defaultSyncIntervalMs, onError = () => {} } = options;
  if (!(Number.isSafeInteger(maxBytes) && maxBytes >= minMaxBytes)) {
    throw new RangeError(`maxBytes is ${maxBytes}, allowed are whole numbers from ${minMaxBytes}`);
  }
  if (!(syncIntervalMs >= 1 && syncIntervalMs <= 60_000)) {
    throw new RangeError(`syncIntervalMs is ${syncIntervalMs}, allowed are 1 to 60000`);
  }
  const { fileBytes = Math.min(maxFileBytes, Math.floor(maxBytes / 8)) } = options;
  if (!(Number.isSafeInteger(fileBytes) && fileBytes >= 1 && fileBytes <= maxBytes)) {
    throw new RangeError(`fileBytes is ${fileBytes}, allowed are whole numbers from 1 to maxBytes`);
  }
  return { folder, maxBytes, syncIntervalMs, onError, fileBytes };
}

class DiskSpool implements Spool {
  readonly #options: CheckedOptions;
  readonly #lock: SpoolLock;
  readonly #room: SpoolRoom;
  readonly #context: JournalContext;
  #journals: DiskJournal[] = [];
  #nextNumber = 1;
  #isClosing = false;
  #closing: Promise<void> | undefined;

  constructor(options: CheckedOptions, lock: SpoolLock, createFile: CreateAppendFile) {
    const { fileBytes, syncIntervalMs, onError } = options;
    this.#options = options;
    this.#lock = lock;
    this.#room = new SpoolRoom(options.maxBytes, () => {
      for (const journal of this.#journals) journal.reclaim();
    });
    const onRemoved = (removed: DiskJournal) => {
      this.#journals = this.#journals.filter((journal) => journal !== removed);
    };
    this.#context = { room: this.#room, fileBytes, syncIntervalMs, createFile, onError, onRemoved };
  }

  get journals(): readonly Journal[] {
    return this.#journals;
  }

  get byteLength(): number {
    return this.#room.usedBytes;
  }

  get maxBytes(): number {
    return this.#room.maxBytes;
  }

  /** Takes in what is in the folder. */
  async load(): Promise<void> {
    const names = await readdir(this.#options.folder);
    for (const name of names.sort()) {
      const [, digits, suffix = ""] = /^(\d{8})(\..*)?$/.exec(name) ?? [];
      if (digits === undefined) continue;
      this.#nextNumber = Math.max(this.#nextNumber, Number(digits) + 1);
      if (suffix === removedSuffix) await this.#deleteRest(join(this.#options.folder, name));
      if (suffix === "") await this.#loadJournal(join(this.#options.folder, name));
    }
  }

  async #deleteRest(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true }).catch((error) => {
      this.#options.onError(toSpoolError(`${path} cannot be deleted`, error));
    });
  }

  async #loadJournal(folder: string): Promise<void> {
    try {
      const content = await this.#readJournal(folder);
      if (content === undefined) return;
      this.#room.take(content.files.reduce((sum, { byteLength }) => sum + byteLength, 0));
      this.#journals.push(new DiskJournal(this.#context, content));
    } catch (error) {
      // It stays as it is: what cannot be read now can be at another start.
      this.#options.onError(toSpoolError(`the journal ${folder} is left alone, it cannot be read`, error));
    }
  }

  async #readJournal(folder: string): Promise<JournalContent | undefined> {
    const names = (await readdir(folder)).filter((name) => name.endsWith(framesSuffix)).sort();
    const state = await this.#readState(folder, names.length > 0);
    if (state === undefined) return undefined;
    const files: SpoolFile[] = [];
    for (const name of names) {
      const { file, restBytes } = await inspectFile(join(folder, name), files.at(-1)?.tally.nextSeq ?? 0);
      files.push(file);
      if (restBytes > 0) this.#reportRest(file, restBytes);
    }
    const acknowledgedSeq = Math.max(state.acknowledgedSeq, await readPosition(folder));
    const lastNumber = Number.parseInt(names.at(-1) ?? "0", 10);
    return { folder, state: { ...state, acknowledgedSeq }, files, nextFileNumber: lastNumber + 1 };
  }

  /** Only what stands behind whole records is lost: a crash or a power cut leaves that, and a failing disk. */
  #reportRest({ path }: SpoolFile, restBytes: number): void {
    const what = `the last ${restBytes} bytes of ${path} are no whole frames; they are passed over`;
    this.#options.onError(new SpoolError("SPOOL_DAMAGED", what));
  }

  /** @returns `undefined` when there is no journal here, or none any more */
  async #readState(folder: string, hasFrames: boolean): Promise<JournalState | undefined> {
    try {
      return await readJournalState(folder);
    } catch (error) {
      const isMissing = systemErrorCode(error) === "ENOENT";
      // The process died while it created the journal.
      if (isMissing && !hasFrames) return void (await this.#deleteRest(folder));
      if (!isMissing && !(error instanceof SpoolError)) throw error;
      await rename(folder, `${folder}${damagedSuffix}`);
      const what = `journal.json of ${folder} ${isMissing ? "is missing" : "is damaged"}`;
      const message = `${what}; its frames are kept in ${folder}${damagedSuffix}`;
      this.#options.onError(new SpoolError("SPOOL_DAMAGED", message, { cause: error }));
      return undefined;
    }
  }

  async createJournal(facts: JournalFacts): Promise<Journal> {
    checkFacts(facts);
    if (this.#isClosing) throw new SpoolError("SPOOL_IO", `the spool ${this.#options.folder} is closed`);
    const folder = join(this.#options.folder, String(this.#nextNumber++).padStart(8, "0"));
    const state: JournalState = {
      facts: { ...facts, format: { ...facts.format } },
      session: undefined,
      isSealed: false,
      droppedFrameCount: 0,
      acknowledgedSeq: 0,
      nextSeq: 0,
    };
    try {
      await mkdir(folder);
      await writeJournalState(folder, state);
      await syncFolder(this.#options.folder);
    } catch (error) {
      throw toSpoolError(`the journal ${folder} cannot be created`, error);
    }
    const journal = new DiskJournal(this.#context, { folder, state, files: [], nextFileNumber: 1 });
    this.#journals = [...this.#journals, journal];
    // Closed meanwhile, without knowing of it.
    if (this.#isClosing) await journal.close();
    return journal;
  }

  async dropOldest(byteCount: number): Promise<readonly DroppedFrames[]> {
    const dropped: DroppedFrames[] = [];
    let left = byteCount;
    for (const journal of this.#journals) {
      if (left <= 0) break;
      const result = await journal.drop(left);
      left -= result.freedBytes;
      if (result.dropped !== undefined) dropped.push(result.dropped);
    }
    return dropped;
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    return this.#closing;
  }

  async #closeNow(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#journals.map((journal) => journal.close()));
    this.#lock.close();
  }
}
