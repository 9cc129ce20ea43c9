import { systemErrorCode, toError } from "../kernel/errors.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";

/** What a worker thread gives back: an error that crosses between threads by itself loses its code. */
export type FinishOutcome =
  /** `null`: the segment held no frame. */
  | { readonly kind: "finished"; readonly finished: FinishedSegment | null }
  | { readonly kind: "failed"; readonly message: string; readonly code: string | undefined };

/** Runs `finish` and gives what it returns or throws as plain facts. */
export async function captureOutcome(finish: () => Promise<FinishedSegment | null>): Promise<FinishOutcome> {
  try {
    return { kind: "finished", finished: await finish() };
  } catch (thrown) {
    const error = toError(thrown);
    return { kind: "failed", message: error.message, code: systemErrorCode(error) };
  }
}

/**
 * The finished segment of an outcome.
 *
 * @throws an Error with the message and the `code` of the one that was caught
 */
export function readOutcome(outcome: FinishOutcome): FinishedSegment | null {
  if (outcome.kind === "finished") return outcome.finished;
  const { message, code } = outcome;
  throw Object.assign(new Error(message), code !== undefined && { code });
}

/** Codes of errors whose reason may pass without anybody's doing: room returns, files are closed, a disk recovers. */
const passingCodes: ReadonlySet<string> = new Set([
  ...["ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "EAGAIN", "EIO"],
  // No thread could be started: as a rule for want of file descriptors.
  "ERR_WORKER_INIT_FAILED",
  // The catalogue's, for the same reasons.
  ...["STORAGE_FULL", "STORAGE_IO"],
]);

/** True when what failed may succeed later as it is. */
export function isPassing(error: Error): boolean {
  return passingCodes.has(systemErrorCode(error) ?? "");
}
