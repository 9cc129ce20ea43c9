// IMA ADPCM as the textbooks write it, one sample at a time and without tables of results: what the fast coder is
// compared with.
import type { AdpcmState, NibbleOrder } from "./ima-adpcm.ts";

const indexTable = [-1, -1, -1, -1, 2, 4, 6, 8];
const stepTable = [
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118,
  130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963, 1060,
  1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484,
  7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
];

function step(code: number, { predictor, stepIndex }: AdpcmState): AdpcmState {
  const size = stepTable[stepIndex] as number;
  let difference = Math.floor(size / 8);
  if (code & 4) difference += size;
  if (code & 2) difference += Math.floor(size / 2);
  if (code & 1) difference += Math.floor(size / 4);
  const next = predictor + (code & 8 ? -difference : difference);
  return {
    predictor: Math.max(-32768, Math.min(32767, next)),
    stepIndex: Math.max(0, Math.min(88, stepIndex + (indexTable[code & 7] as number))),
  };
}

/** Decodes `sampleCount` codes (all of them by default). */
export function referenceDecode(
  codes: Uint8Array,
  order: NibbleOrder,
  start: AdpcmState,
  sampleCount: number = codes.length * 2,
): { samples: number[]; state: AdpcmState } {
  const nibbles = [...codes].flatMap((byte) => (order === "low" ? [byte & 15, byte >> 4] : [byte >> 4, byte & 15]));
  let state = start;
  const samples = nibbles.slice(0, sampleCount).map((code) => {
    state = step(code, state);
    return state.predictor;
  });
  return { samples, state };
}

/** Encodes samples; an odd last one leaves the other half of its byte 0. */
export function referenceEncode(
  samples: Int16Array,
  order: NibbleOrder,
  start: AdpcmState,
): { codes: Uint8Array; state: AdpcmState } {
  let state = start;
  const nibbles = [...samples].map((sample) => {
    const size = stepTable[state.stepIndex] as number;
    const sign = sample < state.predictor ? 8 : 0;
    let rest = Math.abs(sample - state.predictor);
    let code = sign;
    for (const [bit, part] of [
      [4, size],
      [2, Math.floor(size / 2)],
      [1, Math.floor(size / 4)],
    ] as const) {
      if (rest >= part) {
        code += bit;
        rest -= part;
      }
    }
    state = step(code, state);
    return code;
  });
  const codes = Uint8Array.from({ length: Math.ceil(nibbles.length / 2) }, (_, position) => {
    const [first, second] = [nibbles[position * 2] ?? 0, nibbles[position * 2 + 1] ?? 0];
    return order === "low" ? first | (second << 4) : (first << 4) | second;
  });
  return { codes, state };
}
