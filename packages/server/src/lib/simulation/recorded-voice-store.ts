import { readFile } from "node:fs/promises";
import { parseWav } from "@eet/audio";

/** In the repository; an installed server has no recordings. */
const path = new URL("../../../../../data/speech_16k.wav", import.meta.url);

/** Reads the bundled recording of a voice, 16 kHz mono. @returns `undefined` where it is not there */
export async function readVoice(): Promise<Int16Array | undefined> {
  try {
    const bytes = await readFile(path);
    const { dataOffset, dataBytes } = parseWav(bytes);
    const from = bytes.byteOffset + dataOffset;
    return new Int16Array(bytes.buffer.slice(from, from + dataBytes - (dataBytes % 2)) as ArrayBuffer);
  } catch {
    return undefined;
  }
}
