import type { Token } from "@eet/server/api-types";
import { formatDuration } from "../format/format-time.ts";

/** What each role may, in words; each may all that those before it may. */
export const roleWords = {
  viewer: "Sees and hears everything: devices, recordings, live audio, events.",
  operator:
    "Also names devices, pins ranges, retries uploads, starts simulated devices, records by this page's microphone.",
  admin: "Also deletes recordings, runs the retention, makes and revokes tokens.",
} as const;

/** One of {@link roleWords}. */
export type RoleName = keyof typeof roleWords;

/** What a token ends in soon is worth a look, ms. */
const soonMs = 3 * 86_400_000;

/** Ids that a pattern is for, in words. */
export function describePattern(pattern: string): string {
  if (pattern === "*") return "every device";
  return /[*?]/.test(pattern) ? `devices ${pattern}` : `the device ${pattern}`;
}

/** Whom a token is for, as the title of what tells of it. */
export function describeHolder({ name, hwid, role, id }: Pick<Token, "name" | "hwid" | "role" | "id">): string {
  if (name !== "") return name;
  if (hwid !== null) return describePattern(hwid);
  return `${role ?? ""} ${id}`.trim();
}

/** When a token ends, in words, and whether that is soon. */
export function describeEnd(
  expires: string | null,
  nowMs: number,
): { readonly text: string; readonly isSoon: boolean } {
  if (expires === null) return { text: "does not end", isSoon: false };
  const leftMs = Date.parse(expires) - nowMs;
  return { text: `ends in ${formatDuration(Math.max(60_000, leftMs))}`, isSoon: leftMs < soonMs };
}

/** Whether a token is the last one that lets somebody make tokens. */
export function isLastAdmin(token: Token, all: readonly Token[]): boolean {
  const admins = all.filter(({ role, state }) => role === "admin" && state === "active");
  return token.role === "admin" && admins.length === 1 && admins[0]?.id === token.id;
}
