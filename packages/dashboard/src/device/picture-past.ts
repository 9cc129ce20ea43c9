import type { LiveStream, PastMessage, SpectrumBinCount } from "@eet/server/api-types";
import {
  type DeviceLevels,
  liveKinds,
  parseDeviceLevels,
  parseSpectrum,
  type SpectrumColumns,
} from "../api/live-frames.ts";
import type { LiveSubscription } from "../api/live-socket.ts";
import { live } from "../api/page-live.ts";
import { type ColumnSpan, type PictureTile, tileColumnCount } from "./picture-tile.ts";

/** Between looks at a tile of which not all is written yet. */
const waitsMs = [300, 700, 1_500, 3_000, 8_000];
/** Between looks at a tile in which nothing is missing. */
const restMs = 500;

/** Where a tile stands in what is live. */
export interface PastPlace {
  readonly hwid: string;
  readonly stream: LiveStream;
  /** Column of the session's first sample. */
  readonly sessionColumn: number;
  /** Behind the newest column that came live. */
  readonly endColumn: number;
  readonly samplesPerColumn: number;
  readonly binCount: SpectrumBinCount;
}

/** Takes what was received before. */
export interface PastTaker {
  takePastSpectrum(session: string, columns: SpectrumColumns): void;
  takePastLevels(session: string, levels: DeviceLevels): void;
}

interface Attempts {
  count: number;
  nextMs: number;
}

/** Fills tiles with what a session received before anybody looked and the archive does not have yet, one at a time. */
export class PicturePast {
  readonly #taker: PastTaker;
  readonly #attempts = new WeakMap<PictureTile, Attempts>();
  #subscription: LiveSubscription | undefined;

  constructor(taker: PastTaker) {
    this.#taker = taker;
  }

  /** Asks for what is missing of a tile that is on screen, if it is time to. */
  want(tile: PictureTile, place: PastPlace): void {
    const attempts = this.#attempts.get(tile) ?? { count: 0, nextMs: 0 };
    const now = performance.now();
    if (this.#subscription !== undefined || now < attempts.nextMs) return;
    this.#attempts.set(tile, attempts);
    const firstColumn = tile.index * tileColumnCount;
    const missing = tile.findMissing(place.sessionColumn - firstColumn, place.endColumn - firstColumn);
    if (missing === undefined) attempts.nextMs = now + restMs;
    else this.#ask(tile, place, missing, attempts);
  }

  /** Lets go of what is asked for: other audio is shown. */
  close(): void {
    this.#subscription?.close();
    this.#subscription = undefined;
  }

  #ask(tile: PictureTile, place: PastPlace, missing: ColumnSpan, attempts: Attempts): void {
    const { hwid, stream, samplesPerColumn, sessionColumn, binCount } = place;
    const sampleOf = (column: number) => (tile.index * tileColumnCount + column - sessionColumn) * samplesPerColumn;
    const subscription = live.subscribe(
      {
        ...{ type: "past", hwid, session: stream.session, spectrum_bins: binCount },
        ...{ from_sample: sampleOf(missing.from), to_sample: sampleOf(missing.to) },
      },
      {
        onMessage: (message) => {
          if (message.type !== "past" || this.#subscription !== subscription) return;
          this.close();
          const isWhole = this.#note(tile, place, missing, message);
          attempts.nextMs = isWhole
            ? 0
            : performance.now() + (waitsMs[Math.min(attempts.count, waitsMs.length - 1)] ?? 0);
          attempts.count = isWhole ? 0 : attempts.count + 1;
        },
        onBinary: (message) => {
          if (this.#subscription === subscription) this.#take(stream.session, message);
        },
      },
    );
    this.#subscription = subscription;
  }

  /** What still misses in front of the end of an answer was not received, or is the archive's. @returns whether that is all */
  #note(
    tile: PictureTile,
    { sessionColumn, samplesPerColumn }: PastPlace,
    { from, to }: ColumnSpan,
    answer: PastMessage,
  ): boolean {
    const answered = sessionColumn + Math.round(answer.to_sample / samplesPerColumn) - tile.index * tileColumnCount;
    tile.noteAsked(from, Math.min(to, answered));
    return answered >= to;
  }

  #take(session: string, message: DataView<ArrayBuffer>): void {
    const kind = message.getUint8(0);
    if (kind === liveKinds.spectrum) this.#taker.takePastSpectrum(session, parseSpectrum(message));
    if (kind === liveKinds.deviceLevels) this.#taker.takePastLevels(session, parseDeviceLevels(message));
  }
}
