/**
 * Power of the frequencies in a piece of a signal: a Hann window and a Fourier transform of real numbers, done as a
 * complex one of half the length. Between two calls it holds nothing, so one may serve all that have the same size.
 */
export class PowerSpectrum {
  /** Samples that go in: a power of two, at least 8. */
  readonly size: number;
  /** In the order of {@link #values}. */
  readonly #window: Float64Array;
  /** Where in the signal the values at each place come from, in pairs of samples. */
  readonly #order: Uint32Array;
  /** Cosine and sine of what the stage for each length of 1, 2, 4 ... turns by, one stage after the other. */
  readonly #turns: Float64Array;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  /** Complex numbers: real and imaginary part in turn. */
  readonly #values: Float64Array;

  /** @throws RangeError for a size that is no power of two or below 8 */
  constructor(size: number) {
    if (size < 8 || (size & (size - 1)) !== 0)
      throw new RangeError(`size must be a power of two from 8 on; got ${size}`);
    const half = size / 2;
    const bitCount = Math.log2(half);
    this.size = size;
    this.#order = Uint32Array.from({ length: half }, (_, n) => reverseBits(n, bitCount));
    this.#window = Float64Array.from({ length: size }, (_, at) => {
      const n = 2 * reverseBits(at >> 1, bitCount) + (at & 1);
      return 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size);
    });
    this.#cos = Float64Array.from({ length: half }, (_, n) => Math.cos((2 * Math.PI * n) / size));
    this.#sin = Float64Array.from({ length: half }, (_, n) => -Math.sin((2 * Math.PI * n) / size));
    this.#turns = stageTurns(this.#cos, this.#sin);
    this.#values = new Float64Array(size);
  }

  /**
   * Adds the power of each frequency to `sums`. A full-scale (32768) sine at the middle of a bin has power 1 there.
   *
   * @param samples - interleaved; what lies beyond its end counts as 0
   * @param offset - index of the first value
   * @param stride - values from one sample to the next: the number of channels
   * @param sums - `size / 2` bins from 0 Hz on, `sampleRate / size` apart
   */
  add(samples: Int16Array, offset: number, stride: number, sums: Float64Array): void {
    this.#load(samples, offset, stride);
    this.#transform();
    this.#addPowers(sums);
  }

  /** Windowed, even samples as real and odd ones as imaginary parts, in the order that the transform needs. */
  #load(samples: Int16Array, offset: number, stride: number): void {
    const window = this.#window;
    const order = this.#order;
    const values = this.#values;
    const end = samples.length;
    for (let place = 0; place < order.length; place += 1) {
      const even = offset + (order[place] as number) * 2 * stride;
      const odd = even + stride;
      const at = 2 * place;
      values[at] = even < end ? (samples[even] as number) * (window[at] as number) : 0;
      values[at + 1] = odd < end ? (samples[odd] as number) * (window[at + 1] as number) : 0;
    }
  }

  /** Two stages at a time, so that what one gives need not be stored for the next. */
  #transform(): void {
    const half = this.size / 2;
    let length = 1;
    if (Math.log2(half) % 2 === 1) {
      this.#addPairs();
      length = 2;
    }
    for (; length < half; length *= 4) this.#turnTwice(length);
  }

  /** The first stage, which turns nothing. */
  #addPairs(): void {
    const values = this.#values;
    for (let at = 0; at < values.length; at += 4) {
      const firstReal = values[at] as number;
      const firstImaginary = values[at + 1] as number;
      const secondReal = values[at + 2] as number;
      const secondImaginary = values[at + 3] as number;
      values[at] = firstReal + secondReal;
      values[at + 1] = firstImaginary + secondImaginary;
      values[at + 2] = firstReal - secondReal;
      values[at + 3] = firstImaginary - secondImaginary;
    }
  }

  // Here and below in plain local numbers: arrays that are taken apart would cost as much as the transform.
  /** The stages for `length` and for its double: four numbers, `length` apart, become four. */
  #turnTwice(length: number): void {
    const values = this.#values;
    const turns = this.#turns;
    const width = 2 * length;
    const innerAt = width - 2;
    const outerAt = 2 * width - 2;
    for (let group = 0; group < values.length; group += 4 * width) {
      for (let n = 0; n < width; n += 2) {
        const innerCos = turns[innerAt + n] as number;
        const innerSin = turns[innerAt + n + 1] as number;
        const firstCos = turns[outerAt + n] as number;
        const firstSin = turns[outerAt + n + 1] as number;
        const secondCos = turns[outerAt + n + width] as number;
        const secondSin = turns[outerAt + n + width + 1] as number;
        const a = group + n;
        const b = a + width;
        const c = b + width;
        const d = c + width;
        const bReal = (values[b] as number) * innerCos - (values[b + 1] as number) * innerSin;
        const bImaginary = (values[b] as number) * innerSin + (values[b + 1] as number) * innerCos;
        const dReal = (values[d] as number) * innerCos - (values[d + 1] as number) * innerSin;
        const dImaginary = (values[d] as number) * innerSin + (values[d + 1] as number) * innerCos;
        const evenReal = (values[c] as number) + dReal;
        const evenImaginary = (values[c + 1] as number) + dImaginary;
        const oddReal = (values[c] as number) - dReal;
        const oddImaginary = (values[c + 1] as number) - dImaginary;
        const cReal = evenReal * firstCos - evenImaginary * firstSin;
        const cImaginary = evenReal * firstSin + evenImaginary * firstCos;
        const eReal = oddReal * secondCos - oddImaginary * secondSin;
        const eImaginary = oddReal * secondSin + oddImaginary * secondCos;
        const sumReal = (values[a] as number) + bReal;
        const sumImaginary = (values[a + 1] as number) + bImaginary;
        const differenceReal = (values[a] as number) - bReal;
        const differenceImaginary = (values[a + 1] as number) - bImaginary;
        values[a] = sumReal + cReal;
        values[a + 1] = sumImaginary + cImaginary;
        values[c] = sumReal - cReal;
        values[c + 1] = sumImaginary - cImaginary;
        values[b] = differenceReal + eReal;
        values[b + 1] = differenceImaginary + eImaginary;
        values[d] = differenceReal - eReal;
        values[d + 1] = differenceImaginary - eImaginary;
      }
    }
  }

  /** Takes the two halves apart again: a bin and its mirror image hold parts of each other. */
  #addPowers(sums: Float64Array): void {
    const half = this.size / 2;
    const values = this.#values;
    const cos = this.#cos;
    const sin = this.#sin;
    // A full-scale sine has an amplitude of 32768 * size / 2, halved by the window's mean.
    const scale = (4 / (32768 * this.size)) ** 2;
    const offset = (values[0] as number) + (values[1] as number);
    sums[0] = (sums[0] as number) + offset * offset * scale;
    for (let bin = 1, mirror = half - 1; bin <= mirror; bin += 1, mirror -= 1) {
      const r = values[2 * bin] as number;
      const i = values[2 * bin + 1] as number;
      const mirrorReal = values[2 * mirror] as number;
      const mirrorImaginary = values[2 * mirror + 1] as number;
      const evenReal = (r + mirrorReal) / 2;
      const evenImaginary = (i - mirrorImaginary) / 2;
      const oddReal = (i + mirrorImaginary) / 2;
      const oddImaginary = (mirrorReal - r) / 2;
      const c = cos[bin] as number;
      const s = sin[bin] as number;
      const sumReal = evenReal + oddReal * c - oddImaginary * s;
      const sumImaginary = evenImaginary + oddImaginary * c + oddReal * s;
      sums[bin] = (sums[bin] as number) + (sumReal * sumReal + sumImaginary * sumImaginary) * scale;
      if (bin === mirror) return;
      const mirrorCos = cos[mirror] as number;
      const mirrorSin = sin[mirror] as number;
      const differenceReal = evenReal + oddReal * mirrorCos + oddImaginary * mirrorSin;
      const differenceImaginary = -evenImaginary - oddImaginary * mirrorCos + oddReal * mirrorSin;
      sums[mirror] =
        (sums[mirror] as number) +
        (differenceReal * differenceReal + differenceImaginary * differenceImaginary) * scale;
    }
  }
}

/** What each stage turns by, so that it stands in the order in which it is needed. */
function stageTurns(cos: Float64Array, sin: Float64Array): Float64Array {
  const half = cos.length;
  const turns = new Float64Array(2 * (half - 1));
  for (let length = 1; length < half; length *= 2) {
    for (let n = 0; n < length; n += 1) {
      const at = 2 * (length - 1 + n);
      turns[at] = cos[(n * half) / length] as number;
      turns[at + 1] = sin[(n * half) / length] as number;
    }
  }
  return turns;
}

function reverseBits(value: number, bitCount: number): number {
  let reversed = 0;
  for (let bit = 0; bit < bitCount; bit += 1) reversed |= ((value >> bit) & 1) << (bitCount - 1 - bit);
  return reversed;
}

/** Smallest and largest value of {@link levelOfPower}; 0 is left for "nothing recorded". */
const [lowestLevel, highestLevel] = [1, 255];

/** Of a number's 64 bits the sign, the exponent and the first six of the fraction: a span of at most 1.6 %. */
const spanShift = 14;
const lowestSpan = (1023 - 43) << 6;
const highestSpan = 1023 << 6;

/** One number and its bits. */
const number = new Float64Array(1);
const halves = new Uint32Array(number.buffer);
const highHalf = new Uint8Array(Uint16Array.of(1).buffer)[0] as number;

/** The level of each span of powers from 2^-43 to 1 in which there is but one, else 0: most logarithms are spared. */
const spanLevels = Uint8Array.from({ length: highestSpan - lowestSpan }, (_, index) => {
  const [first, end] = [startOfSpan(lowestSpan + index), startOfSpan(lowestSpan + index + 1)];
  return measureLevel(first) === measureLevel(end) ? measureLevel(first) : 0;
});

function startOfSpan(span: number): number {
  halves.fill(0);
  halves[highHalf] = span << spanShift;
  return number[0] as number;
}

/** A power relative to a full-scale sine as one byte, 1 to 255: `(level - 255) / 2` dB, -127 at least. */
export function levelOfPower(power: number): number {
  number[0] = power;
  const span = (halves[highHalf] as number) >> spanShift;
  return spanLevels[span - lowestSpan] || measureLevel(power);
}

function measureLevel(power: number): number {
  if (power <= 0) return lowestLevel;
  const level = Math.round(highestLevel + 20 * Math.log10(power));
  return level < lowestLevel ? lowestLevel : level > highestLevel ? highestLevel : level;
}

/** The power that a level stands for; 0 for the level 0. */
export function powerOfLevel(level: number): number {
  return level === 0 ? 0 : 10 ** ((level - highestLevel) / 20);
}
