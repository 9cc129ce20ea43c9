import { BirdSound } from "./bird-sound.ts";
import { MachineSound } from "./machine-sound.ts";
import { makeRandom } from "./random.ts";
import type { SoundSource } from "./sound-source.ts";
import { VoiceSound } from "./voice-sound.ts";

/** What a simulated device can be. */
export const simulatedKinds = ["voice", "birds", "machine", "gaps", "clipping", "silent"] as const;
export type SimulatedKind = (typeof simulatedKinds)[number];

/** What people are told of each. */
export const kindDescriptions: Readonly<Record<SimulatedKind, string>> = {
  voice: "a voice reading",
  birds: "birds in the wind",
  machine: "a machine with a bearing that knocks",
  gaps: "birds over a bad link, with gaps",
  clipping: "a machine too close to the microphone",
  silent: "a microphone that hears nothing",
};

/**
 * Makes the sound of a kind: 16 kHz mono, without end, never the same twice but for equal seeds.
 *
 * @param recording - of a voice, at 16 kHz; `undefined` where there is none: `voice` is birds then
 */
export function makeSound(kind: SimulatedKind, seed: number, recording: Int16Array | undefined): SoundSource {
  const random = makeRandom(seed);
  switch (kind) {
    case "voice":
      return recording === undefined ? new BirdSound(random) : new VoiceSound(recording, random);
    case "birds":
    case "gaps":
      return new BirdSound(random);
    case "machine":
      return new MachineSound(random, 0.55);
    case "clipping":
      return new MachineSound(random, 4);
    case "silent":
      return { read: (samples) => void samples.fill(0) };
  }
}
