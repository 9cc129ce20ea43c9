import { type ReadonlySignal, signal } from "@preact/signals";
import { apiPath, checkAnswer, describeError } from "../api/api-client.ts";
import { SoundOutput } from "../device/sound-output.ts";
import { type ArchiveSource, findAudio } from "./archive-data.ts";

/** Audio of one request. */
const pieceMs = 8_000;
/** It is asked for when so much is left to play. */
const aheadS = 6;
/** A longer time without any recording is left out. */
const maxHoleMs = 3_000;
/** Between asking for the first piece to be played and its sound. */
const headStartS = 0.08;
/** Where the rate is not known yet. */
const usualRateHz = 48_000;

/** Which moment is heard when, by the player's clock. */
interface Place {
  readonly atS: number;
  readonly timeMs: number;
}

/** Plays recordings on and on from a moment, across segments, without a seam. */
export class ArchivePlayer {
  readonly isPlaying = signal(false);
  /** What keeps it from playing; empty: nothing. */
  readonly problem = signal("");
  readonly #source: () => ArchiveSource;
  readonly #output = new SoundOutput();
  #run = 0;
  #places: Place[] = [];

  /** @param source - asked when playing begins */
  constructor(source: () => ArchiveSource) {
    this.#source = source;
  }

  /** Whether the browser lets nothing be heard: then it needs {@link resume}. */
  get isHeld(): ReadonlySignal<boolean> {
    return this.#output.isHeld;
  }

  /** The moment that is heard; `undefined`: none. */
  get positionMs(): number | undefined {
    const nowS = this.#output.context?.currentTime ?? 0;
    const place = this.#places.findLast(({ atS }) => atS <= nowS) ?? this.#places[0];
    return place && place.timeMs + Math.max(0, nowS - place.atS) * 1000;
  }

  /**
   * To be called by a click or key.
   *
   * @param toMs - where to stop; default: go on
   * @param sampleRateHz - of what is recorded there, as far as it is known
   */
  play(fromMs: number, toMs: number = Number.POSITIVE_INFINITY, sampleRateHz: number = usualRateHz): void {
    this.stop();
    this.problem.value = "";
    this.isPlaying.value = true;
    this.#output.open(sampleRateHz);
    void this.#play(this.#run, Math.max(0, Math.floor(fromMs)), toMs);
  }

  /** To be called by a click or key, where {@link isHeld}. */
  resume(): void {
    this.#output.resume();
  }

  stop(): void {
    this.#run += 1;
    this.#output.shut();
    this.#places = [];
    this.isPlaying.value = false;
  }

  close(): void {
    this.stop();
    this.#output.close();
  }

  async #play(run: number, fromMs: number, toMs: number): Promise<void> {
    let problem = "";
    try {
      await this.#feed(run, fromMs, toMs);
    } catch (error) {
      problem = describeError(error);
    }
    if (run !== this.#run) return;
    if (this.#places.length === 0 && problem === "") problem = "Nothing is recorded from here on.";
    this.problem.value = problem;
    this.stop();
  }

  /** Hands piece after piece to the browser until nothing more is recorded, and waits until all is heard. */
  async #feed(run: number, fromMs: number, toMs: number): Promise<void> {
    const source = this.#source();
    let nextMs = fromMs;
    /** Of the context's clock; 0: nothing is handed to it yet. */
    let nextS = 0;
    let rateHz: number | undefined;
    try {
      while (nextMs < toMs && run === this.#run) {
        const stretch = await findAudio(source, { fromMs: nextMs, maxHoleMs });
        if (stretch === undefined || stretch.fromMs >= toMs) break;
        const endMs = Math.min(stretch.fromMs + pieceMs, stretch.toMs, Math.ceil(toMs));
        const piece = await this.#read(source, stretch.fromMs, endMs);
        if (rateHz !== piece.sampleRateHz) {
          // A context has one rate.
          await this.#wait(run, nextS);
          if (run !== this.#run) break;
          this.#output.open(piece.sampleRateHz);
          this.#places = [];
          rateHz = piece.sampleRateHz;
          nextS = 0;
        }
        if (run !== this.#run) break;
        const holeMs = stretch.fromMs - nextMs;
        if (nextS > 0 && holeMs <= maxHoleMs) nextS += holeMs / 1000;
        nextS = this.#schedule(piece, stretch.fromMs, nextS);
        nextMs = endMs;
        await this.#wait(run, nextS - aheadS);
      }
    } finally {
      await this.#wait(run, nextS);
    }
  }

  /** @returns where it ends, by the context's clock */
  #schedule(piece: Piece, timeMs: number, atS: number): number {
    const { context } = this.#output;
    if (context === undefined || piece.sampleCount === 0) return atS;
    const startS = Math.max(atS, context.currentTime + (atS === 0 ? headStartS : 0));
    this.#places.push({ atS: startS, timeMs });
    this.#output.play(toBuffer(context, piece), startS);
    return startS + piece.sampleCount / piece.sampleRateHz;
  }

  async #read({ hwid, streamId }: ArchiveSource, fromMs: number, toMs: number): Promise<Piece> {
    const query = { from: fromMs, to: toMs, stream: streamId, format: "raw" };
    const answer = await checkAnswer(await fetch(apiPath(`/devices/${hwid}/audio`, query)));
    const channels = Number(answer.headers.get("eet-channels"));
    const samples = new Int16Array(await answer.arrayBuffer());
    const sampleRateHz = Number(answer.headers.get("eet-sample-rate"));
    return { channels, samples, sampleRateHz, sampleCount: samples.length / channels };
  }

  async #wait(run: number, untilS: number): Promise<void> {
    while (run === this.#run && this.#output.context !== undefined) {
      const leftS = untilS - this.#output.context.currentTime;
      if (leftS <= 0) return;
      await new Promise((resolve) => setTimeout(resolve, Math.min(200, leftS * 1000 + 5)));
    }
  }
}

interface Piece {
  readonly channels: number;
  /** Interleaved. */
  readonly samples: Int16Array;
  readonly sampleRateHz: number;
  readonly sampleCount: number;
}

function toBuffer(context: AudioContext, { channels, samples, sampleCount, sampleRateHz }: Piece): AudioBuffer {
  const buffer = context.createBuffer(channels, sampleCount, sampleRateHz);
  for (let channel = 0; channel < channels; channel += 1) {
    const target = buffer.getChannelData(channel);
    for (let index = 0; index < sampleCount; index += 1) {
      target[index] = (samples[index * channels + channel] ?? 0) / 32_768;
    }
  }
  return buffer;
}
