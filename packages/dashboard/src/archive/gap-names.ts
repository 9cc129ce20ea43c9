import type { Timeline } from "@eet/server/api-types";

/** A stretch that is missing in recordings. */
export type Gap = Timeline["gaps"][number];

/** Why something is missing, for people. */
export const causeNames = {
  "not-received": "not received",
  "device-dropped": "dropped by the device",
  "storage-failed": "storage failed",
} as const;

/** Where a gap lies, ms since 1970. */
export function spanOf({ start, duration_s }: Gap): { readonly fromMs: number; readonly toMs: number } {
  const fromMs = Date.parse(start);
  return { fromMs, toMs: fromMs + duration_s * 1000 };
}

/** The gap at a moment. */
export function gapAt({ gaps }: Pick<Timeline, "gaps">, timeMs: number): Gap | undefined {
  return gaps.find((gap) => timeMs >= spanOf(gap).fromMs && timeMs < spanOf(gap).toMs);
}
