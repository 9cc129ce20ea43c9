import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { DiskReserve, type DiskSpace, type DiskState, diskState, readDiskSpace } from "./disk-space-store.ts";

const checkIntervalMs = 5_000;

/** What the log says of a step that fails. */
const failures = {
  readSpace: "the disk's free space cannot be read",
  hold: "the disk's reserve cannot be held: should the disk fill up, open segments are finished once there is room",
  release: "the disk's reserve cannot be released: remove reserve.bin from the data folder",
  makeRoom: "no room can be made on the disk",
} as const;

export interface DiskGuardOptions {
  readonly dataFolder: string;
  readonly log: Log;
  /** Told when the state changes, and again at every check that finds the disk low: making room takes several. */
  readonly onLow: (state: Exclude<DiskState, "ok">) => void;
  /** Told once of each change of the state, back to `ok` included. */
  readonly onState?: (state: DiskState, space: DiskSpace) => void;
  /** Time until the hard mark at the present rate, for the log; `undefined` when not known. */
  readonly hoursLeft?: (space: DiskSpace) => number | undefined;
  /** For tests: how the disk is asked. */
  readonly readSpace?: (folder: string) => Promise<DiskSpace>;
}

/** Watches the room on the data folder's disk. [S-2.5] */
export class DiskGuard {
  readonly #options: DiskGuardOptions;
  readonly #reserve: DiskReserve;
  /** Steps that failed when last tried, by what the log said. */
  readonly #failing = new Set<string>();
  #space: DiskSpace = { freeBytes: 0, totalBytes: 0 };
  #state: DiskState = "ok";
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> = Promise.resolve();

  constructor(options: DiskGuardOptions) {
    this.#options = options;
    this.#reserve = new DiskReserve(options.dataFolder);
  }

  /** As of the last check. */
  get state(): DiskState {
    return this.#state;
  }

  /** As of the last check. */
  get freeBytes(): number {
    return this.#space.freeBytes;
  }

  /** As of the last check. */
  get space(): DiskSpace {
    return this.#space;
  }

  /** Whether room is held back for open segments. */
  get isReserveHeld(): boolean {
    return this.#reserve.isHeld;
  }

  /** Checks once, then every 5 s. */
  async start(): Promise<void> {
    await this.check();
    this.#timer = setInterval(() => void this.check(), checkIntervalMs);
  }

  /** Looks at the disk now. Never rejects. */
  check(): Promise<void> {
    this.#checking = this.#checking.then(() => this.#checkNow());
    return this.#checking;
  }

  async #checkNow(): Promise<void> {
    const { dataFolder, onLow, readSpace = readDiskSpace } = this.#options;
    const isKnown = await this.#attempt(failures.readSpace, async () => {
      this.#space = await readSpace(dataFolder);
    });
    if (!isKnown) return;
    const state = diskState(this.#space);
    const hasChanged = state !== this.#state;
    this.#state = state;
    if (hasChanged) this.#report(state);
    if (state === "hard") await this.#attempt(failures.release, () => this.#reserve.release());
    if (state === "ok") await this.#attempt(failures.hold, () => this.#reserve.hold(this.#space));
    if (state !== "ok") await this.#attempt(failures.makeRoom, () => onLow(state));
  }

  /** Tells whether a step works; its failure is logged once until it works again. */
  async #attempt(failure: string, step: () => Promise<void> | void): Promise<boolean> {
    try {
      await step();
      this.#failing.delete(failure);
      return true;
    } catch (thrown) {
      if (!this.#failing.has(failure)) this.#options.log.warn({ error: toError(thrown).message }, failure);
      this.#failing.add(failure);
      return false;
    }
  }

  #report(state: DiskState): void {
    const { freeBytes, totalBytes } = this.#space;
    const { log, hoursLeft } = this.#options;
    const hours = hoursLeft?.(this.#space);
    const facts = {
      freeMiB: Math.floor(freeBytes / 2 ** 20),
      totalMiB: Math.floor(totalBytes / 2 ** 20),
      ...(hours !== undefined && Number.isFinite(hours) && { hoursLeft: Math.round(hours * 10) / 10 }),
    };
    if (state === "ok") log.info(facts, "disk has room again");
    else if (state === "soft") log.warn(facts, "disk is low: no WAVs are derived, uploaded segments make room");
    else log.error(facts, "disk is full: no new streams are taken until there is room");
    this.#options.onState?.(state, this.#space);
  }

  /** Stops checking. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#checking;
  }
}
