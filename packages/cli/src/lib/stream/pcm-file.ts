import { type FileHandle, open } from "node:fs/promises";
import {
  bytesPerSample,
  convertToS16,
  readWav,
  WavError,
  type WavFormat,
  type WavInfo,
  type WavSource,
} from "@eet/audio";
import { CommandError } from "../command-error.ts";
import type { RawFormat } from "./stream-options.ts";

/** A recording that can be read anywhere, a block at a time, as 16-bit samples. */
export class PcmFile {
  readonly format: WavFormat;
  /** Samples per channel. */
  readonly sampleCount: number;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #dataOffset: number;

  constructor(path: string, handle: FileHandle, info: WavInfo) {
    this.#path = path;
    this.#handle = handle;
    this.format = info;
    this.sampleCount = Math.floor(info.dataBytes / info.blockBytes);
    this.#dataOffset = info.dataOffset;
  }

  /**
   * Reads whole samples of all channels.
   *
   * @param position - first sample, per channel
   * @throws CommandError when the file has become shorter
   */
  async readSamples(position: number, sampleCount: number): Promise<Int16Array> {
    const { blockBytes, channels, sampleFormat } = this.format;
    const bytes = await readAt(this.#handle, this.#dataOffset + position * blockBytes, sampleCount * blockBytes);
    if (bytes.length < sampleCount * blockBytes) {
      throw new CommandError(`${this.#path} became shorter while it was sent: send it when it is complete`);
    }
    const samples = new Int16Array(sampleCount * channels);
    convertToS16(bytes, sampleFormat, samples);
    return samples;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/**
 * Opens a WAV file or, with `raw`, a file of headerless samples.
 *
 * @throws CommandError when it cannot be opened, is no WAV or holds no audio
 */
export async function openPcmFile(path: string, raw: RawFormat | undefined): Promise<PcmFile> {
  const handle = await open(path).catch((cause: Error) => {
    throw new CommandError(`cannot open ${path} (${cause.message}): check --wav`, { cause });
  });
  try {
    const { size: sizeBytes } = await handle.stat();
    const source = { sizeBytes, readAt: (offset: number, length: number) => readAt(handle, offset, length) };
    const file = new PcmFile(path, handle, raw ? rawInfo(raw, sizeBytes) : await readInfo(path, source));
    if (file.sampleCount === 0) throw new CommandError(`${path} holds no audio: record something first`);
    return file;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Headerless samples described as a WAV would. */
export function rawFormat({ sampleRateHz, channels }: RawFormat): WavFormat {
  return { sampleFormat: "s16", sampleRateHz, channels, blockBytes: channels * bytesPerSample("s16") };
}

function rawInfo(raw: RawFormat, dataBytes: number): WavInfo {
  return { ...rawFormat(raw), dataOffset: 0, dataBytes };
}

async function readInfo(path: string, source: WavSource): Promise<WavInfo> {
  try {
    return await readWav(source);
  } catch (cause) {
    if (!(cause instanceof WavError)) throw cause;
    throw new CommandError(`cannot use ${path}: ${cause.message} (for headerless samples add --raw)`, { cause });
  }
}

/** Fewer bytes than asked only where the file ends. */
async function readAt(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filledBytes = 0;
  while (filledBytes < length) {
    const { bytesRead } = await handle.read(bytes, filledBytes, length - filledBytes, offset + filledBytes);
    if (bytesRead === 0) break;
    filledBytes += bytesRead;
  }
  return bytes.subarray(0, filledBytes);
}
