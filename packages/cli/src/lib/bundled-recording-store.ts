import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The recordings that come along. */
export type BundledRecording = "speech_16k.wav" | "sine_pcm16.wav";

/** Path of a recording that comes along: with the published package, or with the repository that this runs in. */
export function bundledRecordingPath(name: BundledRecording): string {
  const published = fileURLToPath(new URL(`../../recordings/${name}`, import.meta.url));
  return existsSync(published) ? published : fileURLToPath(new URL(`../../../../data/${name}`, import.meta.url));
}
