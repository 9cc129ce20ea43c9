import { readFileSync, writeFileSync } from "node:fs";
import { processTree } from "../../test/support/process-tree.ts";

/** Linux counts processor time in hundredths of a second. */
const ticksPerSecond = 100;

/** What a process and all that it started have used so far. */
export interface ProcessUsage {
  /** All threads of all processes of the tree, user and system; those that have ended included. */
  readonly cpuMs: number;
  /** The first process' main thread alone: the one that reads sockets, where no other does. */
  readonly mainThreadCpuMs: number;
  /** Of all processes of the tree together; memory that they share counts for each. */
  readonly rssBytes: number;
  readonly processCount: number;
}

/** A line of `/proc/{pid}/stat`. */
interface ProcessStat {
  readonly cpuMs: number;
  /** Of children that have ended and were waited for, and of theirs. */
  readonly endedChildrenCpuMs: number;
}

/** Reads the usage of a process and its descendants from `/proc`. @throws Error when there is no such process */
export function readProcessUsage(pid: number): ProcessUsage {
  const tree = processTree(pid);
  const stats = tree.map(readStat).filter((stat) => stat !== undefined);
  return {
    cpuMs: sum(stats.map(({ cpuMs, endedChildrenCpuMs }) => cpuMs + endedChildrenCpuMs)),
    mainThreadCpuMs: parseStat(readFileSync(`/proc/${pid}/task/${pid}/stat`, "utf8")).cpuMs,
    rssBytes: sum(tree.map(readRssBytes)),
    processCount: stats.length,
  };
}

/** Watches for the most memory that a process holds at once, without looking in between: Linux keeps count. */
export class PeakMemory {
  readonly #pid: number;
  readonly #beganBytes: number;

  /** Begins now. @throws Error when there is no such process, or it is another user's */
  constructor(pid: number) {
    this.#pid = pid;
    // 5: the most so far is what is held now.
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
    this.#beganBytes = readStatusBytes(pid, "VmRSS");
  }

  /** By how much it held more than when this began, at most; the process alone, without what it started. */
  growthBytes(): number {
    return readStatusBytes(this.#pid, "VmHWM") - this.#beganBytes;
  }
}

function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

function readRssBytes(pid: number): number {
  try {
    return readStatusBytes(pid, "VmRSS");
  } catch {
    return 0;
  }
}

function readStatusBytes(pid: number, name: "VmRSS" | "VmHWM"): number {
  const [, kib = 0] = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1024;
}

function parseStat(text: string): ProcessStat {
  // The second field is the name in parentheses, which may hold spaces and parentheses.
  const fields = text
    .replace(/^.*\) /s, "")
    .split(" ")
    .map(Number);
  const [userTicks = 0, systemTicks = 0, childUserTicks = 0, childSystemTicks = 0] = fields.slice(11, 15);
  return {
    cpuMs: ((userTicks + systemTicks) * 1000) / ticksPerSecond,
    endedChildrenCpuMs: ((childUserTicks + childSystemTicks) * 1000) / ticksPerSecond,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
