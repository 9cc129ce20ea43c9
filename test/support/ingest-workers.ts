// What tests know of a server's ingest workers: by its log, and by the system.
import { readFileSync } from "node:fs";
import type { LogLine, ServerProcess } from "./server-process.ts";

const started = "ingest worker takes devices";

/** Process ids of the workers that run, by their places. */
export function workerPids({ lines }: { readonly lines: readonly LogLine[] }): readonly number[] {
  const pids: number[] = [];
  for (const line of lines) if (line.msg === started) pids[Number(line["worker"])] = Number(line["pid"]);
  return pids;
}

/** Ends a worker as a crash would. @returns resolves when the one that takes its place runs */
export async function killWorker(server: ServerProcess, place: number): Promise<void> {
  const pid = workerPids(server)[place];
  if (pid === undefined) throw new RangeError(`there is no worker ${place}`);
  const next = server.nextLine((line) => line.msg === started && line["worker"] === place);
  process.kill(pid, "SIGKILL");
  await next;
}

/** Whether a process runs; one that is dead and that nobody has taken note of does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
