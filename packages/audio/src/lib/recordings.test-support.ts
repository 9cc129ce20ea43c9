// Audio for tests: the repository's recordings and reproducible synthetic signals.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseWav } from "./wav-reader.ts";

/** The samples of a 16-bit WAV file, channels interleaved. */
export function readSamples(path: string): Int16Array {
  const bytes = readFileSync(path);
  const { dataOffset, dataBytes } = parseWav(bytes);
  return new Int16Array(new Uint8Array(bytes.subarray(dataOffset, dataOffset + dataBytes)).buffer);
}

/** The path of a file in `data/`. */
export function recordingPath(name: "speech_16k.wav" | "sine_pcm16.wav"): string {
  return fileURLToPath(new URL(`../../../../data/${name}`, import.meta.url));
}

/** A rising tone with overtones and noise, loud enough to clip now and then; always the same. */
export function generateAudio(sampleRateHz: number, durationS: number): Int16Array {
  let noise = 12345;
  return Int16Array.from({ length: Math.round(sampleRateHz * durationS) }, (_, position) => {
    noise = (Math.imul(noise, 1103515245) + 12345) >>> 0;
    const time = position / sampleRateHz;
    const phase = 2 * Math.PI * (100 + 900 * time) * time;
    const value = 18000 * Math.sin(phase) + 9000 * Math.sin(3 * phase) + (noise / 2 ** 32 - 0.5) * 16000;
    return Math.max(-32768, Math.min(32767, Math.round(value)));
  });
}

/** Samples as their little-endian bytes. */
export function toBytes(samples: Int16Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}
