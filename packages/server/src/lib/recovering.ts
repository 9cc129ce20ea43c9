import { join } from "node:path";
import type { AbandonedSessions } from "./abandoned-sessions.ts";
import type { EndedSessions } from "./ended-sessions.ts";
import type { Finisher } from "./finishing/finisher.ts";
import { recoverSegments } from "./finishing/recovery-store.ts";
import type { IngestHost } from "./hosting/ingest-host.ts";
import { toError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import type { RecoveryState } from "./readiness.ts";
import type { Retaining } from "./retaining.ts";
import { readBootId } from "./storage/boot-id-store.ts";
import type { Uploading } from "./uploading.ts";

export interface RecoveringParts {
  readonly ingest: Pick<IngestHost, "isOwnRun">;
  /** Told how far it is. */
  readonly recovery: { state: RecoveryState };
  readonly finisher: Finisher;
  readonly uploading: Uploading | undefined;
  readonly retaining: Retaining;
  readonly endedSessions: EndedSessions;
  readonly abandonedSessions: AbandonedSessions;
}

export interface RecoveringOptions {
  readonly dataPath: string;
  readonly frameLogFolder: string;
  /** Whether a `.bin` whose WAV is missing gets one. */
  readonly wantsWav: boolean;
  readonly log: Log;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
}

/** Finishes what an earlier run left, then begins what waits for that. Never rejects. [S-3.3] */
export async function recover(
  { ingest, recovery, finisher, uploading, retaining, endedSessions, abandonedSessions }: RecoveringParts,
  { dataPath, frameLogFolder, wantsWav, log, stopping }: RecoveringOptions,
): Promise<void> {
  try {
    const result = await recoverSegments({
      receivedPath: join(dataPath, "received"),
      frameLogFolder,
      isLeftAlone: (runId) => ingest.isOwnRun(runId),
      bootId: readBootId(),
      wantsWav,
      log,
      stopping,
      onListed: (unrecovered) => endedSessions.listed(unrecovered),
      finish: (segment, isRecovered) => {
        // Thrown, so that recovery does not take the rest for finished: the next start goes on with it.
        stopping.throwIfAborted();
        return finisher.finish(segment, isRecovered);
      },
    });
    recovery.state = "done";
    log.info({ ...result }, "recovery done");
    if (!stopping.aborted) abandonedSessions.start();
    await uploading?.catchUp();
  } catch (thrown) {
    endedSessions.listed(undefined);
    if (recovery.state === "running") recovery.state = "stopped";
    if (!stopping.aborted)
      log.error({ error: toError(thrown).message }, "recovery stopped: the next start goes on with it");
  }
  if (!stopping.aborted) retaining.start();
}
