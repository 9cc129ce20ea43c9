// Stands for the finisher's worker: it ends its thread in the middle of a segment as often as files beside the segments say.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { FinishOutcome } from "./finish-outcome.ts";
import type { FinishJob } from "./finish-segment-store.ts";
import finish from "./finish-worker.ts";

/** Path of the file that lets a thread end. */
export function crashPath(receivedPath: string, session: string, turn: number): string {
  return join(receivedPath, `${session}.crash-${turn}`);
}

export default async (job: FinishJob | null): Promise<FinishOutcome> => {
  if (job === null) return finish(job);
  const paths = [0, 1, 2].map((turn) => crashPath(job.receivedPath, job.segment.opening.session.session, turn));
  const next = paths.find((path) => existsSync(path));
  if (next === undefined) return finish(job);
  rmSync(next);
  return process.exit(7);
};
