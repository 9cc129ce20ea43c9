import { LimitTally } from "../kernel/limit-tally.ts";
import type { Log } from "../kernel/log.ts";
import { type ApiLimits, defaultApiLimits } from "./api-limits.ts";
import { ReaderWatch } from "./reader-watch.ts";
import { WorkSlots } from "./work-slots.ts";

/** Of those that are drawn: a page asks for a few at once, and soon gives up those that it does not show any more. */
const waitingPicturesPerPicture = 8;

export interface ApiLoadOptions {
  readonly log: Log;
  /** See {@link ReaderWatch}. */
  readonly maxReaderIdleMs?: number | undefined;
  /** Default {@link defaultApiLimits}. */
  readonly limits?: ApiLimits | undefined;
  /** Where refusals are counted; default: one of its own. */
  readonly tally?: LimitTally | undefined;
}

/** What bounds the API's clients, all together. */
export interface ApiLoad {
  readonly limits: ApiLimits;
  readonly tally: LimitTally;
  readonly readers: ReaderWatch;
  /** Each holds a few hundred KiB and reads a disk. */
  readonly exports: WorkSlots;
  /** Each may hold 60 MB of samples, and shares two threads with the others. */
  readonly pictures: WorkSlots;
}

/** Made once for a server. */
export function createApiLoad(options: ApiLoadOptions): ApiLoad {
  const { log, maxReaderIdleMs, limits = defaultApiLimits, tally = new LimitTally() } = options;
  const exports = new WorkSlots({
    maxCount: () => limits.maxExports,
    ...{ code: "EXPORT_LIMIT", what: "exports are running" },
  });
  const pictures = new WorkSlots({
    maxCount: () => limits.maxPictures,
    maxWaitingCount: () => limits.maxPictures * waitingPicturesPerPicture,
    ...{ code: "PICTURE_LIMIT", what: "pictures are being drawn" },
  });
  tally.show("EXPORT_LIMIT", () => ({ used: exports.count, allowed: limits.maxExports }));
  tally.show("PICTURE_LIMIT", () => ({ used: pictures.count, allowed: limits.maxPictures }));
  const readers = new ReaderWatch({ log, maxIdleMs: maxReaderIdleMs });
  return { limits, tally, readers, exports, pictures };
}
