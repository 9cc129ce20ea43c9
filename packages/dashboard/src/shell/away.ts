import { computed, type ReadonlySignal } from "@preact/signals";
import { isReachable, isRefused, live, nowMs } from "../api/page-live.ts";
import { whenLost } from "./when-lost.ts";

/** A server that starts again is back before this has passed: nobody need be told that all is unknown. */
const patienceMs = 3_000;

let lostMs: number | undefined;

/**
 * Since when the server is away, ms since 1970: what the page shows of it is as old as that. `undefined` while it is
 * there, and in the first seconds without it.
 */
export const awaySinceMs: ReadonlySignal<number | undefined> = computed(() => {
  // Who only cannot follow it live still reads how it fares.
  const state = isRefused.value ? "idle" : live.state.value;
  lostMs = whenLost(lostMs, state, isReachable.value, nowMs.value);
  return lostMs !== undefined && nowMs.value - lostMs >= patienceMs ? lostMs : undefined;
});
