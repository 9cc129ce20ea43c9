import type { AdpcmState } from "@eet/audio";
import { type AudioFrame, encodeFrames, type FrameCoding } from "./frame-encoder.ts";
import type { PcmFile } from "./pcm-file.ts";
import type { PcmPipe } from "./pcm-pipe.ts";

/** Where streams get their frames. */
export interface FrameSource {
  /** All frames from the first on. */
  frames(): AsyncIterable<AudioFrame>;
}

interface FrameBlock {
  readonly frames: readonly AudioFrame[];
  /** The encoder's state after the block. */
  readonly endState: AdpcmState;
}

/** Frames read and encoded at once: about a second, so that the disk is asked rarely. */
const blockFrameCount = 64;
/** Blocks kept for the streams that come after. */
const maxCachedBlockCount = 16;

/**
 * The frames of a recording for any number of streams: what one has read and encoded serves all others near it.
 *
 * A block's start state is the end state of the block before, which every reader carries along. So a reader that falls
 * out of the cache encodes for itself, nobody waits for anybody, and memory is bounded.
 */
export class FileFrameSource implements FrameSource {
  readonly #file: PcmFile;
  readonly #coding: FrameCoding;
  readonly #sampleCount: number;
  /** The least recently used first. */
  readonly #blocks = new Map<number, Promise<FrameBlock>>();

  /** @param sampleCount - where every stream ends, `Infinity` for never; the recording starts again at its end. */
  constructor(file: PcmFile, coding: FrameCoding, sampleCount: number) {
    this.#file = file;
    this.#coding = coding;
    this.#sampleCount = sampleCount;
  }

  async *frames(): AsyncGenerator<AudioFrame> {
    const blockSampleCount = blockFrameCount * this.#coding.format.frameSampleCount;
    let state: AdpcmState = { predictor: 0, stepIndex: 0 };
    for (let position = 0; position < this.#sampleCount; position += blockSampleCount) {
      const block = await this.#block(position, Math.min(blockSampleCount, this.#sampleCount - position), state);
      yield* block.frames;
      state = block.endState;
    }
  }

  #block(position: number, sampleCount: number, state: AdpcmState): Promise<FrameBlock> {
    const block = this.#blocks.get(position) ?? this.#encodeBlock(position, sampleCount, { ...state });
    this.#blocks.delete(position);
    this.#blocks.set(position, block);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > maxCachedBlockCount && oldest !== undefined) this.#blocks.delete(oldest);
    return block;
  }

  async #encodeBlock(position: number, sampleCount: number, state: AdpcmState): Promise<FrameBlock> {
    const { channels } = this.#coding.format;
    const samples = new Int16Array(sampleCount * channels);
    for (let filled = 0; filled < sampleCount; ) {
      const from = (position + filled) % this.#file.sampleCount;
      const part = await this.#file.readSamples(from, Math.min(sampleCount - filled, this.#file.sampleCount - from));
      samples.set(part, filled * channels);
      filled += part.length / channels;
    }
    return { frames: encodeFrames(samples, this.#coding, state), endState: state };
  }
}

/** The frames of a pipe, for one stream, each as soon as its samples are there. */
export class PipeFrameSource implements FrameSource {
  readonly #pipe: PcmPipe;
  readonly #coding: FrameCoding;
  readonly #sampleCount: number;

  /** @param sampleCount - where the stream ends if the pipe does not end before. */
  constructor(pipe: PcmPipe, coding: FrameCoding, sampleCount: number) {
    this.#pipe = pipe;
    this.#coding = coding;
    this.#sampleCount = sampleCount;
  }

  async *frames(): AsyncGenerator<AudioFrame> {
    const { channels, frameSampleCount } = this.#coding.format;
    const state: AdpcmState = { predictor: 0, stepIndex: 0 };
    let left = this.#sampleCount;
    for await (const samples of this.#pipe.samples(frameSampleCount)) {
      const taken = Math.min(samples.length / channels, left);
      yield* encodeFrames(samples.subarray(0, taken * channels), this.#coding, state);
      left -= taken;
      if (left === 0) return;
    }
  }
}
