import { seededRandom } from "../seeded-random.ts";

/** Values at which integers of 1, 2, 4 and 8 bytes turn over. */
const boundaries: readonly bigint[] = [
  ...[0n, 1n, 2n, 0x7fn, 0x80n, 0xffn, 0x100n, 0x7fffn, 0x8000n, 0xffffn, 0x1_0000n, 0xf_ffffn, 0x10_0000n],
  ...[0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n],
  2n ** 64n - 1n,
];
const widths = [1, 2, 4, 8] as const;
/** Changes of one input. */
const maxChangeCount = 6;

/** Random numbers of one case, which the case's seed repeats. */
export class CaseRandom {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** A whole number from 0, below `end`. */
  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  /** True with a probability. */
  chance(share: number): boolean {
    return this.#random() < share;
  }

  /** One of some, at least one. */
  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }
}

type Change = (bytes: Buffer, random: CaseRandom, others: readonly Buffer[]) => Buffer;

/** A stretch of some bytes, mostly a short one. */
function stretch(bytes: Buffer, random: CaseRandom): { readonly from: number; readonly to: number } {
  const from = random.below(bytes.byteLength + 1);
  const most = random.chance(0.7) ? 16 : bytes.byteLength;
  return { from, to: Math.min(bytes.byteLength, from + random.below(most + 1)) };
}

/** The integer at a place, of one of the widths and in either byte order. */
function putInteger(bytes: Buffer, random: CaseRandom, change: (present: bigint) => bigint): Buffer {
  const width = random.pick(widths.filter((each) => each <= bytes.byteLength));
  if (width === undefined) return bytes;
  const last = bytes.byteLength - width;
  // Fields stand at multiples of their width.
  const at = random.chance(0.7) ? random.below(Math.floor(last / width) + 1) * width : random.below(last + 1);
  const isLittle = random.chance(0.8);
  let present = 0n;
  for (let index = 0; index < width; index += 1) {
    present = (present << 8n) | BigInt(bytes[isLittle ? at + width - 1 - index : at + index] ?? 0);
  }
  let value = BigInt.asUintN(width * 8, change(present));
  for (let index = 0; index < width; index += 1) {
    bytes[isLittle ? at + index : at + width - 1 - index] = Number(value & 0xffn);
    value >>= 8n;
  }
  return bytes;
}

function flipBit(bytes: Buffer, random: CaseRandom): void {
  const at = random.below(bytes.byteLength);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
}

const changes: readonly Change[] = [
  // A bit.
  (bytes, random) => {
    if (bytes.byteLength > 0) flipBit(bytes, random);
    return bytes;
  },
  // A byte.
  (bytes, random) => {
    if (bytes.byteLength > 0) bytes[random.below(bytes.byteLength)] = random.below(256);
    return bytes;
  },
  (bytes, random) => putInteger(bytes, random, () => random.pick(boundaries)),
  (bytes, random) => putInteger(bytes, random, (present) => present + BigInt(random.below(33) - 16)),
  // Something is missing.
  (bytes, random) => {
    const { from, to } = stretch(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  // The end is missing.
  (bytes, random) => bytes.subarray(0, random.below(bytes.byteLength + 1)),
  // The beginning is missing.
  (bytes, random) => bytes.subarray(random.below(bytes.byteLength + 1)),
  // Something of another input.
  (bytes, random, others) => {
    const other = random.pick(others);
    const { from, to } = stretch(other, random);
    const at = random.below(bytes.byteLength + 1);
    const behind = random.chance(0.5) ? at : Math.min(bytes.byteLength, at + to - from);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(behind)]);
  },
  // Something several times.
  (bytes, random) => {
    const { from, to } = stretch(bytes, random);
    const piece = bytes.subarray(from, to);
    const times = 1 + random.below(random.chance(0.9) ? 4 : 64);
    return Buffer.concat([bytes.subarray(0, to), ...Array.from({ length: times }, () => piece), bytes.subarray(to)]);
  },
  // Zeros, or ones, as lost blocks of a disk read.
  (bytes, random) => {
    const { from, to } = stretch(bytes, random);
    return bytes.fill(random.chance(0.8) ? 0 : 255, from, to);
  },
  // Two pieces in the other order.
  (bytes, random) => {
    const { from, to } = stretch(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to), bytes.subarray(from, to)]);
  },
];

/**
 * A changed copy of an input: bits and bytes flipped, integers set to where they turn over, pieces cut, repeated, put in
 * another order or taken from another input.
 *
 * @param others - valid inputs of the same kind, at least one
 * @param maxBytes - the copy is cut there
 */
export function mutateBytes(
  input: Uint8Array,
  random: CaseRandom,
  others: readonly Buffer[],
  maxBytes: number,
): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let left = 1 + random.below(maxChangeCount); left > 0; left -= 1) {
    bytes = random.pick(changes)(bytes, random, others).subarray(0, maxBytes);
  }
  return bytes;
}
