import { levelOfPower, powerOfLevel } from "@eet/audio";

/** Columns of levels that are to have another height. Plain and serialisable. */
export interface UnfoldedRows {
  readonly levels: Uint8Array;
  readonly width: number;
  readonly binCount: number;
  /** Rows. */
  readonly height: number;
}

/** Brings columns of `binCount` levels to `height` rows: the mean power of the bins in a row, or a bin several times. */
export function foldRows({ levels, width, binCount, height }: UnfoldedRows): Uint8Array {
  const bounds = Array.from({ length: height }, (_, row) => boundsOf(row, binCount, height));
  const values = new Uint8Array(width * height);
  for (let column = 0; column < width; column++) {
    const at = column * binCount;
    if (levels[at] === 0) continue;
    bounds.forEach(([from, to], row) => {
      values[column * height + row] =
        to - from === 1 ? (levels[at + from] as number) : meanLevel(levels.subarray(at + from, at + to));
    });
  }
  return values;
}

/** Middle of the bins in a row. */
export function middleBin(row: number, binCount: number, height: number): number {
  const [from, to] = boundsOf(row, binCount, height);
  return (from + to - 1) / 2;
}

function boundsOf(row: number, binCount: number, height: number): readonly [number, number] {
  const from = Math.floor((row * binCount) / height);
  return [from, Math.max(from + 1, Math.floor(((row + 1) * binCount) / height))];
}

function meanLevel(levels: Uint8Array): number {
  return levelOfPower(levels.reduce((sum, level) => sum + powerOfLevel(level), 0) / levels.length);
}
