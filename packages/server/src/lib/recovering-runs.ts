import { join } from "node:path";
import type { AbandonedSessions } from "./abandoned-sessions.ts";
import type { EndedSessions } from "./ended-sessions.ts";
import type { Finisher } from "./finishing/finisher.ts";
import { recoverSegments } from "./finishing/recovery-store.ts";
import { frameLogPath } from "./ingesting.ts";
import { toError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import type { SegmentPipeline } from "./segment-pipeline.ts";
import { readBootId } from "./storage/boot-id-store.ts";

export interface RunRecoveryOptions {
  readonly dataPath: string;
  readonly finisher: Finisher;
  readonly pipeline: SegmentPipeline;
  readonly endedSessions: EndedSessions;
  readonly abandonedSessions: AbandonedSessions;
  readonly log: Log;
  /** Aborted when the server stops: the rest is left to the next start. */
  readonly stopping: AbortSignal;
}

/**
 * Finishes what an ingest worker that ended by itself left open, while the others go on. Until that is listed no session is
 * told to those that come back. Never rejects. [S-3.3]
 */
export async function recoverRun(runId: string, options: RunRecoveryOptions): Promise<void> {
  const { dataPath, finisher, pipeline, endedSessions, abandonedSessions, log, stopping } = options;
  const listed = endedSessions.expect();
  try {
    const { recoveredCount } = await recoverSegments({
      receivedPath: join(dataPath, "received"),
      frameLogFolder: frameLogPath(dataPath),
      isLeftAlone: (other) => other !== runId,
      isOnItsWay: (name) => pipeline.isOnItsWay(name),
      bootId: readBootId(),
      // None of its own can be missing: what it left has not been derived at all.
      wantsWav: false,
      log,
      stopping,
      onListed: listed,
      finish: (segment, isRecovered) => {
        stopping.throwIfAborted();
        return finisher.finish(segment, isRecovered);
      },
    });
    log.info({ recoveredCount }, "what an ingest worker left is recovered");
    await abandonedSessions.lookAgain();
  } catch (thrown) {
    listed(undefined);
    if (!stopping.aborted)
      log.error({ error: toError(thrown).message }, "what an ingest worker left is not recovered: the next start does");
  }
}
