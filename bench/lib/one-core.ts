import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Why nothing can be held to one core here; `undefined`: it can. */
export function whyNotOneCore(): string | undefined {
  return spawnSync("taskset", ["--version"]).status === 0
    ? undefined
    : "taskset is not installed (util-linux): the server may use all cores";
}

/** What goes in front of a command to hold it, and all that it starts, to one core; nothing where that cannot be. */
export function oneCoreLauncher(): readonly string[] {
  return whyNotOneCore() === undefined ? ["taskset", "--cpu-list", String(lastCore())] : [];
}

/** The last core that this process may use: the first one often has the interrupts. */
function lastCore(): number {
  const [, list = "0"] = /^Cpus_allowed_list:\s+(\S+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(list.split(/[,-]/).at(-1));
}
