import { between, type Random } from "./random.ts";

/** Decides which frames get lost on a link that fails now and then. */
export class BadLink {
  readonly #random: Random;
  readonly #frameS: number;
  #leftFrameCount: number;
  #isDown = false;

  constructor(random: Random, frameS: number) {
    this.#random = random;
    this.#frameS = frameS;
    this.#leftFrameCount = this.#framesOf(between(random, 3, 6));
  }

  /** Whether the next frame is lost. */
  losesNext(): boolean {
    if (this.#leftFrameCount <= 0) {
      this.#isDown = !this.#isDown;
      const seconds = this.#isDown ? between(this.#random, 0.2, 1.6) : between(this.#random, 4, 11);
      this.#leftFrameCount = this.#framesOf(seconds);
    }
    this.#leftFrameCount -= 1;
    return this.#isDown;
  }

  #framesOf(seconds: number): number {
    return Math.max(1, Math.round(seconds / this.#frameS));
  }
}
