import pLimit from "p-limit";
import { toError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { RecordingEvent } from "../kernel/recording-events.ts";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { liveLimits, type PastRequest } from "./live-messages.ts";
import { parseHwid } from "./live-request.ts";
import type { PastAsk, PastPicture, ReadPast } from "./past-meter.ts";

/**
 * Segments of a session that are known here: the open one, and those in front that may not be finished. What lies further
 * back is asked of the archive.
 */
const knownSegmentCount = 3;
/** Looks into the past under way at once, of all viewers. */
const maxReadCount = 2;

export interface PastSourceOptions {
  /** Left out: nothing is known of the past. */
  readonly readPast: ReadPast | undefined;
  readonly log: Log;
}

/** What sessions received before somebody looked. Until somebody asks it is a list of names. */
export class PastSource {
  readonly #options: PastSourceOptions;
  /** By session, in order. */
  readonly #openings = new Map<string, readonly SegmentOpening[]>();
  readonly #limit = pLimit(maxReadCount);

  constructor(options: PastSourceOptions) {
    this.#options = options;
  }

  /** Takes what recording tells of segments. */
  takeRecording(event: RecordingEvent): void {
    if (event.type === "session.closed" || event.type === "session.lost") this.#openings.delete(event.session.session);
    if (event.type !== "segment.opened") return;
    const { opening } = event;
    const { session } = opening.session;
    this.#openings.set(session, [...(this.#openings.get(session) ?? []), opening].slice(-knownSegmentCount));
  }

  /**
   * Reads a stretch of a session; of one that is too long its beginning.
   *
   * @param nibbleOrder - how live decodes it, if that is known
   * @param isWanted - asked when it is its turn
   * @returns `undefined` when there is nothing, or it could not be read; never rejects
   */
  async read(
    request: PastRequest,
    nibbleOrder: PastAsk["nibbleOrder"],
    isWanted: () => boolean,
  ): Promise<PastPicture | undefined> {
    const { session, from_sample: fromSample, spectrum_bins: binCount = liveLimits.defaultBinCount } = request;
    const { readPast, log } = this.#options;
    const openings = this.#openings.get(session) ?? [];
    const [first] = openings;
    if (readPast === undefined || first === undefined || first.session.hwid !== parseHwid(request.hwid))
      return undefined;
    const maxSampleCount = Math.floor((liveLimits.maxPastMs * first.session.format.sampleRateHz) / 1000);
    const toSample = Math.min(request.to_sample, fromSample + maxSampleCount);
    try {
      const ask = { openings, fromSample, toSample, binCount, nibbleOrder };
      return await this.#limit(() => (isWanted() ? readPast(ask) : undefined));
    } catch (thrown) {
      if (!isWanted()) return undefined;
      log.warn({ session, error: toError(thrown).message }, "what was received before could not be shown to a viewer");
      return undefined;
    }
  }
}
