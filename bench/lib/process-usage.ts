import { readdirSync, readFileSync } from "node:fs";

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
  readonly parentPid: number;
  readonly cpuMs: number;
  /** Of children that have ended and were waited for, and of theirs. */
  readonly endedChildrenCpuMs: number;
}

/** Reads the usage of a process and its descendants from `/proc`. @throws Error when there is no such process */
export function readProcessUsage(pid: number): ProcessUsage {
  const tree = readTree(pid);
  const stats = [...tree.values()];
  return {
    cpuMs: sum(stats.map(({ cpuMs, endedChildrenCpuMs }) => cpuMs + endedChildrenCpuMs)),
    mainThreadCpuMs: parseStat(readFileSync(`/proc/${pid}/task/${pid}/stat`, "utf8")).cpuMs,
    rssBytes: sum([...tree.keys()].map(readRssBytes)),
    processCount: stats.length,
  };
}

function readTree(rootPid: number): ReadonlyMap<number, ProcessStat> {
  const root = readStat(rootPid);
  if (root === undefined) throw new Error(`there is no process ${rootPid}`);
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): [number, ProcessStat][] => {
      const stat = readStat(Number(name));
      return stat === undefined ? [] : [[Number(name), stat]];
    });
  const tree = new Map([[rootPid, root]]);
  // A Map visits what is added on the way: children of children, too.
  for (const parent of tree.keys()) for (const [pid, stat] of all) if (stat.parentPid === parent) tree.set(pid, stat);
  return tree;
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
    const [, rssKiB = 0] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(rssKiB) * 1024;
  } catch {
    return 0;
  }
}

function parseStat(text: string): ProcessStat {
  // The second field is the name in parentheses, which may hold spaces and parentheses.
  const fields = text
    .replace(/^.*\) /s, "")
    .split(" ")
    .map(Number);
  const [userTicks = 0, systemTicks = 0, childUserTicks = 0, childSystemTicks = 0] = fields.slice(11, 15);
  return {
    parentPid: fields[1] ?? 0,
    cpuMs: ((userTicks + systemTicks) * 1000) / ticksPerSecond,
    endedChildrenCpuMs: ((childUserTicks + childSystemTicks) * 1000) / ticksPerSecond,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
