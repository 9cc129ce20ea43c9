import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { redactTokens } from "../kernel/redaction.ts";

/** Size at which a file is put aside. */
const maxFileBytes = 10 * 1024 * 1024;
/** Lines that wait while others are written: more than these are left out. */
const maxWaitingCount = 1_000;
/** Files that are kept besides the one that is written. */
const maxOldFileCount = 20;
const fileName = "audit.jsonl";

/** An act of who administers. Holds no secret. */
export interface AuditEntry {
  /** What was done, such as `token.created`, `login`, `request`. */
  readonly act: string;
  /** Name of the token, `anybody` where the server is open, or the user of the command line. */
  readonly who: string;
  readonly tokenId?: string | null;
  readonly role?: string | null;
  /** Of the client. */
  readonly address?: string;
  /** What it was done to, and how it ended. */
  readonly facts?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface AuditLogOptions {
  /** Made with the first entry. */
  readonly folder: string;
  readonly wallMs: () => number;
  readonly log: Log;
  /** Default 10 MiB. */
  readonly maxFileBytes?: number;
  /** Lines that may wait while others are written; default 1 000. */
  readonly maxWaitingCount?: number;
}

/**
 * What was administered, by whom and when: lines of JSON that are only ever appended and synced, all of those that wait at
 * once. What comes faster than the disk takes it is left out, and told as a line of its own.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  #waiting: string[] = [];
  #leftOutCount = 0;
  /** Settles when what waits now is written. */
  #next: Promise<void> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  /**
   * Appends an entry. Who waits for it knows that it is on the disk.
   *
   * @returns never rejects: what cannot be written is logged as an error
   */
  note(entry: AuditEntry): Promise<void> {
    if (this.#waiting.length < (this.#options.maxWaitingCount ?? maxWaitingCount))
      this.#waiting.push(this.#format(entry));
    else this.#leftOutCount += 1;
    if (this.#next === undefined) {
      this.#next = this.#writing.then(() => this.#writeWaiting());
      this.#writing = this.#next;
    }
    return this.#next;
  }

  /** Resolves when all entries are on the disk; never rejects. */
  close(): Promise<void> {
    return this.#writing;
  }

  #format(entry: AuditEntry): string {
    const time = new Date(this.#options.wallMs()).toISOString();
    // A path or a name may hold what was typed into the wrong place.
    return `${redactTokens(JSON.stringify({ time, ...entry }))}\n`;
  }

  async #writeWaiting(): Promise<void> {
    const { log } = this.#options;
    const count = this.#leftOutCount;
    if (count > 0) {
      this.#waiting.push(this.#format({ act: "audit.left-out", who: "server", facts: { count } }));
      log.error({ count }, "lines left out of the audit log: more came than the disk takes");
    }
    const lines = this.#waiting;
    this.#waiting = [];
    this.#leftOutCount = 0;
    this.#next = undefined;
    try {
      await this.#append(lines.join(""));
    } catch (thrown) {
      log.error({ error: toError(thrown).message, lineCount: lines.length }, "audit log not written");
    }
  }

  async #append(lines: string): Promise<void> {
    const { folder, maxFileBytes: limit = maxFileBytes } = this.#options;
    await mkdir(folder, { recursive: true });
    const path = join(folder, fileName);
    // Opened each time: whoever puts the file aside is followed, and acts are rare.
    const file = await open(path, "a", 0o600);
    const isFull = await writeLines(file, lines, limit).finally(() => file.close());
    if (isFull) await this.#putAside(path);
  }

  async #putAside(path: string): Promise<void> {
    const stamp = new Date(this.#options.wallMs()).toISOString().replaceAll(/[:.]/g, "-");
    await rename(path, join(dirname(path), `audit-${stamp}.jsonl`));
    const old = (await readdir(dirname(path))).filter((name) => /^audit-.*\.jsonl$/.test(name)).sort();
    for (const name of old.slice(0, -maxOldFileCount)) await rm(join(dirname(path), name));
  }
}

async function writeLines(file: FileHandle, lines: string, limit: number): Promise<boolean> {
  await file.appendFile(lines);
  await file.sync();
  return (await file.stat()).size >= limit;
}
