import { readFile, writeFile } from "node:fs/promises";
import { formatWavHeader } from "@eet/audio";

const wavHeaderBytes = 44;

/** The bundled speech: 16-bit mono at 16 kHz. */
export const speechPath = new URL("../../data/speech_16k.wav", import.meta.url).pathname;

/** Samples of the bundled speech, s16le. */
export async function readSpeech(): Promise<Buffer> {
  return (await readFile(speechPath)).subarray(wavHeaderBytes);
}

/** The bundled speech as many channels, each of which starts elsewhere in it. */
export async function makeMultichannelSpeech(channels: number): Promise<Buffer> {
  const mono = await readSpeech();
  const sampleCount = mono.length / 2;
  const pcm = Buffer.alloc(mono.length * channels);
  for (let value = 0; value < sampleCount * channels; value++) {
    const sample = Math.floor(value / channels) + 40_000 * (value % channels);
    pcm.writeInt16LE(mono.readInt16LE((sample % sampleCount) * 2), value * 2);
  }
  return pcm;
}

/** Writes s16le samples as a WAV file. @returns its path */
export async function writeWav(path: string, pcm: Uint8Array, sampleRateHz: number, channels = 1): Promise<string> {
  const sampleCount = pcm.length / (2 * channels);
  await writeFile(path, [formatWavHeader({ sampleRateHz, channels, sampleCount, trailerBytes: 0 }), pcm]);
  return path;
}
