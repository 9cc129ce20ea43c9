import type { LiveState } from "../api/live-socket.ts";

/**
 * Since when the server is lost, ms since 1970; `undefined`: it is there.
 *
 * @param before - since when it was
 * @param state - while it connects it may be about to be found, or not: what was, is
 */
export function whenLost(
  before: number | undefined,
  state: LiveState,
  isReachable: boolean,
  nowMs: number,
): number | undefined {
  if (!isReachable || state === "waiting") return before ?? nowMs;
  return state === "connecting" ? before : undefined;
}
