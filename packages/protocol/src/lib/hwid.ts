import { limits } from "./limits.ts";

/** Ids that no device may have: `/ws/echo` is an endpoint. [P-1.8] */
const reservedHwids: ReadonlySet<string> = new Set(["echo"]);

/** A device id in its stored form: 1 to 64 of `[A-Za-z0-9_-]`. */
export type Hwid = string & { readonly __brand: "hwid" };

/**
 * Brings a device id into the form it is stored and authorised by: `:` and `.` become `_`. [P-1.8]
 *
 * @param raw - as it stands in the URL, not percent-decoded
 * @returns `undefined` when it holds any other character or `..`, is empty or too long, or is reserved
 */
export function sanitizeHwid(raw: string): Hwid | undefined {
  if (raw.length === 0 || raw.length > limits.maxHwidLength) return undefined;
  // No id of a device has this; a path that climbs out of its folder does.
  if (raw.includes("..")) return undefined;
  const hwid = raw.replaceAll(/[:.]/g, "_");
  if (!/^[A-Za-z0-9_-]+$/.test(hwid) || reservedHwids.has(hwid)) return undefined;
  return hwid as Hwid;
}
