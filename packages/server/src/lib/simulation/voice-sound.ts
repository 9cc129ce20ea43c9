import { between, type Random } from "./random.ts";
import { type SoundSource, simulatedRateHz } from "./sound-source.ts";

/** A recording of a voice, again and again, with a pause in between. */
export class VoiceSound implements SoundSource {
  readonly #recording: Int16Array;
  readonly #random: Random;
  #position: number;
  #pauseSampleCount = 0;

  constructor(recording: Int16Array, random: Random) {
    this.#recording = recording;
    this.#random = random;
    // Several voices do not read the same at once.
    this.#position = Math.floor(random() * recording.length);
  }

  read(samples: Int16Array): void {
    for (let index = 0; index < samples.length; index += 1) {
      if (this.#pauseSampleCount > 0) {
        this.#pauseSampleCount -= 1;
        samples[index] = 0;
        continue;
      }
      samples[index] = this.#recording[this.#position] ?? 0;
      this.#position += 1;
      if (this.#position < this.#recording.length) continue;
      this.#position = 0;
      this.#pauseSampleCount = Math.round(between(this.#random, 0.4, 1.2) * simulatedRateHz);
    }
  }
}
