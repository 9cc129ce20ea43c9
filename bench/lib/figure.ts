/** One number that a bench found. */
export interface Figure {
  /** What was measured, with the circumstances that belong to it: `acks, 500 streams: ack latency p99`. */
  readonly name: string;
  readonly value: number;
  readonly unit: "us" | "ms" | "s" | "cores" | "KiB" | "MiB" | "MB/s" | "1/s" | "x" | "count";
  /** Which way is good; `none` for what only describes the run. */
  readonly better: "less" | "more" | "none";
  /** What it shall be at most, or at least where more is better; left out: nothing was promised. */
  readonly goal?: number;
  /** Least and most of the rounds whose median `value` is; left out: there was one round. */
  readonly spread?: readonly [number, number];
  /** Its place on a curve; left out: it is on none. */
  readonly point?: CurvePoint;
}

/** Where a figure stands on a curve. */
export interface CurvePoint {
  /** Whose curve: a peer's name. */
  readonly line: string;
  /** Streams at once. */
  readonly at: number;
}

/** What a bench found, and whether everything that it stored was as it should be. */
export interface BenchResult {
  readonly figures: readonly Figure[];
  /** False where something was lost, refused or slower than the bench itself demands: its figures then mean little. */
  readonly isSound: boolean;
}

/** Three significant digits, and no more zeros than that takes. */
export function formatValue({ value, unit }: Pick<Figure, "value" | "unit">): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 0.001))));
  const text = unit === "count" ? value.toLocaleString("en") : value.toFixed(Math.min(digits, 3));
  return unit === "count" ? text : `${text} ${unit}`;
}

/** `<= 0.5 x`, `>= 4,000`; empty without a goal. */
export function formatGoal({ goal, unit, better }: Figure): string {
  if (goal === undefined) return "";
  const text = unit === "count" ? goal.toLocaleString("en") : `${goal} ${unit}`;
  return `${better === "more" ? ">=" : "<="} ${text}`;
}

/** `0.41 to 0.47`; empty where there was one round. */
export function formatSpread({ spread, unit }: Figure): string {
  if (spread === undefined) return "";
  const [least, most] = spread.map((value) => formatValue({ value, unit }).replace(` ${unit}`, ""));
  return `${least} to ${most}`;
}

/** Whether a figure is what it shall be; `undefined` without a goal. A figure that is no number has not met it. */
export function meetsGoal({ value, goal, better }: Figure): boolean | undefined {
  if (goal === undefined) return undefined;
  return better === "more" ? value >= goal : value <= goal;
}

/** Median of the rounds, and what lies between the least and the most. @throws RangeError when there are no values */
export function summaryOf(values: readonly number[]): Pick<Figure, "value" | "spread"> {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) throw new RangeError("there is no median of nothing");
  const middle = (sorted.length - 1) / 2;
  const value = ((sorted[Math.floor(middle)] ?? least) + (sorted[Math.ceil(middle)] ?? most)) / 2;
  return sorted.length === 1 ? { value } : { value, spread: [least, most] };
}

/** @param share - 0 to 1 @returns the value that this share of the values does not exceed; `NaN` of none */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
