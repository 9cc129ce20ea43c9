import type { Evidence, HealthRule, Reading } from "./health-conditions.ts";

/** How it stands with one condition of one stream. */
export interface ConditionTrack {
  readonly isHeld: boolean;
  /** While it holds: start of the first bad segment, ms since 1970. */
  readonly sinceMs: number;
  /** While it holds: what showed it. */
  readonly evidence: Evidence;
  /** Segments in a row that speak against how it stands. */
  readonly streakCount: number;
  /** Start of the first of them, ms since 1970. */
  readonly streakMs: number;
}

/** Nothing is known yet, so all is well. */
export const freshTrack: ConditionTrack = { isHeld: false, sinceMs: 0, evidence: {}, streakCount: 0, streakMs: 0 };

/** A condition that holds since an earlier run. */
export function heldTrack(sinceMs: number, evidence: Evidence): ConditionTrack {
  return { isHeld: true, sinceMs, evidence, streakCount: 0, streakMs: 0 };
}

/**
 * How it stands after one more segment. It changes only after several in a row that say so; one that says otherwise, or
 * lies between the thresholds, begins the count anew.
 *
 * @param reading - `undefined`: the segment says nothing of it, all stays
 * @param startMs - of the segment, ms since 1970
 */
export function advanceTrack(
  track: ConditionTrack,
  rule: Pick<HealthRule, "enterAt" | "leaveBelow" | "badCount" | "goodCount">,
  reading: Reading | undefined,
  startMs: number,
): ConditionTrack {
  if (reading === undefined) return track;
  const { badness, evidence } = reading;
  const isAgainst = track.isHeld ? badness < rule.leaveBelow : badness >= rule.enterAt;
  if (!isAgainst) return track.streakCount === 0 ? track : { ...track, streakCount: 0 };
  const streakCount = track.streakCount + 1;
  const streakMs = track.streakCount === 0 ? startMs : track.streakMs;
  if (streakCount < (track.isHeld ? rule.goodCount : rule.badCount)) return { ...track, streakCount, streakMs };
  return track.isHeld ? freshTrack : heldTrack(streakMs, evidence);
}
