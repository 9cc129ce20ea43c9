import { readFile } from "node:fs/promises";
import { parseWav } from "@eet/audio";
import { seededRandom } from "./seeded-random.ts";
import type { DeviceSound } from "./sound-device.ts";
import { adpcmPayloads, makeTone, pcmPayloads } from "./tone.ts";

const rateHz = 16_000;
const frameSampleCount = 320;
const loopS = 12;

/** 16 kHz mono PCM in frames of 20 ms. */
export function pcmSound(samples: Int16Array, isLost?: (seq: number) => boolean): DeviceSound {
  const format = { codec: "pcm16", sampleRateHz: rateHz, channels: 1, frameSampleCount } as const;
  return { format, payloads: pcmPayloads(samples, frameSampleCount), ...(isLost && { isLost }) };
}

/** 16 kHz mono PCM in frames of 100 ms: many devices play it on a small machine. */
export function slowPcmSound(samples: Int16Array): DeviceSound {
  const format = { codec: "pcm16", sampleRateHz: rateHz, channels: 1, frameSampleCount: frameSampleCount * 5 } as const;
  return { format, payloads: pcmPayloads(samples, format.frameSampleCount) };
}

/** 16 kHz mono ADPCM, low nibble first. */
export function adpcmSound(samples: Int16Array): DeviceSound {
  const format = { codec: "adpcm", sampleRateHz: rateHz, channels: 1, frameSampleCount } as const;
  return { format, payloads: adpcmPayloads(samples, frameSampleCount, "low") };
}

/** Music of a kind: chords of several tones, 48 kHz stereo PCM. */
export function stereoSound(): DeviceSound {
  const format = { codec: "pcm16", sampleRateHz: 48_000, channels: 2, frameSampleCount: 960 } as const;
  const chords = [
    [220, 277, 330],
    [196, 247, 294],
    [175, 220, 262],
    [196, 247, 330],
  ];
  const samples = Int16Array.from({ length: 48_000 * 2 * 8 }, (_, index) => {
    const atS = Math.floor(index / 2) / 48_000;
    const chord = chords[Math.floor(atS / 2) % chords.length] ?? [];
    const envelope = Math.exp(-1.6 * (atS % 0.5));
    const tone = chord.reduce((sum, hz) => sum + Math.sin(2 * Math.PI * hz * (index % 2 === 0 ? 1 : 2) * atS), 0);
    return Math.round(6_500 * envelope * tone);
  });
  return { format, payloads: pcmPayloads(samples, 1_920) };
}

/** The bundled voice. */
export async function voice(): Promise<Int16Array> {
  const bytes = await readFile(new URL("../../data/speech_16k.wav", import.meta.url));
  const { dataOffset, dataBytes } = parseWav(bytes);
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset + dataOffset, bytes.byteOffset + dataOffset + dataBytes));
}

/** Birds: chirps at random over a little wind. */
export function birds(seed: number): Int16Array {
  const random = seededRandom(seed);
  const samples = noise(random, 0.004);
  for (let bird = 0; bird < loopS * 3; bird += 1) {
    const fromHz = 2_200 + random() * 3_000;
    const toHz = fromHz + (random() - 0.3) * 1_600;
    const length = Math.round(rateHz * (0.06 + random() * 0.14));
    const start = Math.floor(random() * (samples.length - length));
    const loudness = 3_000 + random() * 9_000;
    let phase = 0;
    for (let index = 0; index < length; index += 1) {
      const share = index / length;
      phase += (2 * Math.PI * (fromHz + (toHz - fromHz) * share)) / rateHz;
      add(samples, start + index, loudness * Math.sin(Math.PI * share) * Math.sin(phase));
    }
  }
  return samples;
}

/** A machine: hum with overtones that beats, over noise. @param gain - above 1 it clips */
export function machine(gain: number): Int16Array {
  const samples = noise(seededRandom(7), 0.02 * gain);
  for (let index = 0; index < samples.length; index += 1) {
    const atS = index / rateHz;
    const beat = 0.6 + 0.4 * Math.sin(2 * Math.PI * 0.5 * atS);
    const tones = [50, 100, 150, 1_450, 2_900].map((hz, place) => Math.sin(2 * Math.PI * hz * atS) / (place + 1));
    add(samples, index, gain * beat * 12_000 * tones.reduce((sum, tone) => sum + tone, 0));
  }
  return samples;
}

/** Nothing at all. */
export function silence(): Int16Array {
  return new Int16Array(rateHz * loopS);
}

/** A tone. */
export function tone(frequencyHz: number, amplitude: number): Int16Array {
  return makeTone(frequencyHz, rateHz, rateHz * loopS, amplitude);
}

function noise(random: () => number, amplitude: number): Int16Array {
  return Int16Array.from({ length: rateHz * loopS }, () => Math.round((random() * 2 - 1) * 32_767 * amplitude));
}

function add(samples: Int16Array, index: number, value: number): void {
  samples[index] = Math.max(-32_768, Math.min(32_767, Math.round((samples[index] ?? 0) + value)));
}
