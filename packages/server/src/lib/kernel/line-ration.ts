import type { Clock } from "./clock.ts";

/** Time for which a ration is. */
const intervalMs = 60_000;
/** Kinds that are told apart. */
const maxKindCount = 100;

export interface LineRationOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Lines of one kind in a minute; default 1. */
  readonly maxLines?: number;
}

/** What a line says besides: how many of its kind were left out since the one before. */
export type LeftOut = Readonly<{ moreBefore?: number }>;

/** Bounds the lines of a log that strangers cause: so many of each kind a minute, what is left out is counted. */
export class LineRation {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #maxLines: number;
  readonly #kinds = new Map<string, { untilMs: number; lineCount: number; leftOutCount: number }>();

  constructor({ clock, maxLines = 1 }: LineRationOptions) {
    this.#clock = clock;
    this.#maxLines = maxLines;
  }

  /** @returns what to add to a line of this kind; `undefined`: it is to be left out */
  take(kind: string): LeftOut | undefined {
    const nowMs = this.#clock.monotonicMs();
    const ration = this.#kinds.get(kind);
    if (ration === undefined || nowMs >= ration.untilMs) {
      const moreBefore = ration?.leftOutCount ?? 0;
      if (ration === undefined && this.#kinds.size >= maxKindCount) this.#kinds.clear();
      this.#kinds.set(kind, { untilMs: nowMs + intervalMs, lineCount: 1, leftOutCount: 0 });
      return moreBefore === 0 ? {} : { moreBefore };
    }
    if (ration.lineCount < this.#maxLines) {
      ration.lineCount += 1;
      return {};
    }
    ration.leftOutCount += 1;
    return undefined;
  }
}
