import type { Random } from "./random.ts";

/** Noise that falls off towards high frequencies, as wind and rooms do. */
export class SoftNoise {
  readonly #random: Random;
  readonly #smoothing: number;
  #value = 0;

  /** @param smoothing - 0: white; towards 1: only what is low is left */
  constructor(random: Random, smoothing: number) {
    this.#random = random;
    this.#smoothing = smoothing;
  }

  /** The next value, about -1 to 1. */
  next(): number {
    const white = this.#random() * 2 - 1;
    this.#value = this.#smoothing * this.#value + (1 - this.#smoothing) * white;
    // As loud as it was before it was smoothed.
    return this.#value * Math.sqrt((1 + this.#smoothing) / (1 - this.#smoothing));
  }
}
