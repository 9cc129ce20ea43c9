/** Of the band that both rates can carry: what lies below is kept as it is, what lies above the band is gone. */
const passShare = 0.9;
/** Of what lies above the band, dB. */
const stopDb = 90;

/**
 * Changes the rate of one channel: a low-pass of a windowed sinc (Kaiser, 90 dB), computed once for each of the places that
 * an output sample can have between two input samples. What passes is flat to 0.9 of the lower rate's band. It holds what
 * it needs from one call to the next, so that pieces join without a seam.
 */
export class Resampler {
  readonly #step: number;
  readonly #phaseCount: number;
  readonly #tapCount: number;
  /** Taps of all phases, one phase after the other. */
  readonly #taps: Float32Array;
  /** Input that outputs to come still need; begins with silence, so that the first sample has its neighbours. */
  #held: Float32Array;
  /** Of the next output, in input samples times the count of phases, from the first one held. */
  #position = 0;

  /** @param inputHz - whole numbers, as all rates */
  constructor(inputHz: number, outputHz: number) {
    const divisor = greatestDivisor(inputHz, outputHz);
    this.#phaseCount = outputHz / divisor;
    this.#step = inputHz / divisor;
    const bandHz = Math.min(inputHz, outputHz) / 2;
    const transition = (2 * Math.PI * bandHz * (1 - passShare)) / inputHz;
    this.#tapCount = 2 * Math.ceil((stopDb - 8) / (2.285 * transition) / 2);
    const cutoff = (bandHz * (1 + passShare)) / 2 / inputHz;
    this.#taps = makeTaps(this.#phaseCount, this.#tapCount, cutoff);
    this.#held = new Float32Array(this.#tapCount / 2 - 1);
  }

  /** Takes samples. @returns those of the output that they make possible */
  push(input: Float32Array): Float32Array {
    const samples = new Float32Array(this.#held.length + input.length);
    samples.set(this.#held);
    samples.set(input, this.#held.length);
    const lastStart = samples.length - this.#tapCount;
    const limit = (lastStart + 1) * this.#phaseCount;
    const count = Math.max(0, Math.ceil((limit - this.#position) / this.#step));
    const output = new Float32Array(count);
    for (let index = 0; index < count; index += 1) {
      const start = Math.floor(this.#position / this.#phaseCount);
      output[index] = this.#sum(samples, start, this.#position - start * this.#phaseCount);
      this.#position += this.#step;
    }
    const used = Math.min(samples.length, Math.floor(this.#position / this.#phaseCount));
    this.#held = samples.slice(used);
    this.#position -= used * this.#phaseCount;
    return output;
  }

  #sum(samples: Float32Array, start: number, phase: number): number {
    const first = phase * this.#tapCount;
    let sum = 0;
    for (let tap = 0; tap < this.#tapCount; tap += 1) {
      sum += (samples[start + tap] ?? 0) * (this.#taps[first + tap] ?? 0);
    }
    return sum;
  }
}

/** Low-pass at `cutoff` (of the input's rate), shifted by each phase's share of an input sample. */
function makeTaps(phaseCount: number, tapCount: number, cutoff: number): Float32Array {
  const beta = 0.1102 * (stopDb - 8.7);
  const scale = bessel(beta);
  const taps = new Float32Array(phaseCount * tapCount);
  for (let phase = 0; phase < phaseCount; phase += 1) {
    let sum = 0;
    for (let tap = 0; tap < tapCount; tap += 1) {
      const at = tap - (tapCount / 2 - 1) - phase / phaseCount;
      const share = at / (tapCount / 2);
      const window = bessel(beta * Math.sqrt(Math.max(0, 1 - share * share))) / scale;
      const value = window * sinc(2 * cutoff * at);
      taps[phase * tapCount + tap] = value;
      sum += value;
    }
    // Each phase passes a constant as it is.
    for (let tap = phase * tapCount; tap < (phase + 1) * tapCount; tap += 1) taps[tap] = (taps[tap] ?? 0) / sum;
  }
  return taps;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Modified Bessel function of the first kind, order 0. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
