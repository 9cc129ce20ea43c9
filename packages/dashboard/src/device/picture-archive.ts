import type { Timeline } from "@eet/server/api-types";
import { ApiError, apiPath, checkAnswer, readApi } from "../api/api-client.ts";
import { type PictureTile, tileColumnCount } from "./picture-tile.ts";

/** Between the looks at a tile that is not full: what is not closed yet cannot be asked for. */
const firstWaitMs = 4_000;
const waitsMs = [firstWaitMs, 6_000, 8_000, 15_000, 30_000];
/** Behind it nothing is expected any more: longer than a segment is open. */
const settledMs = 3_700_000;
const maxRequestCount = 3;

/** Whose recordings a picture shows. */
export interface PictureSource {
  readonly hwid: string;
  readonly streamId: number;
  /** Recordings of another rate have no place in it. */
  readonly sampleRateHz: number;
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Attempts {
  count: number;
  nextMs: number;
}

/** Fills tiles with what was recorded, as far as it is closed; asks again for what is not. */
export class PictureArchive {
  readonly #binCount: number;
  readonly #attempts = new WeakMap<PictureTile, Attempts>();
  readonly #abort = new AbortController();
  #requestCount = 0;

  constructor(binCount: number) {
    this.#binCount = binCount;
  }

  close(): void {
    this.#abort.abort();
  }

  /**
   * Asks for a tile that is on screen, if it is time to.
   *
   * @param columnCount - of the tile; what lies behind them is still to come
   */
  want(tile: PictureTile, source: PictureSource, span: Span, columnCount: number): void {
    const attempts = this.#attempts.get(tile) ?? { count: 0, nextMs: 0 };
    const now = performance.now();
    if (now < attempts.nextMs || this.#requestCount >= maxRequestCount) return;
    this.#attempts.set(tile, attempts);
    if (tile.isFull(columnCount)) {
      attempts.nextMs = now + firstWaitMs;
      return;
    }
    attempts.nextMs = Number.POSITIVE_INFINITY;
    this.#requestCount += 1;
    void this.#read(tile, source, span).then((isAnswered) => {
      this.#requestCount -= 1;
      const waitMs = waitsMs[Math.min(attempts.count, waitsMs.length - 1)] ?? 0;
      attempts.count += 1;
      const isSettled = isAnswered && span.toMs < Date.now() - settledMs;
      if (!isSettled) attempts.nextMs = performance.now() + waitMs;
    });
  }

  /** @returns false when it failed: a server that is away is told of elsewhere */
  async #read(tile: PictureTile, source: PictureSource, { fromMs, toMs }: Span): Promise<boolean> {
    const { signal } = this.#abort;
    const { hwid, streamId, sampleRateHz } = source;
    const bounds = { from: Math.max(0, fromMs).toFixed(3), to: toMs.toFixed(3), stream: streamId };
    const path = `/devices/${hwid}`;
    try {
      const { segments } = await readApi<{ readonly segments: readonly unknown[] }>(
        "/segments",
        { ...bounds, hwid, limit: 1 },
        signal,
      );
      if (segments.length === 0) return true;
      const range = { ...bounds, width: tileColumnCount };
      const spectrumPath = apiPath(`${path}/spectrogram`, { ...range, height: this.#binCount, format: "raw" });
      const [answer, { peaks }, { gaps }] = await Promise.all([
        fetch(spectrumPath, { signal }).then(checkAnswer),
        readApi<{ readonly peaks: readonly (readonly (number | null)[])[] }>(`${path}/peaks`, range, signal),
        readApi<Timeline>(`${path}/timeline`, bounds, signal),
      ]);
      tile.gaps = gaps;
      const spectrum = new Uint8Array(await answer.arrayBuffer());
      if (Number(answer.headers.get("eet-sample-rate")) === sampleRateHz) tile.fill(spectrum, peaks);
      return true;
    } catch (error) {
      if (!signal.aborted && !(error instanceof ApiError) && !(error instanceof TypeError)) throw error;
      // What a range refuses it refuses the next time too.
      return error instanceof ApiError && error.code.startsWith("RANGE_");
    }
  }
}
