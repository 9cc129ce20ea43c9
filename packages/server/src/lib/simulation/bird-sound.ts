import { SoftNoise } from "./noise.ts";
import { between, type Random } from "./random.ts";
import { type SoundSource, simulatedRateHz, toSample } from "./sound-source.ts";

const birdCount = 5;

/** One note of a song. */
interface Syllable {
  readonly sampleCount: number;
  readonly fromHz: number;
  readonly toHz: number;
  /** Swings of the pitch within the note: a trill. */
  readonly trillHz: number;
  readonly trillDepthHz: number;
  readonly pauseSampleCount: number;
}

/** Birds of several kinds that sing in turn, over wind. */
export class BirdSound implements SoundSource {
  readonly #birds: readonly Bird[];
  readonly #wind: SoftNoise;
  readonly #gusts: SoftNoise;

  constructor(random: Random) {
    this.#birds = Array.from({ length: birdCount }, () => new Bird(random));
    this.#wind = new SoftNoise(random, 0.93);
    this.#gusts = new SoftNoise(random, 0.9999);
  }

  read(samples: Int16Array): void {
    for (let index = 0; index < samples.length; index += 1) {
      let value = this.#wind.next() * 0.006 * (1.2 + Math.max(-0.8, 2 * this.#gusts.next()));
      for (const bird of this.#birds) value += bird.next();
      samples[index] = toSample(value);
    }
  }
}

/** One bird: its song is made of few syllables, which it repeats with small variations, then rests. */
class Bird {
  readonly #random: Random;
  readonly #syllables: readonly Syllable[];
  readonly #loudness: number;
  #leftCount = 0;
  #restSampleCount: number;
  #syllable: Syllable | undefined;
  #position = 0;
  #phase = 0;
  #detune = 1;

  constructor(random: Random) {
    this.#random = random;
    const centreHz = between(random, 2_400, 5_600);
    this.#syllables = Array.from({ length: 2 + Math.floor(random() * 2) }, () => makeSyllable(random, centreHz));
    this.#loudness = between(random, 0.05, 0.28);
    this.#restSampleCount = Math.round(between(random, 0, 3) * simulatedRateHz);
  }

  next(): number {
    if (this.#restSampleCount > 0) {
      this.#restSampleCount -= 1;
      return 0;
    }
    const syllable = this.#syllable ?? this.#begin();
    const share = this.#position / syllable.sampleCount;
    const trill = syllable.trillDepthHz * Math.sin((2 * Math.PI * syllable.trillHz * this.#position) / simulatedRateHz);
    const hz = (syllable.fromHz + (syllable.toHz - syllable.fromHz) * share + trill) * this.#detune;
    this.#phase += (2 * Math.PI * hz) / simulatedRateHz;
    this.#position += 1;
    if (this.#position >= syllable.sampleCount) this.#end(syllable);
    const envelope = Math.sin(Math.PI * share) ** 0.8;
    return this.#loudness * envelope * (Math.sin(this.#phase) + 0.12 * Math.sin(2 * this.#phase));
  }

  #begin(): Syllable {
    const random = this.#random;
    if (this.#leftCount === 0) {
      this.#leftCount = 3 + Math.floor(random() * 9);
      this.#detune = between(random, 0.97, 1.03);
    }
    const syllable = this.#syllables[Math.floor(random() * this.#syllables.length)] ?? makeSyllable(random, 3_000);
    this.#syllable = syllable;
    this.#position = 0;
    this.#phase = 0;
    return syllable;
  }

  #end({ pauseSampleCount }: Syllable): void {
    this.#syllable = undefined;
    this.#leftCount -= 1;
    const restS = this.#leftCount === 0 ? between(this.#random, 1.5, 7) : 0;
    this.#restSampleCount = pauseSampleCount + Math.round(restS * simulatedRateHz);
  }
}

function makeSyllable(random: Random, centreHz: number): Syllable {
  const fromHz = centreHz * between(random, 0.85, 1.2);
  const isTrill = random() < 0.35;
  return {
    sampleCount: Math.round(between(random, 0.05, isTrill ? 0.4 : 0.18) * simulatedRateHz),
    fromHz,
    toHz: fromHz * between(random, 0.7, 1.35),
    trillHz: isTrill ? between(random, 18, 42) : 0,
    trillDepthHz: isTrill ? between(random, 150, 500) : 0,
    pauseSampleCount: Math.round(between(random, 0.03, 0.14) * simulatedRateHz),
  };
}
