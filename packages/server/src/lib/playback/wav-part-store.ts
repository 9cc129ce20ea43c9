import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { formatWavHeader, wavHeaderBytes } from "@eet/audio";
import type { WavStretch } from "./wav-layout.ts";

/** What a WAV of ours must be. */
export interface ExpectedWav {
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Per channel. */
  readonly sampleCount: number;
}

/** Reads bytes `[start, end)` of a WAV. */
export type WavBytes = (start: number, end: number) => Promise<Uint8Array>;

/** Gives memory to read into, whatever stands in it. */
export type TakeMemory = (byteLength: number) => Uint8Array;

const takeFresh: TakeMemory = (byteLength) => Buffer.allocUnsafeSlow(byteLength);

/** Puts stretches of a WAV together; what it leaves out is silence. */
export async function readStretches(
  stretches: readonly WavStretch[],
  channels: number,
  readBytes: WavBytes,
): Promise<Uint8Array> {
  const blockBytes = channels * 2;
  const [first] = stretches;
  if (stretches.length === 1 && first !== undefined && first.wavSample !== null) {
    const start = wavHeaderBytes + first.wavSample * blockBytes;
    return await readBytes(start, start + first.sampleCount * blockBytes);
  }
  const bytes = new Uint8Array(stretches.reduce((sum, { sampleCount }) => sum + sampleCount, 0) * blockBytes);
  let at = 0;
  for (const { sampleCount, wavSample } of stretches) {
    if (wavSample !== null) {
      const start = wavHeaderBytes + wavSample * blockBytes;
      bytes.set(await readBytes(start, start + sampleCount * blockBytes), at);
    }
    at += sampleCount * blockBytes;
  }
  return bytes;
}

/**
 * Reads stretches of a local WAV; its header and its length must show that it is what is expected.
 *
 * @param take - where the samples of a single stretch go
 * @throws the system's error; an Error when it is something else or cut short
 */
export async function readLocalWav(
  path: string,
  expected: ExpectedWav,
  stretches: readonly WavStretch[],
  take: TakeMemory = takeFresh,
): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const head = new Uint8Array(wavHeaderBytes);
    const readBytes: WavBytes = (start, end) => readExactly(handle, start, take(end - start));
    // At once: each is a trip to another thread, and it hardly ever is another file.
    const [{ size }, , bytes] = await Promise.all([
      handle.stat(),
      readExactly(handle, 0, head),
      readStretches(stretches, expected.channels, readBytes),
    ]);
    const trailerBytes = size - wavHeaderBytes - expected.sampleCount * expected.channels * 2;
    const isWhole = trailerBytes >= 0 && isSame(head, formatWavHeader({ ...expected, trailerBytes }));
    if (!isWhole) throw new Error(`${path} is not the WAV that the catalogue describes`);
    return bytes;
  } finally {
    await handle.close();
  }
}

/**
 * What tells a file from another one that is put in its place later.
 *
 * @throws the system's error when there is no such file
 */
export async function stampFile(path: string): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(path);
  return [path, ino, size, mtimeMs, ctimeMs].join("|");
}

/** Whether there is one that can be asked about. */
export async function hasFile(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** @returns `undefined` when there is none. */
export async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(() => undefined);
}

async function readExactly(handle: FileHandle, position: number, bytes: Uint8Array): Promise<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.byteLength - at, position + at);
    if (bytesRead === 0) throw new Error(`the file ends after ${position + at} bytes`);
    at += bytesRead;
  }
  return bytes;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
