import { type AudioAmount, type Journal, openSpool, type Spool, SpoolError } from "@eet/client";
import { CommandError } from "../command-error.ts";
import type { SpoolChoice } from "./stream-options.ts";

/** What a spool holds at one moment. */
export interface SpoolAmount {
  /** Frames that are not acknowledged. Those of open streams are in memory as well. */
  readonly frameCount: number;
  readonly audioS: number;
  /** Of these what earlier runs left. */
  readonly earlierS: number;
  /** Frames of earlier runs that had to go for want of room. */
  readonly droppedFrameCount: number;
  readonly byteLength: number;
  readonly maxBytes: number;
}

const adviceByCode: Readonly<Record<SpoolError["code"], string>> = {
  SPOOL_LOCKED: "end that process, or give this one a folder of its own",
  SPOOL_DISK_FULL: "free space on the disk",
  SPOOL_IO: "check --spool and the disk",
  SPOOL_DAMAGED: "check the disk",
};

/** The folder of `--spool`, and what of it stems from earlier runs. */
export class StreamSpool {
  readonly spool: Spool;
  readonly folder: string;
  readonly #earlier: readonly { readonly journal: Journal; readonly droppedBefore: number }[];

  /**
   * Opens it.
   *
   * @param onError - told in words of what goes wrong later
   * @throws CommandError when it cannot be used
   */
  static async open({ folder, maxBytes }: SpoolChoice, onError: (text: string) => void): Promise<StreamSpool> {
    try {
      const spool = await openSpool({ folder, maxBytes, onError: (error) => onError(describeSpoolError(error)) });
      return new StreamSpool(folder, spool);
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error;
      throw new CommandError(describeSpoolError(error), { cause: error });
    }
  }

  private constructor(folder: string, spool: Spool) {
    this.folder = folder;
    this.spool = spool;
    const held = spool.journals.filter(({ frameCount }) => frameCount > 0);
    this.#earlier = held.map((journal) => ({ journal, droppedBefore: journal.droppedFrameCount }));
  }

  /** Whether earlier runs left something. */
  get hadEarlier(): boolean {
    return this.#earlier.length > 0;
  }

  /** What is still there of earlier runs; samples of any rate. */
  get earlier(): AudioAmount {
    const left = this.#leftJournals();
    return {
      frameCount: sum(left, ({ frameCount }) => frameCount),
      sampleCount: sum(left, (each) => each.sampleCount),
    };
  }

  /** What it holds. */
  get amount(): SpoolAmount {
    const { journals, byteLength, maxBytes } = this.spool;
    return {
      frameCount: sum(journals, ({ frameCount }) => frameCount),
      audioS: sum(journals, secondsOf),
      earlierS: sum(this.#leftJournals(), secondsOf),
      droppedFrameCount: sum(this.#earlier, ({ journal, droppedBefore }) => journal.droppedFrameCount - droppedBefore),
      byteLength,
      maxBytes,
    };
  }

  /** Writes what is to be kept and gives the folder free. */
  close(): Promise<void> {
    return this.spool.close();
  }

  #leftJournals(): Journal[] {
    const { journals } = this.spool;
    return this.#earlier.flatMap(({ journal }) => (journals.includes(journal) ? [journal] : []));
  }
}

function secondsOf({ sampleCount, facts }: Journal): number {
  return sampleCount / facts.format.sampleRateHz;
}

function sum<T>(items: readonly T[], amountOf: (item: T) => number): number {
  return items.reduce((total, item) => total + amountOf(item), 0);
}

function describeSpoolError({ message, code }: SpoolError): string {
  return `${message}: ${adviceByCode[code]}`;
}
