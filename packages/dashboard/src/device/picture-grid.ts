/** Of a picture, about: as many as whole samples allow. */
export const columnsPerSecond = 20;

/** Samples per channel that a column stands for. */
export function columnSampleCount(sampleRateHz: number): number {
  return Math.round(sampleRateHz / columnsPerSecond);
}

/** Length of a column, ms: the same of what is live and of what is recorded. */
export function columnLengthMs(sampleRateHz: number): number {
  return (columnSampleCount(sampleRateHz) * 1000) / sampleRateHz;
}

/** Columns of a picture on the time line: they keep their places while sessions come and go. */
export class PictureGrid {
  readonly #originMs: number;
  /** Length of a column, ms. */
  readonly columnMs: number;

  /** @param originMs - where column 0 begins, ms since 1970 */
  constructor(originMs: number, columnMs: number) {
    this.#originMs = originMs;
    this.columnMs = columnMs;
  }

  /** The column of a moment, with a fraction. */
  columnAt(timeMs: number): number {
    return (timeMs - this.#originMs) / this.columnMs;
  }

  /** Where a column begins, ms since 1970. */
  timeOf(column: number): number {
    return this.#originMs + column * this.columnMs;
  }

  /** Column of the first sample of a session: half a column from its true place at most. */
  firstColumnOf(startMs: number): number {
    return Math.round(this.columnAt(startMs));
  }
}
