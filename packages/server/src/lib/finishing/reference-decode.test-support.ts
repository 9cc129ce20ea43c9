// Decoding a session as the textbooks write it, one code at a time, sharing nothing with the code under test.
import type { RecordFormat } from "../kernel/segment-record.ts";

/** A frame as a device sends it: seq unwrapped and ascending. */
export interface SentFrame {
  readonly seq: number;
  readonly payload: Uint8Array;
}

/** A frame with its place in the session. */
export interface PlacedOnce extends SentFrame {
  /** Frames missing in front of it. */
  readonly missingCount: number;
  readonly gapSampleCount: number;
  /** Position of its first sample. */
  readonly sample: number;
  readonly sampleCount: number;
}

type Layout = "ms4" | "single" | undefined;

/** Where each frame of a session stands on its time line. */
export function placeOnce(frames: readonly SentFrame[], format: RecordFormat, layout?: Layout): PlacedOnce[] {
  const placed: PlacedOnce[] = [];
  let end = 0;
  for (const frame of frames) {
    const previous = placed.at(-1);
    const missingCount = previous === undefined ? 0 : Math.max(0, frame.seq - previous.seq - 1);
    const gapSampleCount = missingCount * (format.frameSampleCount || (previous?.sampleCount ?? 0));
    const sampleCount = countSamples(frame.payload.length, format, layout);
    const sample = end + gapSampleCount;
    placed.push({ ...frame, missingCount, gapSampleCount, sample, sampleCount });
    end = sample + sampleCount;
  }
  return placed;
}

function countSamples(payloadBytes: number, format: RecordFormat, layout: Layout): number {
  const { codec, channels, frameSampleCount: full } = format;
  if (codec === "pcm16") return payloadBytes / 2 / channels;
  if (channels === 1) {
    const codes = (payloadBytes - 4) * 2;
    return full % 2 === 1 && (codes === full - 1 || codes === full + 1) ? full : codes;
  }
  const held =
    layout === "ms4"
      ? Math.floor(payloadBytes / 4 / channels - 1) * 8
      : Math.floor(((payloadBytes - 4) * 2) / channels);
  return full === 0 ? held : Math.min(held, full);
}

/**
 * All samples of a session in one go, interleaved.
 *
 * @param longestGapSamples - gaps up to it are silence, longer ones are left out
 */
export function decodeOnce(
  frames: readonly SentFrame[],
  format: RecordFormat,
  order: "low" | "high",
  longestGapSamples = Number.POSITIVE_INFINITY,
  layout?: Layout,
): number[] {
  const placed = placeOnce(frames, format, layout);
  return placed.flatMap((frame, index) => {
    const isFilled = frame.gapSampleCount <= longestGapSamples;
    const silence = new Array<number>(isFilled ? frame.gapSampleCount * format.channels : 0).fill(0);
    return [...silence, ...decodeFrame(frame, placed[index + 1], format, order, layout)];
  });
}

function decodeFrame(
  frame: PlacedOnce,
  next: PlacedOnce | undefined,
  { codec, channels }: RecordFormat,
  order: "low" | "high",
  layout: Layout,
): number[] {
  const { payload, sampleCount } = frame;
  if (codec === "pcm16") return readS16(payload);
  if (channels === 1) return decodeMono(frame, next, order);
  if (layout !== "ms4")
    return decodeCodes(nibbles(payload.subarray(4), order), readState(payload)).slice(0, sampleCount * channels);
  const perChannel = Array.from({ length: channels }, (_, channel) => {
    const codes = Array.from(payload.subarray(4 * channels)).filter(
      (_, at) => Math.floor(at / 4) % channels === channel,
    );
    return decodeCodes(nibbles(codes, order), readState(payload.subarray(4 * channel)));
  });
  return Array.from(
    { length: sampleCount * channels },
    (_, at) => perChannel[at % channels]?.[Math.floor(at / channels)] ?? 0,
  );
}

/** An odd frame's dropped last sample is what the next frame starts from, where one code leads there. [P-1.6] */
function decodeMono(
  { seq, payload, sampleCount }: PlacedOnce,
  next: SentFrame | undefined,
  order: "low" | "high",
): number[] {
  const start = readState(payload);
  const samples = decodeCodes(nibbles(payload.subarray(4), order), start).slice(0, sampleCount);
  if (samples.length === sampleCount) return samples;
  const codes = nibbles(payload.subarray(4), order);
  const last = samples.at(-1) ?? start.predictor;
  if (next === undefined || next.seq !== seq + 1) return [...samples, last];
  const wanted = readState(next.payload);
  const isReachable = Array.from({ length: 16 }, (_, code) => endState([...codes, code], start)).some(
    (end) => end.predictor === wanted.predictor && end.stepIndex === wanted.stepIndex,
  );
  return [...samples, isReachable ? wanted.predictor : last];
}

interface State {
  readonly predictor: number;
  readonly stepIndex: number;
}

function readState(payload: Uint8Array): State {
  const value = (payload[0] ?? 0) + (payload[1] ?? 0) * 256;
  return { predictor: value > 32767 ? value - 65536 : value, stepIndex: payload[2] ?? 0 };
}

function readS16(payload: Uint8Array): number[] {
  return Array.from({ length: payload.length / 2 }, (_, at) => readState(payload.subarray(at * 2)).predictor);
}

function nibbles(bytes: Iterable<number>, order: "low" | "high"): number[] {
  return [...bytes].flatMap((byte) => (order === "low" ? [byte % 16, byte >> 4] : [byte >> 4, byte % 16]));
}

const steps = [
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118,
  130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963, 1060,
  1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484,
  7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
];
const indexChanges = [-1, -1, -1, -1, 2, 4, 6, 8];

function advance({ predictor, stepIndex }: State, code: number): State {
  const step = steps[stepIndex] ?? 0;
  let difference = step >> 3;
  if (code & 1) difference += step >> 2;
  if (code & 2) difference += step >> 1;
  if (code & 4) difference += step;
  const value = code & 8 ? predictor - difference : predictor + difference;
  return {
    predictor: Math.min(32767, Math.max(-32768, value)),
    stepIndex: Math.min(88, Math.max(0, stepIndex + (indexChanges[code & 7] ?? 0))),
  };
}

function decodeCodes(codes: readonly number[], start: State): number[] {
  let state = start;
  return codes.map((code) => {
    state = advance(state, code);
    return state.predictor;
  });
}

function endState(codes: readonly number[], start: State): State {
  return codes.reduce(advance, start);
}
