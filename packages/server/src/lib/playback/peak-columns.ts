import type { Overview } from "@eet/audio";
import type { SegmentPart } from "./pcm-reader.ts";
import type { RangePlan } from "./range-plan.ts";

/** Gathers peaks of a range's columns from overviews. */
export class PeakColumns {
  readonly #plan: RangePlan;
  readonly #width: number;
  /** For each channel `min, max` of each column; `min > max` where nothing is recorded. */
  readonly pairs: readonly Int16Array[];

  constructor(plan: RangePlan, width: number) {
    this.#plan = plan;
    this.#width = width;
    this.pairs = Array.from({ length: plan.channels }, () =>
      new Int16Array(width * 2).map((_, index) => (index % 2 === 0 ? 32767 : -32768)),
    );
  }

  /** @param origin - grid index of the session's first sample */
  add(overview: Overview, part: SegmentPart, origin: number): void {
    this.pairs.forEach((pairs, channel) => {
      this.#addChannel(overview, part, origin, pairs, channel);
    });
  }

  /** In plain numbers: an hour has 360 000 of these. */
  #addChannel(
    { peaks, peakSamples, channels }: Overview,
    { segment: { startSample }, fromSample, toSample }: SegmentPart,
    origin: number,
    pairs: Int16Array,
    channel: number,
  ): void {
    const { from: rangeFrom, to: rangeTo } = this.#plan;
    const lastColumn = this.#width - 1;
    const scale = this.#width / (rangeTo - rangeFrom);
    const shift = origin - rangeFrom;
    const end = Math.ceil((toSample - startSample) / peakSamples);
    for (let index = Math.floor((fromSample - startSample) / peakSamples); index < end; index++) {
      const from = Math.max(startSample + index * peakSamples, fromSample) + shift;
      const to = Math.min(startSample + (index + 1) * peakSamples, toSample) + shift;
      const last = Math.min(Math.floor((to - 1) * scale), lastColumn);
      const min = peaks[(index * channels + channel) * 2] as number;
      const max = peaks[(index * channels + channel) * 2 + 1] as number;
      for (let column = Math.min(Math.floor(from * scale), lastColumn); column <= last; column++) {
        if (min < (pairs[column * 2] as number)) pairs[column * 2] = min;
        if (max > (pairs[column * 2 + 1] as number)) pairs[column * 2 + 1] = max;
      }
    }
  }
}
