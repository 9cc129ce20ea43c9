import { readFileSync } from "node:fs";
import { wavHeaderBytes } from "@eet/audio";

/** Of the bundled speech. */
export const speechRateHz = 16_000;

/** The bundled speech, over and over for some seconds. */
export function readSpeech(seconds: number): Int16Array {
  const bytes = readFileSync(new URL("../../data/speech_16k.wav", import.meta.url)).subarray(wavHeaderBytes);
  const speech = new Int16Array(new Uint8Array(bytes).buffer);
  return Int16Array.from({ length: seconds * speechRateHz }, (_, index) => speech[index % speech.length] ?? 0);
}
