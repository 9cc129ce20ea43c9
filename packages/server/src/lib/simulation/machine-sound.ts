import { SoftNoise } from "./noise.ts";
import { between, type Random } from "./random.ts";
import { type SoundSource, simulatedRateHz, toSample } from "./sound-source.ts";

/** Of the shaft, at rest speed. */
const turnHz = 24.6;
/** Multiples of the shaft's speed that are heard, and how loud: unbalance, mains hum, blades, gear mesh. */
const partials = [
  [1, 0.16],
  [2, 0.22],
  [4, 0.12],
  [6, 0.07],
  [12, 0.06],
  [37, 0.035],
  [74, 0.012],
] as const;
/** The bearing knocks once in so many turns. */
const turnsPerKnock = 9.2;
const ringing = [
  [860, 0.5],
  [2_130, 0.3],
  [3_940, 0.2],
] as const;

/** A machine: hum and overtones of a shaft whose speed wanders, air, and a bearing that knocks as it turns. */
export class MachineSound implements SoundSource {
  readonly #random: Random;
  readonly #gain: number;
  readonly #air: SoftNoise;
  readonly #wander: SoftNoise;
  #turns = 0;
  #nextKnockTurns = turnsPerKnock;
  #knockAge = Number.POSITIVE_INFINITY;
  #knockLoudness = 0;

  /** @param gain - from about 1.2 on it clips */
  constructor(random: Random, gain: number) {
    this.#random = random;
    this.#gain = gain;
    this.#air = new SoftNoise(random, 0.7);
    this.#wander = new SoftNoise(random, 0.99995);
  }

  read(samples: Int16Array): void {
    for (let index = 0; index < samples.length; index += 1) {
      this.#turns += (turnHz * (1 + 0.012 * this.#wander.next())) / simulatedRateHz;
      let value = 0.018 * this.#air.next() + this.#knock();
      for (const [multiple, loudness] of partials) value += loudness * Math.sin(2 * Math.PI * multiple * this.#turns);
      samples[index] = toSample(this.#gain * value);
    }
  }

  #knock(): number {
    if (this.#turns >= this.#nextKnockTurns) {
      this.#nextKnockTurns += turnsPerKnock * between(this.#random, 0.96, 1.04);
      this.#knockAge = 0;
      this.#knockLoudness = between(this.#random, 0.35, 0.8);
    }
    const atS = this.#knockAge / simulatedRateHz;
    if (atS > 0.15) return 0;
    this.#knockAge += 1;
    let value = 0;
    for (const [hz, loudness] of ringing) {
      value += loudness * Math.exp(-atS * (40 + hz / 60)) * Math.sin(2 * Math.PI * hz * atS);
    }
    return this.#knockLoudness * value;
  }
}
