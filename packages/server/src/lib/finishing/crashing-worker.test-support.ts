// Stands for the finisher's worker: it ends its thread in the middle of a segment as often as files beside the segments say.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FinishOutcome } from "./finish-outcome.ts";
import type { FinishJob } from "./finish-segment-store.ts";
import finish from "./finish-worker.ts";

/** Path of the file that lets a thread end. */
export function crashPath(receivedPath: string, session: string, turn: number): string {
  return join(receivedPath, `${session}.crash-${turn}`);
}

/** Path of the file that keeps a session's segments in their thread for a while, so that another may end it. */
export function stayPath(receivedPath: string, session: string): string {
  return join(receivedPath, `${session}.stays`);
}

/** Turns of the loop: what waits for the thread comes within a few. */
const stayTurnCount = 10_000;

export default async (job: FinishJob | null): Promise<FinishOutcome> => {
  if (job === null) return finish(job);
  const { session } = job.segment.opening.session;
  const paths = [0, 1, 2].map((turn) => crashPath(job.receivedPath, session, turn));
  const next = paths.find((path) => existsSync(path));
  if (next !== undefined) {
    rmSync(next);
    return process.exit(7);
  }
  if (existsSync(stayPath(job.receivedPath, session)))
    for (let turn = 0; turn < stayTurnCount; turn += 1) await nextTurn();
  return finish(job);
};
