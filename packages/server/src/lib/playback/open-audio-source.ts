import { join } from "node:path";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import type { PastAsk, PastPicture } from "../live/past-meter.ts";
import type { FrameIndex } from "./open-audio.ts";
import type { PlaybackThreads } from "./playback-threads.ts";

/** Looks at segments that are still being written, in a thread. What it remembers of one goes with its opening. */
export class OpenAudioSource {
  readonly #receivedPath: string;
  readonly #threads: PlaybackThreads;
  readonly #indexes = new WeakMap<SegmentOpening, FrameIndex>();

  /** @param receivedPath - `data/received` */
  constructor(receivedPath: string, threads: PlaybackThreads) {
    this.#receivedPath = receivedPath;
    this.#threads = threads;
  }

  /** @throws Error when a file cannot be read, but for one that is not there; LimitError `THREAD_ENDED` */
  async read({ openings, ...range }: PastAsk): Promise<PastPicture> {
    const segments = openings.map((opening) => ({
      opening,
      basePath: join(this.#receivedPath, opening.folder, opening.name),
      index: this.#indexes.get(opening),
    }));
    const { picture, indexes } = await this.#threads.measureOpen({ ...range, segments });
    for (const [place, opening] of openings.entries()) {
      const index = indexes[place];
      if (index !== undefined) this.#indexes.set(opening, index);
    }
    return picture;
  }
}
