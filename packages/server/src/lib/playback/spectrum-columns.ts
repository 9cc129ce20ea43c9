import { levelOfPower, type Overview, overviewBinCount, powerOfLevel } from "@eet/audio";
import { columnSpan } from "./column-span.ts";
import type { SegmentPart } from "./pcm-reader.ts";
import type { RangePlan } from "./range-plan.ts";

const powers = Float64Array.from({ length: 256 }, (_, level) => powerOfLevel(level));

/** Powers of columns, and how many spectra were added to each. Plain and serialisable. */
export interface PowerSums {
  readonly sums: Float64Array;
  readonly counts: Uint32Array;
}

/** Gathers the spectra of a range's columns from overviews: the mean power of all that lie in a column. */
export class SpectrumColumns {
  readonly #plan: RangePlan;
  readonly #width: number;
  readonly #sums: Float64Array;
  readonly #counts: Uint32Array;

  constructor(plan: RangePlan, width: number) {
    this.#plan = plan;
    this.#width = width;
    this.#sums = new Float64Array(width * overviewBinCount);
    this.#counts = new Uint32Array(width);
  }

  /** @param origin - grid index of the session's first sample */
  add({ columns, columnSamples }: Overview, { segment, fromSample, toSample }: SegmentPart, origin: number): void {
    const { startSample } = segment;
    const last = Math.ceil((toSample - startSample) / columnSamples);
    for (let index = Math.floor((fromSample - startSample) / columnSamples); index < last; index++) {
      const at = index * overviewBinCount;
      // Levels of what was recorded are never 0.
      if (columns[at] === 0) continue;
      const from = Math.max(startSample + index * columnSamples, fromSample) + origin;
      const to = Math.min(startSample + (index + 1) * columnSamples, toSample) + origin;
      const [first, end] = columnSpan(this.#plan, this.#width, from, to);
      for (let column = first; column < end; column++) this.#addTo(column, columns.subarray(at, at + overviewBinCount));
    }
  }

  #addTo(column: number, levels: Uint8Array): void {
    const sums = this.#sums;
    const at = column * overviewBinCount;
    for (let bin = 0; bin < overviewBinCount; bin++) {
      sums[at + bin] = (sums[at + bin] as number) + (powers[levels[bin] as number] as number);
    }
    this.#counts[column] = (this.#counts[column] as number) + 1;
  }

  /** What was gathered. */
  get sums(): PowerSums {
    return { sums: this.#sums, counts: this.#counts };
  }
}

/** Levels of all columns, lowest frequency first; 0 where nothing is recorded. */
export function levelsOf({ sums, counts }: PowerSums): Uint8Array {
  return Uint8Array.from(sums, (sum, index) => {
    const count = counts[Math.floor(index / overviewBinCount)] as number;
    return count === 0 ? 0 : levelOfPower(sum / count);
  });
}
