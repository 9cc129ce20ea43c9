import { readdirSync, readFileSync } from "node:fs";

/**
 * A process and all that it and those have started, from `/proc`: parents before their children. Those that end meanwhile are
 * left out.
 *
 * @throws Error when there is no such process
 */
export function processTree(rootPid: number): readonly number[] {
  const parents = new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), readParent(Number(name))]),
  );
  if (parents.get(rootPid) === undefined) throw new Error(`there is no process ${rootPid}`);
  const tree = new Set([rootPid]);
  // A Set visits what is added on the way: children of children, too.
  for (const parent of tree) for (const [pid, parentPid] of parents) if (parentPid === parent) tree.add(pid);
  return [...tree];
}

function readParent(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything; state and parent follow.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}
