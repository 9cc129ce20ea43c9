import { readFileSync } from "node:fs";

/** Linux counts processor time in hundredths of a second. */
const ticksPerSecond = 100;

/** What a process has used so far. */
export interface ProcessUsage {
  /** All threads, user and system. */
  readonly cpuMs: number;
  /** The main thread alone: the one that reads sockets. */
  readonly mainThreadCpuMs: number;
  readonly rssBytes: number;
}

/** Reads the usage of a process from `/proc`. */
export function readProcessUsage(pid: number): ProcessUsage {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssKiB = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  return {
    cpuMs: cpuMs(`/proc/${pid}/stat`),
    mainThreadCpuMs: cpuMs(`/proc/${pid}/task/${pid}/stat`),
    rssBytes: rssKiB * 1024,
  };
}

function cpuMs(statPath: string): number {
  // The second field is the name in parentheses, which may hold spaces.
  const fields = readFileSync(statPath, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const [userTicks = 0, systemTicks = 0] = fields.slice(11, 13).map(Number);
  return ((userTicks + systemTicks) * 1000) / ticksPerSecond;
}
