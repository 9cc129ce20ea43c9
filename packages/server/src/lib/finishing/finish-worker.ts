import { type FinishJob, finishSegment } from "./finish-segment-store.ts";

/** Entry of the worker threads: one segment per call. */
export default (job: FinishJob) => finishSegment(job);
