import type { Device } from "@eet/server/api-types";

/** How a device fares, in one word; in order of how much it needs a person. */
export const deviceStates = ["clipping", "gap", "silent", "offline", "live"] as const;

/** One of {@link deviceStates}. */
export type DeviceState = (typeof deviceStates)[number];

/** What was heard of a device while it was on screen; times are ms since 1970. */
export interface HeardMarks {
  readonly clippedMs: number;
  readonly gapMs: number;
  /** Since when there was nothing but quiet; 0: there is more. */
  readonly quietSinceMs: number;
  readonly heardMs: number;
}

/** How long what passes is shown. */
const holdMs = 8_000;
/** So long it has to be quiet to be called silent. */
const quietAfterMs = 10_000;
/** Devices without an id tell only by their segments that they are there. */
const anonymousOnlineMs = 60_000;

const stateOfCondition: Readonly<Record<string, DeviceState>> = {
  clipping: "clipping",
  "no-data": "gap",
  dead: "silent",
  "stuck-dc": "silent",
};

/** How bad a condition is, the worst 0: those that make a state as the states are, the others before being offline. */
export function badnessOf(condition: string): number {
  const state = stateOfCondition[condition];
  return deviceStates.indexOf(state ?? "offline") - (state === undefined ? 0.5 : 0);
}

/** What the server found of a device that makes no state of its own, in words. */
export function listRemarks(device: Pick<Device, "health">): readonly string[] {
  return device.health
    .filter(({ condition }) => stateOfCondition[condition] === undefined)
    .map(({ condition }) => nameCondition(condition));
}

/** What conditions are called, for people. */
const conditionNames: Readonly<Record<string, string>> = {
  clipping: "clipping",
  "no-data": "sends nothing",
  dead: "digital silence",
  "stuck-dc": "stuck at one value",
  "hum-only": "hum only",
  "far-below-baseline": "quieter than usual",
  "wrong-rate": "wrong sample rate",
  drift: "clock drifts",
};

/** Such as `digital silence` for `dead`. */
export function nameCondition(condition: string): string {
  return conditionNames[condition] ?? condition.replaceAll("-", " ");
}

/** Whether it is connected, as far as that is known. */
export function isOnline({ online, last_seen }: Pick<Device, "online" | "last_seen">, nowMs: number): boolean {
  return online ?? nowMs - Date.parse(last_seen) < anonymousOnlineMs;
}

/** Judges a device by what the server found over minutes, and by what was heard of it in the last seconds. */
export function stateOf(device: Device, heard: HeardMarks | undefined, nowMs: number): DeviceState {
  if (!isOnline(device, nowMs)) return "offline";
  const held = device.health.map(({ condition }) => stateOfCondition[condition]);
  if (held.includes("clipping") || isRecent(heard?.clippedMs, nowMs)) return "clipping";
  if (held.includes("gap") || isRecent(heard?.gapMs, nowMs)) return "gap";
  const quietSinceMs = heard?.quietSinceMs ?? 0;
  const isQuiet = quietSinceMs > 0 && nowMs - quietSinceMs > quietAfterMs && isRecent(heard?.heardMs, nowMs);
  return held.includes("silent") || isQuiet ? "silent" : "live";
}

function isRecent(timeMs: number | undefined, nowMs: number): boolean {
  return timeMs !== undefined && timeMs > 0 && nowMs - timeMs < holdMs;
}
