import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { wavHeaderBytes } from "@eet/audio";
import { type Codec, frameMagics, limits } from "@eet/protocol";
import type { StoredFrames } from "./peer.ts";
import { decodeFrame } from "./plain-frame.ts";

/**
 * Checks what a peer without segments leaves: a `.bin` per connection with the frames from 0 on and none missing, and a
 * `.wav` beside it, where it makes any, with just what they decode to.
 */
export async function checkPlainRecordings(folder: string): Promise<StoredFrames> {
  let [frameCount, gapCount, problemCount] = [0, 0, 0];
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".bin")) continue;
    const frames = splitFrames(await readFile(join(folder, name)));
    frameCount += frames.length;
    gapCount += frames.filter(({ seq }, index) => seq !== index).length;
    const wavPath = join(folder, name.replace(/bin$/, "wav"));
    if (existsSync(wavPath) && !isDecodeOf(await readFile(wavPath), frames)) problemCount += 1;
  }
  return { frameCount, gapCount, problemCount };
}

interface PlainFrame {
  readonly seq: number;
  readonly codec: Codec;
  readonly payload: Buffer;
}

function splitFrames(bytes: Buffer): PlainFrame[] {
  const frames: PlainFrame[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const end = at + limits.frameHeaderBytes + bytes.readUInt32LE(at + 4);
    const codec = bytes.readUInt32LE(at) === frameMagics.adpcm ? "adpcm" : "pcm16";
    const payload = bytes.subarray(at + limits.frameHeaderBytes, end);
    frames.push({ seq: bytes.readUInt32LE(at + 8), codec, payload });
    at = end;
  }
  return frames;
}

function isDecodeOf(wav: Buffer, frames: readonly PlainFrame[]): boolean {
  const samples = Buffer.concat(frames.map(({ payload, codec }) => decodeFrame(payload, codec)));
  const dataBytes = wav.readUInt32LE(wavHeaderBytes - 4);
  return dataBytes === samples.byteLength && wav.subarray(wavHeaderBytes).equals(samples);
}
