import type { RangePlan } from "./range-plan.ts";

/**
 * Columns that a stretch of a range lies in.
 *
 * @param from - grid index within the range, as `to`
 * @returns first column, and the one behind the last
 */
export function columnSpan(plan: Pick<RangePlan, "from" | "to">, width: number, from: number, to: number) {
  const scale = width / (plan.to - plan.from);
  const first = Math.min(Math.floor((from - plan.from) * scale), width - 1);
  const last = Math.min(Math.floor((to - 1 - plan.from) * scale), width - 1);
  return [first, last + 1] as const;
}
