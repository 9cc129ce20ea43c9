import { readProcessUsage } from "./process-usage.ts";

const intervalMs = 10_000;

/** Looks at a process tree's memory every ten seconds. */
export class UsageWatch {
  readonly #rssBytes: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#timer = setInterval(() => this.#rssBytes.push(readProcessUsage(pid).rssBytes), intervalMs);
  }

  /** Ends it. @returns what was seen, in order */
  stop(): readonly number[] {
    clearInterval(this.#timer);
    return this.#rssBytes;
  }
}

/**
 * By how much memory grew: the median of the last fifth against that of the second fifth, since the first one fills buffers
 * and compiles code. `undefined` for fewer than ten looks.
 */
export function growthOf(rssBytes: readonly number[]): number | undefined {
  if (rssBytes.length < 10) return undefined;
  const fifth = Math.floor(rssBytes.length / 5);
  const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  return middle(rssBytes.slice(-fifth)) - middle(rssBytes.slice(fifth, 2 * fifth));
}
