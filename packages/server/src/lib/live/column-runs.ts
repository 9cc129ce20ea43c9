import type { ColumnRun } from "./binary-messages.ts";

/** A column of a spectrum in its place. */
export interface Column {
  /** First sample. */
  readonly start: number;
  /** One value per bin. */
  readonly levels: Uint8Array;
}

/** Puts columns together that follow each other. @param maxCount - columns of a run at most; default: all */
export function joinColumns(
  columns: readonly Column[],
  columnSamples: number,
  maxCount = Number.POSITIVE_INFINITY,
): readonly ColumnRun[] {
  const runs: { start: number; columnSamples: number; columns: Uint8Array[] }[] = [];
  for (const { start, levels } of columns) {
    const run = runs.at(-1);
    const isNext = run !== undefined && start === run.start + run.columns.length * columnSamples;
    if (isNext && run.columns.length < maxCount) run.columns.push(levels);
    else runs.push({ start, columnSamples, columns: [levels] });
  }
  return runs;
}
