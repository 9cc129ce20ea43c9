/** Which half of each byte holds the earlier code: `low` = bits 0-3 first, `high` = bits 4-7 first. [P-1.5] */
export type NibbleOrder = "low" | "high";

/** What an IMA ADPCM coder knows between two samples; every frame's header carries it. [P-1.4] */
export interface AdpcmState {
  /** The last decoded sample, -32768 to 32767. State, not audio: it is never emitted by itself. */
  predictor: number;
  /** Position in the step size table, 0 to 88. */
  stepIndex: number;
}

/** Bytes before the codes of an ADPCM payload. [P-1.4] */
export const adpcmHeaderBytes = 4;

/** The largest valid {@link AdpcmState.stepIndex}. */
export const maxStepIndex = 88;

const stepSizes = Int32Array.from([
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118,
  130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963, 1060,
  1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484,
  7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
]);

// The decoder's arithmetic worked out once for each of the 89 * 16 (step index, code) pairs: entry = index << 4 | code.
const differences = new Int32Array(stepSizes.length << 4);
/** Where the next step index's entries begin: index << 4, as the loops need it. */
const nextBases = new Uint16Array(stepSizes.length << 4);
stepSizes.forEach((step, stepIndex) => {
  for (let code = 0; code < 16; code += 1) {
    // Classic arithmetic: each term is truncated by itself; ((2 * d + 1) * step) >> 3 would differ. [P-1.4]
    let difference = step >> 3;
    if (code & 4) difference += step;
    if (code & 2) difference += step >> 1;
    if (code & 1) difference += step >> 2;
    const magnitude = code & 7;
    const indexChange = magnitude < 4 ? -1 : 2 * (magnitude - 3);
    const entry = (stepIndex << 4) | code;
    differences[entry] = code & 8 ? -difference : difference;
    nextBases[entry] = Math.min(Math.max(stepIndex + indexChange, 0), maxStepIndex) << 4;
  }
});

function clampToS16(value: number): number {
  return value > 32767 ? 32767 : value < -32768 ? -32768 : value;
}

/**
 * Decodes the first `sampleCount` codes of `codes`, bit for bit as Python's `audioop.adpcm2lin`. [P-1.4]
 *
 * @param codes - 4-bit codes, two a byte, without the frame's header; codes past `sampleCount` are ignored.
 * @param sampleCount - samples to decode, at most `codes.length * 2`.
 * @param order - which half of a byte comes first.
 * @param state - where to start, with a step index of 0 to 88; holds the end state afterwards.
 * @param out - receives the samples from `outOffset` on.
 * @throws RangeError when `codes` holds or `out` takes fewer than `sampleCount` samples.
 */
export function decodeAdpcm(
  codes: Uint8Array,
  sampleCount: number,
  order: NibbleOrder,
  state: AdpcmState,
  out: Int16Array,
  outOffset: number,
): void {
  if (sampleCount > codes.length * 2 || outOffset + sampleCount > out.length) {
    throw new RangeError(
      `cannot decode ${sampleCount} samples: there are ${codes.length * 2} codes and room for ${out.length - outOffset} samples`,
    );
  }
  let { predictor } = state;
  let base = state.stepIndex << 4;
  const firstShift = order === "low" ? 0 : 4;
  const secondShift = 4 - firstShift;
  const pairCount = sampleCount >> 1;
  let at = outOffset;
  // Both codes of a byte in one turn: nothing but the state goes from one sample to the next.
  for (let position = 0; position < pairCount; position += 1) {
    const byte = codes[position] as number;
    const first = base | ((byte >> firstShift) & 15);
    predictor = clampToS16(predictor + (differences[first] as number));
    out[at] = predictor;
    const second = (nextBases[first] as number) | ((byte >> secondShift) & 15);
    predictor = clampToS16(predictor + (differences[second] as number));
    out[at + 1] = predictor;
    base = nextBases[second] as number;
    at += 2;
  }
  if (sampleCount % 2 === 1) {
    const entry = base | (((codes[sampleCount >> 1] as number) >> firstShift) & 15);
    predictor = clampToS16(predictor + (differences[entry] as number));
    out[at] = predictor;
    base = nextBases[entry] as number;
  }
  state.predictor = predictor;
  state.stepIndex = base >> 4;
}

/** The code whose decoding from this state comes nearest to `sample` by successive approximation. */
function chooseCode(sample: number, predictor: number, stepIndex: number): number {
  const step = stepSizes[stepIndex] as number;
  let rest = Math.abs(sample - predictor);
  let code = sample < predictor ? 8 : 0;
  if (rest >= step) {
    code |= 4;
    rest -= step;
  }
  if (rest >= step >> 1) {
    code |= 2;
    rest -= step >> 1;
  }
  return rest >= step >> 2 ? code | 1 : code;
}

/**
 * Encodes samples, bit for bit as Python's `audioop.lin2adpcm` (in `high` order). [P-1.4]
 *
 * For an odd number of samples the last byte's second half is a zero that stands for no sample: it does not move the
 * state, so the next frame's header still holds the state after the last real sample. (`audioop` drops that last byte
 * instead, see [P-1.6].)
 *
 * @param state - where to start, with a step index of 0 to 88; holds the end state afterwards.
 * @returns `ceil(samples.length / 2)` bytes of codes.
 */
export function encodeAdpcm(samples: Int16Array, order: NibbleOrder, state: AdpcmState): Uint8Array {
  const codes = new Uint8Array((samples.length + 1) >> 1);
  let { predictor, stepIndex } = state;
  let shift = order === "low" ? 0 : 4;
  for (let position = 0; position < samples.length; position += 1) {
    const code = chooseCode(samples[position] as number, predictor, stepIndex);
    const entry = (stepIndex << 4) | code;
    predictor = clampToS16(predictor + (differences[entry] as number));
    stepIndex = (nextBases[entry] as number) >> 4;
    codes[position >> 1] = (codes[position >> 1] as number) | (code << shift);
    shift ^= 4;
  }
  state.predictor = predictor;
  state.stepIndex = stepIndex;
  return codes;
}

/** Whether one more code leads from `from` to exactly `to`: the test that makes a dropped last sample certain. [P-1.6] */
export function isReachableByOneCode(from: AdpcmState, to: AdpcmState): boolean {
  const first = from.stepIndex << 4;
  for (let entry = first; entry < first + 16; entry += 1) {
    const predictor = clampToS16(from.predictor + (differences[entry] as number));
    if (predictor === to.predictor && nextBases[entry] === to.stepIndex << 4) return true;
  }
  return false;
}

/**
 * Reads the header of an ADPCM payload: `i16 predictor, u8 stepIndex, u8 0`, little-endian. [P-1.4]
 *
 * @param payload - an audio frame's payload; only its first 4 bytes are read, the fourth is not checked.
 * @throws RangeError when the payload is shorter than the header or the step index is above 88.
 */
export function parseAdpcmHeader(payload: Uint8Array): AdpcmState {
  if (payload.length < adpcmHeaderBytes) {
    throw new RangeError(`an ADPCM payload starts with a ${adpcmHeaderBytes}-byte header; got ${payload.length} bytes`);
  }
  const stepIndex = payload[2] as number;
  if (stepIndex > maxStepIndex) {
    throw new RangeError(`the ADPCM step index must be 0 to ${maxStepIndex}; got ${stepIndex}`);
  }
  // By hand: a DataView for each frame would cost more than the rest of this.
  const predictor = (((payload[0] as number) | ((payload[1] as number) << 8)) << 16) >> 16;
  return { predictor, stepIndex };
}

/** Writes the header that {@link parseAdpcmHeader} reads. */
export function formatAdpcmHeader(state: AdpcmState): Uint8Array {
  const header = new Uint8Array(adpcmHeaderBytes);
  const view = new DataView(header.buffer);
  view.setInt16(0, state.predictor, true);
  view.setUint8(2, state.stepIndex);
  return header;
}

/**
 * How many samples a mono ADPCM payload stands for.
 *
 * An odd frame size never fits whole bytes: encoders either drop the last code or pad with one more, and both payloads
 * stand for the full frame. [P-1.6] Any other payload holds as many samples as codes. [P-1.4]
 *
 * @param payloadBytes - payload length with its 4-byte header, 4 or more.
 * @param frameSampleCount - the handshake's `frame_samples`; 0 = varies.
 */
export function adpcmSampleCount(payloadBytes: number, frameSampleCount: number): number {
  const codeCount = (payloadBytes - adpcmHeaderBytes) * 2;
  return Math.abs(codeCount - frameSampleCount) === 1 ? frameSampleCount : codeCount;
}
