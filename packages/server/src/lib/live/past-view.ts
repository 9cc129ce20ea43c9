import { flagsOf, formatDeviceLevels, formatSpectrum } from "./binary-messages.ts";
import { centiDb } from "./decibels.ts";
import type { LevelBlock } from "./level-blocks.ts";
import type { LiveHub, Ticking } from "./live-hub.ts";
import type { PastRequest, PastSecond } from "./live-messages.ts";
import type { PastPicture } from "./past-meter.ts";
import type { ViewerPort } from "./viewer-port.ts";

/** Blocks that a peak is held for: 2 s. */
const holdBlockCount = 20;

/** Answers one look into the past, as fast as the viewer reads: nothing of it is left out. */
export class PastView implements Ticking {
  readonly #request: PastRequest;
  readonly #hub: LiveHub;
  readonly #port: ViewerPort;
  readonly #onEnd: () => void;
  /** What is still to be sent. */
  #messages: Iterator<Uint8Array> | undefined;
  #picture: PastPicture | undefined;
  #isClosed = false;

  /** @param onEnd - called when all is sent */
  constructor(request: PastRequest, hub: LiveHub, port: ViewerPort, onEnd: () => void) {
    this.#request = request;
    this.#hub = hub;
    this.#port = port;
    this.#onEnd = onEnd;
    void hub.readPast(request, () => !this.#isClosed).then((picture) => this.#begin(picture));
  }

  #begin(picture: PastPicture | undefined): void {
    if (this.#isClosed) return;
    this.#picture = picture;
    this.#messages = picture === undefined ? [].values() : formatPicture(this.#request.id, picture);
    this.#hub.add(this);
  }

  tick(): void {
    while (this.#messages !== undefined && this.#port.hasRoom) {
      const { value: message, done } = this.#messages.next();
      if (done === true) this.#end();
      else this.#port.show(() => message);
    }
  }

  #end(): void {
    const { id, hwid, session, from_sample } = this.#request;
    const { fromSample = from_sample, toSample = fromSample, seconds } = this.#picture ?? {};
    this.close();
    this.#port.tell({
      ...{ type: "past", id, hwid, session, from_sample: fromSample, to_sample: toSample },
      ...(seconds && { seconds: seconds.map(formatSecond) }),
    });
    this.#onEnd();
  }

  close(): void {
    this.#isClosed = true;
    this.#messages = undefined;
    this.#hub.remove(this);
  }
}

function formatSecond(level: LevelBlock | null): PastSecond {
  if (level === null) return { peak_dbfs: null, flags: 0 };
  return { peak_dbfs: centiDb(Math.max(...level.peaks)) / 100, flags: flagsOf(level) };
}

function* formatPicture(id: number, { runs, blocks }: PastPicture): Generator<Uint8Array, undefined> {
  for (const run of runs) yield formatSpectrum(id, run);
  const last: LevelBlock[] = [];
  for (const block of blocks) {
    last.push(block);
    if (last.length > holdBlockCount) last.shift();
    yield formatDeviceLevels(id, block, highestPeaks(last));
  }
  return undefined;
}

function highestPeaks(blocks: readonly LevelBlock[]): readonly number[] {
  const channelCount = blocks[0]?.peaks.length ?? 0;
  return Array.from({ length: channelCount }, (_, channel) =>
    Math.max(...blocks.map(({ peaks }) => peaks[channel] ?? 0)),
  );
}
