// What a device knows about its own delivery: the evidence that a server's disk is judged by.
import type { StreamFormat } from "@eet/protocol";
import { seededRandom } from "./seeded-random.ts";

/** What one device sent in one session, and what it was promised. Seqs are unwrapped. */
export interface WitnessedSession {
  /** As WELC named it. */
  readonly session: bigint;
  /** Of the session's first frame. */
  firstSeq: number;
  /** Behind the last frame that was sent in it. */
  sentNext: number;
  /** The highest `durable_next` that it was given. */
  durableNext: number;
  /** Frames that the device dropped itself, by seq. */
  readonly dropped: Set<number>;
}

/** A device's evidence. Payloads need not be kept: `makePayload` makes any of them again. */
export interface DeliveryRecord {
  readonly hwid: string;
  /** Tells the device's payloads from those of all others. */
  readonly deviceNumber: number;
  readonly format: StreamFormat;
  /** In the order in which the server opened them. */
  readonly sessions: readonly WitnessedSession[];
}

/** Every device's frames hold 20 ms. */
export const frameMs = 20;

const formats: readonly StreamFormat[] = [
  { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 },
  { codec: "pcm16", sampleRateHz: 8_000, channels: 1, frameSampleCount: 160 },
  { codec: "adpcm", sampleRateHz: 8_000, channels: 1, frameSampleCount: 160 },
  { codec: "pcm16", sampleRateHz: 8_000, channels: 2, frameSampleCount: 160 },
];

/** One of a few formats, by the device's number. */
export function formatOf(deviceNumber: number): StreamFormat {
  const format = formats[deviceNumber % formats.length];
  if (format === undefined) throw new RangeError(`device ${deviceNumber} has no format`);
  return format;
}

const noise = makeNoise(64 * 1024);

function makeNoise(byteCount: number): Buffer {
  const random = seededRandom(1);
  return Buffer.from(Uint8Array.from({ length: byteCount }, () => Math.floor(random() * 256)));
}

/**
 * What a device sends with a seq; no two frames of any devices are alike: seq and device stand in it.
 *
 * @param seq - unwrapped
 */
export function makePayload(format: StreamFormat, deviceNumber: number, seq: number): Buffer {
  const { codec, channels, frameSampleCount } = format;
  const isAdpcm = codec === "adpcm";
  const payloadBytes = isAdpcm ? 4 + frameSampleCount / 2 : frameSampleCount * channels * 2;
  const start = (seq * 37 + deviceNumber * 4099) % (noise.length - payloadBytes);
  const payload = Buffer.from(noise.subarray(start, start + payloadBytes));
  // The header of an ADPCM frame: predictor, step index, 0.
  if (isAdpcm) payload.writeUInt32LE((seq & 0xffff) | ((seq % 89) << 16));
  const stampAt = isAdpcm ? 4 : 0;
  payload.writeUInt32LE(seq >>> 0, stampAt);
  payload.writeUInt32LE(Math.floor(seq / 2 ** 32) * 2 ** 16 + deviceNumber, stampAt + 4);
  return payload;
}

/** Samples per channel that a payload stands for. */
export function countSamples({ codec, channels }: StreamFormat, payloadBytes: number): number {
  return codec === "adpcm" ? (payloadBytes - 4) * 2 : payloadBytes / (channels * 2);
}
