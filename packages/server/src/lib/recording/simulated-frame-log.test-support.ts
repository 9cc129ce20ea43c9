import type { FrameLog } from "../storage/frame-log-store.ts";
import { systemError } from "./recording.test-support.ts";
import type { SimulatedDisk } from "./simulated-disk.test-support.ts";
import type { SimulatedOperations } from "./simulated-operations.test-support.ts";

/** As the real one's. */
const commitIntervalMs = 100;

/** What recording uses of the frame log where others make the files. */
export type UsedOfFrameLog = "openSegment" | "closeSegment" | "committed" | "isFailing" | "onStateChange";

export interface SimulatedFrameLogOptions {
  readonly disk: SimulatedDisk;
  readonly operations: SimulatedOperations;
  readonly random: () => number;
}

/** The frame log of one run, in memory: a commit carries what was recorded before it began. */
export class SimulatedFrameLog implements Pick<FrameLog, UsedOfFrameLog> {
  readonly #options: SimulatedFrameLogOptions;
  #openedCount = 0;
  /** Each makes one record durable. */
  #records: (() => void)[] = [];
  #waiting: (() => void)[] = [];
  #isScheduled = false;
  #committing: Promise<void> = Promise.resolve();
  isFailing = false;
  onStateChange: (() => void) | undefined;

  constructor(options: SimulatedFrameLogOptions) {
    this.#options = options;
  }

  openSegment(): number {
    this.#openedCount += 1;
    return this.#openedCount;
  }

  closeSegment(): void {}

  /** @param commit - makes the record durable */
  record(commit: () => void): void {
    this.#records.push(commit);
    this.#schedule();
  }

  committed(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const begin = () => {
      this.#isScheduled = false;
      this.#committing = this.#committing.then(() => this.#commit());
    };
    void this.#options.operations.run(begin, { minMs: commitIntervalMs });
  }

  async #commit(): Promise<void> {
    const [records, waiting] = [this.#records, this.#waiting];
    [this.#records, this.#waiting] = [[], []];
    try {
      await this.#bring(records);
      for (const resolve of waiting) resolve();
      this.#setFailing(false);
    } catch {
      this.#setFailing(true);
      this.#records.unshift(...records);
      this.#waiting.unshift(...waiting);
      this.#schedule();
    }
  }

  #setFailing(isFailing: boolean): void {
    if (isFailing === this.isFailing) return;
    this.isFailing = isFailing;
    this.onStateChange?.();
  }

  #bring(records: readonly (() => void)[]): Promise<void> {
    const { disk, operations, random } = this.#options;
    const commit = () => {
      for (const apply of records) apply();
    };
    const work = () => {
      const code = disk.takeFault("commit");
      if (code !== undefined) throw systemError(code);
      commit();
    };
    // The power may go when the disk has it and nobody was told.
    return operations.run(work, { onLost: () => (random() < 0.5 ? commit() : undefined) });
  }
}
