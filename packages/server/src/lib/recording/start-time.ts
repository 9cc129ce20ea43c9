import type { WallMs } from "../kernel/clock.ts";
import type { StartTime } from "../kernel/segment-record.ts";

const year2020Ms = Date.UTC(2020, 0, 1);
/** Names and WAV metadata have years of four digits, also for a session that goes on for long. */
const year9000Ms = Date.UTC(9000, 0, 1);
const syncedToleranceMs = 10 * 60 * 1000;

/**
 * Decides which clock a session's start is taken from. [P-3.4]
 *
 * @param deviceMs - the handshake's timestamp, 0 or anything
 * @param arrivalMs - server time at which the first frame was in
 * @param frameMs - length of the first frame
 */
export function decideStartTime(deviceMs: number, arrivalMs: WallMs, frameMs: number): StartTime {
  const serverMs = arrivalMs - frameMs;
  const fromServer = { startMs: serverMs, rule: "server-arrival", deviceMs, serverMs } as const;
  if (deviceMs < year2020Ms) {
    // In milliseconds these are days in 1970; in seconds they are 2001 to 2096.
    const looksLikeSeconds = deviceMs >= 1e9 && deviceMs <= 4e9;
    return { ...fromServer, warning: looksLikeSeconds ? "probably-seconds" : null };
  }
  if (deviceMs >= year9000Ms) return { ...fromServer, warning: "out-of-range" };
  const isSynced = Math.abs(deviceMs - serverMs) <= syncedToleranceMs;
  const rule = isSynced ? "device-synced" : "device-unverified";
  return { startMs: deviceMs, rule, deviceMs, serverMs, warning: null };
}
