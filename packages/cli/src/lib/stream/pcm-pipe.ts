import { addAbortSignal, type Readable } from "node:stream";
import { convertToS16, WavError, type WavFormat, WavStreamReader } from "@eet/audio";
import { CommandError, InterruptedError } from "../command-error.ts";
import { rawFormat } from "./pcm-file.ts";
import type { RawFormat } from "./stream-options.ts";

/** Audio that comes as it is recorded and can be read once, as 16-bit samples. */
export class PcmPipe {
  readonly format: WavFormat;
  readonly #input: Readable;
  readonly #audio: AsyncIterable<Uint8Array>;

  /** @param audio - the samples' bytes as they come from `input`, cut anywhere */
  constructor(input: Readable, format: WavFormat, audio: AsyncIterable<Uint8Array>) {
    this.#input = input;
    this.format = format;
    this.#audio = audio;
  }

  /**
   * Gives samples as soon as `stepSampleCount` per channel are there.
   *
   * @returns interleaved samples, a multiple of the step but for the last ones
   */
  async *samples(stepSampleCount: number): AsyncGenerator<Int16Array> {
    const { blockBytes } = this.format;
    const stepBytes = stepSampleCount * blockBytes;
    let pending = Buffer.alloc(0);
    for await (const chunk of this.#audio) {
      pending = Buffer.concat([pending, chunk]);
      const readyBytes = pending.length - (pending.length % stepBytes);
      if (readyBytes > 0) yield this.#convert(pending.subarray(0, readyBytes));
      pending = pending.subarray(readyBytes);
    }
    const lastBytes = pending.length - (pending.length % blockBytes);
    if (lastBytes > 0) yield this.#convert(pending.subarray(0, lastBytes));
  }

  /** Stops reading; the program that writes is told. */
  async close(): Promise<void> {
    this.#input.destroy();
  }

  #convert(bytes: Uint8Array): Int16Array {
    const { sampleFormat, blockBytes, channels } = this.format;
    const samples = new Int16Array((bytes.length / blockBytes) * channels);
    convertToS16(bytes, sampleFormat, samples);
    return samples;
  }
}

/**
 * Reads a WAV's header from a pipe; `raw` input has none.
 *
 * @param name - what to call the input in errors
 * @param signal - ends the audio where it is
 * @throws CommandError when it is no WAV, InterruptedError when the signal ends it before its audio begins
 */
export async function openPcmPipe(
  name: string,
  input: Readable,
  raw: RawFormat | undefined,
  signal: AbortSignal,
): Promise<PcmPipe> {
  const chunks = readUntilAborted(input, signal);
  if (raw) return new PcmPipe(input, rawFormat(raw), chunks);
  const reader = new WavStreamReader();
  try {
    let audio: Uint8Array = new Uint8Array();
    while (reader.info === undefined) {
      const { done, value } = await chunks.next();
      if (done) reader.end();
      else audio = reader.push(value);
    }
    return new PcmPipe(input, reader.info, readAudio(reader, audio, chunks));
  } catch (cause) {
    input.destroy();
    if (signal.aborted) throw new InterruptedError(`interrupted before ${name} began`);
    if (!(cause instanceof WavError)) throw cause;
    throw new CommandError(`cannot use ${name}: ${cause.message} (for headerless samples add --raw)`, { cause });
  }
}

async function* readUntilAborted(input: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* addAbortSignal(signal, input);
  } catch (error) {
    // The signal means "that was all", not "something broke".
    if (!signal.aborted) throw error;
  }
}

async function* readAudio(reader: WavStreamReader, first: Uint8Array, chunks: AsyncIterable<Uint8Array>) {
  yield first;
  for await (const chunk of chunks) yield reader.push(chunk);
}
