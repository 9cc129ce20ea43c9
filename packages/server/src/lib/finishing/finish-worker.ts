import { flushCompileCache } from "node:module";
import { constants, setPriority } from "node:os";
import { captureOutcome } from "./finish-outcome.ts";
import type { FinishJob } from "./finish-segment-store.ts";

// Deriving can wait, frames and their acknowledgements cannot. On Linux a thread has a priority of its own, elsewhere this
// would be the whole process's.
if (process.platform === "linux") setPriority(constants.priority.PRIORITY_LOW);

// The pool takes a file that can be required by `require`. Ended in the midst of that, as when the server stops right after
// its start, a thread takes the whole process along (an assertion in Node's loader); while it imports, it does not. A module
// that awaits cannot be required.
const { finishInThread } = await import("./finish-segment-store.ts");
// As in the process: a thread that ends with a killed server keeps nothing.
flushCompileCache();

/** Entry of the worker threads: one segment per call. Without a segment it does nothing, but a thread has started. */
export default (job: FinishJob | null) => captureOutcome(async () => (job === null ? null : finishInThread(job)));
