import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";

/** What figures were measured on. Figures of two machines tell nothing about each other. */
export interface Machine {
  readonly processor: string;
  readonly coreCount: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** Of one minute, before the bench began: above 0.5 something else was running. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    coreCount: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    loadBefore: loadavg()[0] ?? Number.NaN,
  };
}

/** The commit that is measured; `+` behind it: with changes. */
export function readCommit(): string {
  const git = (...args: readonly string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();
  try {
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain") === "" ? "" : "+");
  } catch {
    // A copy without its history.
    return "unknown";
  }
}
