// Audio in which every frame says where it stands, so that what arrived can be told apart from what was sent.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readSegments, splitFrames } from "./recordings.ts";

/** 16-bit mono PCM in frames of 20 ms, as `eet stream --raw --codec pcm` makes them of numbered audio. */
export const numberedFormat = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
/** Bytes of a frame. */
export const numberedFrameBytes = 640;

/** Headerless samples: the frames `from` to `to - 1`, each of which begins with its number. */
export function makeNumberedAudio(from: number, to: number): Buffer {
  const audio = Buffer.alloc((to - from) * numberedFrameBytes);
  for (let number = from; number < to; number++) {
    const at = (number - from) * numberedFrameBytes;
    audio.writeUInt32LE(number, at);
    // The rest depends on the number as well: frames that were mixed up would not go unseen.
    for (let value = 2; value < numberedFrameBytes / 2; value++)
      audio.writeInt16LE((number * 31 + value) & 0x7fff, at + value * 2);
  }
  return audio;
}

/** What stands on a server's disk of one session. */
export interface NumberedSession {
  readonly session: string;
  readonly isAcked: boolean;
  /** Numbers of the frames in their order. */
  readonly numbers: readonly number[];
}

/**
 * Reads a device's closed segments and the numbers of their frames.
 *
 * @param received - `data/received`
 * @throws Error for a frame that is not what was sent
 */
export async function readNumberedSessions(received: string, hwid: string): Promise<readonly NumberedSession[]> {
  const root = join(received, hwid);
  const sessions = new Map<string, { isAcked: boolean; startMs: number; numbers: number[] }>();
  const segments = (await readSegments(root)).toSorted((a, b) => a.sidecar.start_sample - b.sidecar.start_sample);
  for (const { path, sidecar } of segments) {
    const { session, acked: isAcked = false, time } = sidecar;
    const entry = sessions.get(session) ?? { isAcked, startMs: time.start_ms, numbers: [] };
    sessions.set(session, entry);
    for (const { payload } of splitFrames(await readFile(`${path}.bin`))) entry.numbers.push(readNumber(payload, path));
  }
  return [...sessions]
    .sort(([, a], [, b]) => a.startMs - b.startMs)
    .map(([session, { isAcked, numbers }]) => ({ session, isAcked, numbers }));
}

function readNumber(payload: Buffer, path: string): number {
  const number = payload.readUInt32LE(0);
  if (!payload.equals(makeNumberedAudio(number, number + 1)))
    throw new Error(`${path}: frame ${number} is not as sent`);
  return number;
}

/** Numbers from 0 to `count - 1`. */
export function countUp(count: number): readonly number[] {
  return Array.from({ length: count }, (_, number) => number);
}

/** Frames in their sessions, which must be runs of one after the other: what arrived, in order and each once. */
export function joinSessions(sessions: readonly NumberedSession[]): readonly number[] {
  const begun = sessions.filter(({ numbers }) => numbers.length > 0);
  return begun.toSorted((a, b) => (a.numbers[0] ?? 0) - (b.numbers[0] ?? 0)).flatMap(({ numbers }) => numbers);
}
