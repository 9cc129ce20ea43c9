import { constants, setPriority } from "node:os";
import { captureOutcome } from "./finish-outcome.ts";
import { type FinishJob, finishSegment } from "./finish-segment-store.ts";

// Deriving can wait, frames and their acknowledgements cannot. On Linux a thread has a priority of its own, elsewhere this
// would be the whole process's.
if (process.platform === "linux") setPriority(constants.priority.PRIORITY_LOW);

/** Entry of the worker threads: one segment per call. Without a segment it does nothing, but a thread has started. */
export default (job: FinishJob | null) => captureOutcome(() => (job === null ? null : finishSegment(job)));
