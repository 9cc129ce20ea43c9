import { concatBytes, readFourCc } from "./riff-chunk.ts";
import { WavError } from "./wav-error.ts";
import { parseWavFormat, type WavFormat, wavFormatBytes } from "./wav-format.ts";

/** Where a WAV file's audio lies and what it is. */
export interface WavInfo extends WavFormat {
  /** Bytes before the first sample. */
  readonly dataOffset: number;
  /**
   * Bytes of whole blocks. Of a stream this is only what it announces: it may end earlier, and is `Infinity` when it announces
   * nothing.
   */
  readonly dataBytes: number;
}

/** A file that can be read anywhere. */
export interface WavSource {
  readonly sizeBytes: number;
  /** Resolves to the bytes at `offset`, fewer than `length` only where the file ends. */
  readAt(offset: number, length: number): Promise<Uint8Array>;
}

interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

type WavScan = Generator<ByteRange, WavInfo, Uint8Array>;

const chunkHeaderBytes = 8;
const ds64Bytes = 16;
const maxChunkCount = 4096;
const unknownSize = 0xffff_ffff;
// Programs that write to a pipe announce about 2 or 4 GiB: nobody can rely on a length from here on.
const leastDoubtfulSize = 0x7fff_0000;

/**
 * Reads the structure of a WAV file in memory: any PCM or float format, any order of chunks, RF64.
 *
 * A data length of 0, of 0xFFFFFFFF or beyond the end means "what is there".
 *
 * @throws WavError.
 */
export function parseWav(bytes: Uint8Array): WavInfo {
  const scan = scanWav(bytes.length);
  let step = scan.next();
  while (!step.done) {
    const { offset, length } = step.value;
    step = scan.next(bytes.subarray(offset, offset + length));
  }
  return step.value;
}

/**
 * Reads the structure of a WAV file as {@link parseWav} does, touching only its chunk headers.
 *
 * @throws WavError, or what `source.readAt` rejects with.
 */
export async function readWav(source: WavSource): Promise<WavInfo> {
  const scan = scanWav(source.sizeBytes);
  let step = scan.next();
  while (!step.done) {
    const { offset, length } = step.value;
    step = scan.next(await source.readAt(offset, length));
  }
  return step.value;
}

/** Reads a WAV that arrives piece by piece and cannot be rewound: its `fmt ` must precede its `data`. */
export class WavStreamReader {
  readonly #scan = scanWav(Number.POSITIVE_INFINITY);
  #request: ByteRange | undefined;
  #info: WavInfo | undefined;
  #pending: Uint8Array = new Uint8Array();
  #pendingOffset = 0;
  #remainingBytes = 0;

  constructor() {
    this.#advance(this.#scan.next());
  }

  /** What the header told; `undefined` until enough of it has arrived. */
  get info(): WavInfo | undefined {
    return this.#info;
  }

  /**
   * Takes the next bytes.
   *
   * @returns the audio that is now complete, in whole blocks; empty before the data chunk and after its end. It may
   * share memory with `bytes`.
   * @throws WavError.
   */
  push(bytes: Uint8Array): Uint8Array {
    this.#pending = this.#pending.length === 0 ? bytes : concatBytes(this.#pending, bytes);
    while (this.#request !== undefined && this.#dropUntil(this.#request.offset)) {
      if (this.#pending.length < this.#request.length) break;
      this.#advance(this.#scan.next(this.#pending.subarray(0, this.#request.length)));
    }
    return this.#info !== undefined && this.#dropUntil(this.#info.dataOffset)
      ? this.#takeBlocks(this.#info.blockBytes)
      : new Uint8Array();
  }

  /**
   * Tells that no more bytes come.
   *
   * @throws WavError when the header is not complete.
   */
  end(): void {
    while (this.#request !== undefined) {
      this.#dropUntil(this.#request.offset);
      this.#advance(this.#scan.next(this.#pending.subarray(0, this.#request.length)));
    }
  }

  #advance(step: IteratorResult<ByteRange, WavInfo>): void {
    if (step.done) {
      this.#request = undefined;
      this.#info = step.value;
      this.#remainingBytes = step.value.dataBytes;
    } else {
      this.#request = step.value;
    }
  }

  /** Forgets what lies before `offset`; false when the stream has not come that far. Audio already taken counts as past. */
  #dropUntil(offset: number): boolean {
    const dropBytes = Math.max(0, Math.min(offset - this.#pendingOffset, this.#pending.length));
    this.#pending = this.#pending.subarray(dropBytes);
    this.#pendingOffset += dropBytes;
    return this.#pendingOffset >= offset;
  }

  #takeBlocks(blockBytes: number): Uint8Array {
    const usableBytes = Math.min(this.#pending.length, this.#remainingBytes);
    const takenBytes = usableBytes - (usableBytes % blockBytes);
    const blocks = this.#pending.subarray(0, takenBytes);
    this.#remainingBytes -= takenBytes;
    this.#pendingOffset += takenBytes;
    this.#pending = this.#remainingBytes === 0 ? new Uint8Array() : this.#pending.subarray(takenBytes);
    return blocks;
  }
}

/**
 * Walks the chunks without reading anything itself: it yields the byte range it needs, is resumed with those bytes
 * (fewer where the file ends) and returns the result. So one walk serves memory, files and streams.
 *
 * @param sizeBytes - the file's length, or `Infinity` for a stream, whose ranges then only ever move forward.
 */
function* scanWav(sizeBytes: number): WavScan {
  const riff = yield { offset: 0, length: 12 };
  assertWave(riff);
  const riffBytes = readU32(riff, 4);
  let long: Uint8Array | undefined;
  let format: WavFormat | undefined;
  let data: ByteRange | undefined;
  let offset = riff.length;
  for (let count = 0; count < maxChunkCount && offset + chunkHeaderBytes <= sizeBytes; count += 1) {
    const header = yield { offset, length: chunkHeaderBytes };
    if (header.length < chunkHeaderBytes) break;
    const id = readFourCc(header, 0);
    offset += chunkHeaderBytes;
    let length = readU32(header, 4);
    if (id === "ds64") long = yield { offset, length: Math.min(length, ds64Bytes) };
    if (id === "fmt " && format === undefined) {
      format = parseWavFormat(yield { offset, length: Math.min(length, wavFormatBytes) });
    }
    if (id === "data" && data === undefined) {
      length = dataLength({ offset, length, riffBytes, sizeBytes, long });
      data = { offset, length };
      assertSeekable(format, sizeBytes);
    }
    if (format !== undefined && data !== undefined) return toInfo(format, data);
    offset += length + (length & 1);
  }
  throw data === undefined
    ? new WavError("no-data", "the WAV ends without a data chunk: it holds no audio or was cut short")
    : new WavError("no-format", "the WAV ends without a fmt chunk, so nothing tells what its audio is");
}

function assertWave(riff: Uint8Array): void {
  const id = readFourCc(riff, 0);
  if (id === "RIFX") {
    throw new WavError("big-endian", 'the WAV is big-endian (RIFX): convert it, for example with "sox in.wav out.wav"');
  }
  const isRiff = id === "RIFF" || id === "RF64" || id === "BW64";
  if (riff.length < 12 || !isRiff || readFourCc(riff, 8) !== "WAVE") {
    const start = Array.from(riff, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    throw new WavError("not-wav", `a WAV starts with RIFF (or RF64), a length and WAVE; got the bytes "${start}"`);
  }
}

function assertSeekable(format: WavFormat | undefined, sizeBytes: number): void {
  if (format === undefined && sizeBytes === Number.POSITIVE_INFINITY) {
    throw new WavError(
      "format-after-data",
      "the WAV's fmt chunk follows its audio, which a stream cannot go back to: give it as a file",
    );
  }
}

interface DataChunk extends ByteRange {
  readonly riffBytes: number;
  readonly sizeBytes: number;
  /** The body of `ds64`, which holds the lengths of an RF64 file: u64 RIFF, u64 data. */
  readonly long: Uint8Array | undefined;
}

/** How long the audio really is, whatever the data chunk says. */
function dataLength({ offset, length, riffBytes, sizeBytes, long }: DataChunk): number {
  const availableBytes = sizeBytes - offset;
  if (length === unknownSize && long !== undefined) {
    if (long.length < ds64Bytes) {
      throw new WavError(
        "bad-format",
        `an RF64's ds64 chunk must have at least ${ds64Bytes} bytes; got ${long.length}`,
      );
    }
    return Math.min(readU32(long, 8) + readU32(long, 12) * 2 ** 32, availableBytes);
  }
  if (length === unknownSize || (length === 0 && !isEmptyOnPurpose(offset, riffBytes, sizeBytes))) {
    return availableBytes;
  }
  return Math.min(length, availableBytes);
}

/** Whether a data length of 0 is meant: the file's own length then covers chunks that follow the empty one. */
function isEmptyOnPurpose(dataOffset: number, riffBytes: number, sizeBytes: number): boolean {
  const endOffset = riffBytes + 8;
  return riffBytes < leastDoubtfulSize && endOffset > dataOffset && endOffset <= sizeBytes;
}

function toInfo(format: WavFormat, data: ByteRange): WavInfo {
  const isEndless = data.length === Number.POSITIVE_INFINITY;
  const dataBytes = isEndless ? data.length : data.length - (data.length % format.blockBytes);
  return { ...format, dataOffset: data.offset, dataBytes };
}

function readU32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset, true);
}
