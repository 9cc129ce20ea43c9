import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * Identity of the running kernel: the same as long as the page cache has not been lost. Where the system does not tell
 * (not Linux), each call gives a new one, so that recovery takes the careful way. [S-3.1]
 */
export function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return randomUUID();
  }
}
