import type { LiveAudio } from "../api/live-frames.ts";
import { FrameLine } from "./frame-line.ts";
import type { SoundOutput } from "./sound-output.ts";

/** Of pieces that are scheduled at once: short frames are put together. */
const pieceS = 0.08;
const fadeS = 0.004;

/** Plays what comes live of one session. */
export class FramePlayer {
  readonly #output: SoundOutput;
  readonly #line: FrameLine;
  readonly #waiting = new Set<AudioBufferSourceNode>();
  #gathered: LiveAudio[] = [];

  constructor(output: SoundOutput, sampleRateHz: number) {
    this.#output = output;
    this.#line = new FrameLine(sampleRateHz);
  }

  /** @returns whether something was handed on to be played */
  take(audio: LiveAudio): boolean {
    const last = this.#gathered.at(-1);
    const isNext = last === undefined || last.firstSample + lengthOf(last) === audio.firstSample;
    let isPlayed = isNext ? false : this.flush();
    this.#gathered.push(audio);
    const gatheredS = this.#gathered.reduce((sum, one) => sum + lengthOf(one), 0) / audio.sampleRateHz;
    if (gatheredS >= pieceS) isPlayed = this.flush() || isPlayed;
    return isPlayed;
  }

  /** Hands on what is gathered. @returns whether that is played */
  flush(): boolean {
    const pieces = this.#gathered;
    this.#gathered = [];
    const [first] = pieces;
    const { context } = this.#output;
    if (first === undefined || context === undefined) return false;
    const sampleCount = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
    const { startS, isBreak } = this.#line.place(context.currentTime, first.firstSample, sampleCount);
    if (startS === undefined) return false;
    const buffer = context.createBuffer(first.channels.length, sampleCount, first.sampleRateHz);
    let offset = 0;
    for (const { channels } of pieces) {
      for (const [channel, samples] of channels.entries()) buffer.copyToChannel(samples, channel, offset);
      offset += channels[0]?.length ?? 0;
    }
    if (isBreak) fadeIn(buffer);
    const source = this.#output.play(buffer, startS);
    if (source === undefined) return false;
    this.#waiting.add(source);
    source.addEventListener("ended", () => this.#waiting.delete(source));
    return true;
  }

  /** Plays no more, also of what waits. */
  stop(): void {
    for (const source of this.#waiting) source.stop();
    this.#waiting.clear();
    this.#gathered = [];
  }
}

function lengthOf({ channels }: LiveAudio): number {
  return channels[0]?.length ?? 0;
}

/** Sound that begins in the middle would click. */
function fadeIn(buffer: AudioBuffer): void {
  const length = Math.min(buffer.length, Math.round(fadeS * buffer.sampleRate));
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    const samples = buffer.getChannelData(channel);
    for (let index = 0; index < length; index += 1) samples[index] = (samples[index] ?? 0) * (index / length);
  }
}
