import type { Session } from "@eet/server/api-types";
import { type ReadonlySignal, signal } from "@preact/signals";

/** Of single devices at a time. */
const maxLookupCount = 4;
/** From so many wanted sessions on, the newest of all are read at once instead. */
const manySessions = 8;
/** Scrolling passes many devices: only where it rests their sessions are asked for. */
const restMs = 150;
/** After a failure: a server that is away comes back. */
const retryMs = 5_000;

/** Reads the newest sessions, the newest first. @param hwid - of this device only; left out: of all */
export type ReadSessions = (hwid: string | undefined) => Promise<readonly Session[]>;

/** Knows the newest session of each device that is on screen. Devices go by `hwid`, or `~`. */
export class SessionLookup {
  readonly #read: ReadSessions;
  readonly #sessions = signal<ReadonlyMap<string, Session>>(new Map());
  /** On screen. */
  #shown: readonly string[] = [];
  readonly #lookedUp = new Set<string>();
  readonly #running = new Set<string>();
  /** When each was last outdated, counted. */
  readonly #outdated = new Map<string, number>();
  #outdatedCount = 0;
  /** When all were. */
  #allOutdated = 0;
  /** Since the newest were read. */
  #hasNew = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(read: ReadSessions) {
    this.#read = read;
  }

  /** Newest session of each device that was looked up and has one. */
  get sessions(): ReadonlySignal<ReadonlyMap<string, Session>> {
    return this.#sessions;
  }

  /** Asks for the sessions of devices that are on screen, from now on. */
  show(hwids: readonly string[]): void {
    this.#shown = hwids;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#schedule(restMs);
  }

  /** Something has changed: if it is on screen it is looked up again. An answer that is on its way may be too old. */
  outdate(hwid: string): void {
    this.#lookedUp.delete(hwid);
    this.#outdatedCount += 1;
    this.#outdated.set(hwid, this.#outdatedCount);
    this.#hasNew = true;
    this.#schedule(restMs);
  }

  /** The same of every device: nobody knows what has changed. */
  outdateAll(): void {
    this.#lookedUp.clear();
    this.#outdatedCount += 1;
    this.#allOutdated = this.#outdatedCount;
    this.#outdated.clear();
    this.#hasNew = true;
    this.#schedule(restMs);
  }

  /** Reads the newest of all: of many devices by one request. Never rejects. */
  async readNewest(): Promise<void> {
    this.#hasNew = false;
    await this.#readSessions(undefined);
  }

  get #wanted(): readonly string[] {
    return this.#shown.filter((hwid) => !this.#lookedUp.has(hwid) && !this.#running.has(hwid));
  }

  /** Of those that wait for it, the first wait counts. */
  #schedule(waitMs: number): void {
    if (this.#wanted.length > 0) this.#timer ??= setTimeout(() => void this.#lookUpAll(), waitMs);
  }

  async #lookUpAll(): Promise<void> {
    this.#timer = undefined;
    if (this.#wanted.length >= manySessions && this.#hasNew) await this.readNewest();
    this.#lookUp();
  }

  #lookUp(): void {
    for (const hwid of this.#wanted) {
      if (this.#running.size >= maxLookupCount) return;
      this.#running.add(hwid);
      void this.#readSessions(hwid).then((isRead) => {
        this.#running.delete(hwid);
        if (isRead) this.#lookUp();
        else this.#schedule(retryMs);
      });
    }
  }

  /** @returns false when it could not be read: tiles go without the format meanwhile */
  async #readSessions(hwid: string | undefined): Promise<boolean> {
    const askedAt = this.#outdatedCount;
    try {
      const found = await this.#read(hwid);
      const known = new Map(this.#sessions.peek());
      // The newest stand first.
      for (const session of [...found].reverse()) known.set(session.hwid ?? "~", session);
      const seen = hwid === undefined ? found.map((session) => session.hwid ?? "~") : [hwid];
      for (const each of seen) {
        if ((this.#outdated.get(each) ?? this.#allOutdated) <= askedAt) this.#lookedUp.add(each);
      }
      this.#sessions.value = known;
      return true;
    } catch {
      return false;
    }
  }
}
