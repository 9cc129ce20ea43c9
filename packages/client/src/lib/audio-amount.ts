/** How much audio. */
export interface AudioAmount {
  readonly frameCount: number;
  /** Per channel. */
  readonly sampleCount: number;
}

/** An amount that grows and shrinks. */
export class AudioTally implements AudioAmount {
  #frameCount = 0;
  #sampleCount = 0;
  #whole: AudioTally | undefined;

  get frameCount(): number {
    return this.#frameCount;
  }

  get sampleCount(): number {
    return this.#sampleCount;
  }

  /** What it is now. */
  snapshot(): AudioAmount {
    return { frameCount: this.#frameCount, sampleCount: this.#sampleCount };
  }

  /** A tally whose amounts are added to this one too. */
  part(): AudioTally {
    const part = new AudioTally();
    part.#whole = this;
    return part;
  }

  /** @param frameCount - may be negative, as may `sampleCount` */
  add(frameCount: number, sampleCount: number): void {
    this.#frameCount += frameCount;
    this.#sampleCount += sampleCount;
    this.#whole?.add(frameCount, sampleCount);
  }
}
