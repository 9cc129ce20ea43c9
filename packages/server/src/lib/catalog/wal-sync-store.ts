import { close, fdatasync, open } from "node:fs";
import { promisify } from "node:util";

const openFile = promisify(open);
const syncFile = promisify(fdatasync);
const closeFile = promisify(close);

export interface WalSyncOptions {
  /** The write-ahead log of an open database; it is there once the database has been written to. */
  readonly path: string;
  /**
   * Brings all that was committed into the database's own file, synced, and begins the log anew. Throws when that cannot be done.
   */
  readonly checkpoint: () => void;
  /** For tests. Default: `fdatasync`. */
  readonly sync?: (fd: number) => Promise<unknown>;
}

/**
 * Makes commits durable outside of the event loop: SQLite would sync its write-ahead log in the midst of each commit, and on a
 * busy disk everybody waits for that. Commits that come while a sync runs share the next one.
 */
export class WalSync {
  readonly #options: WalSyncOptions;
  #fd: Promise<number> | undefined;
  #running: Promise<void> = Promise.resolve();
  /** The sync that has not begun. */
  #next: Promise<void> | undefined;
  /** A sync failed: the system may have dropped a part of the log, behind which nothing would be read after a power cut. */
  #isBroken = false;

  constructor(options: WalSyncOptions) {
    this.#options = options;
  }

  /** Resolves when all that was committed so far is on stable storage; rejects with what keeps it from that. */
  sync(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const next = this.#running.then(() => {
      this.#next = undefined;
      return this.#syncNow();
    });
    this.#next = next;
    // Whoever asked hears of a failure.
    this.#running = next.catch(() => {});
    return next;
  }

  async #syncNow(): Promise<void> {
    const { path, checkpoint, sync = syncFile } = this.#options;
    if (!this.#isBroken) {
      try {
        this.#fd ??= openFile(path, "r+");
        await sync(await this.#fd);
        return;
      } catch {
        this.#isBroken = true;
        await this.#letGo();
      }
    }
    // Another sync would succeed without what was dropped; SQLite still has it, and writes it elsewhere.
    checkpoint();
    this.#isBroken = false;
  }

  /** Waits for syncs under way, and lets go of the log. Never rejects. */
  async close(): Promise<void> {
    await this.#running;
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    const fd = await this.#fd?.catch(() => undefined);
    this.#fd = undefined;
    if (fd !== undefined) await closeFile(fd).catch(() => {});
  }
}
