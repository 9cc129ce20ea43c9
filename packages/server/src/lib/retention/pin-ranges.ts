import type { Pin } from "../catalog/annotations.ts";

type Range = Pick<Pin, "hwid" | "fromMs" | "toMs">;

/** Ranges that stay, ordered for looking up. */
export class PinRanges {
  /** By device: ranges by their start, those that touch joined. */
  readonly #ranges = new Map<string | null, { readonly fromMs: number; toMs: number }[]>();

  constructor(pins: readonly Range[]) {
    for (const { hwid, fromMs, toMs } of [...pins].sort((a, b) => a.fromMs - b.fromMs)) {
      const ranges = this.#ranges.get(hwid) ?? [];
      this.#ranges.set(hwid, ranges);
      const last = ranges.at(-1);
      if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
      else ranges.push({ fromMs, toMs });
    }
  }

  /** Whether any of a device's pins has to do with a range. */
  touches(hwid: string | null, startMs: number, endMs: number): boolean {
    const ranges = this.#ranges.get(hwid);
    if (ranges === undefined) return false;
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranges[middle]?.toMs ?? 0) <= startMs) low = middle + 1;
      else high = middle;
    }
    const first = ranges[low];
    return first !== undefined && first.fromMs < endMs;
  }
}
