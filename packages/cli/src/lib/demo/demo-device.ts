import { fileURLToPath } from "node:url";
import type { NibbleOrder } from "@eet/audio";
import type { Codec, StreamFormat } from "@eet/protocol";
import { frameSampleCountOf } from "../stream/frame-encoder.ts";
import { FileFrameSource } from "../stream/frame-source.ts";
import { Pacer } from "../stream/pacer.ts";
import { openPcmFile } from "../stream/pcm-file.ts";
import { StreamRun } from "../stream/stream-run.ts";

const frameMs = 20;

/** A simulated device: what it plays, and how it sends it. */
export interface DemoDevice {
  readonly hwid: string;
  readonly recording: "speech_16k.wav" | "sine_pcm16.wav";
  readonly codec: Codec;
  readonly nibbleOrder: NibbleOrder;
  /** One line for the list of devices. */
  readonly description: string;
}

/** Four devices that show what differs in the field: codecs, and the order of nibbles. */
export const demoDevices: readonly DemoDevice[] = [
  {
    hwid: "kitchen",
    recording: "speech_16k.wav",
    codec: "adpcm",
    nibbleOrder: "low",
    description: "a voice, ADPCM, low nibble first",
  },
  {
    hwid: "hallway",
    recording: "speech_16k.wav",
    codec: "adpcm",
    nibbleOrder: "high",
    description: "a voice, ADPCM, high nibble first (the server finds out)",
  },
  {
    hwid: "garden",
    recording: "speech_16k.wav",
    codec: "pcm16",
    nibbleOrder: "low",
    description: "a voice, PCM",
  },
  {
    hwid: "workshop",
    recording: "sine_pcm16.wav",
    codec: "adpcm",
    nibbleOrder: "low",
    description: "a test tone of 1 kHz, ADPCM",
  },
];

/**
 * Streams a device's recording in real time, again and again.
 *
 * @param seconds - seconds of audio; `Infinity` until `interruption`
 * @returns when the server has it all, or with the reason why not
 */
export async function streamDemoDevice(
  device: DemoDevice,
  streamId: number,
  url: string,
  seconds: number,
  interruption: AbortSignal,
): Promise<StreamRun> {
  const path = fileURLToPath(new URL(`../../../../../data/${device.recording}`, import.meta.url));
  const file = await openPcmFile(path, undefined);
  try {
    const { sampleRateHz, channels } = file.format;
    const { codec, nibbleOrder, hwid } = device;
    const frameSampleCount = frameSampleCountOf(frameMs, sampleRateHz, codec);
    const format: StreamFormat = { codec, sampleRateHz, channels, frameSampleCount };
    const source = new FileFrameSource(file, { format, nibbleOrder }, Math.round(seconds * sampleRateHz));
    const pacer = new Pacer(frameMs, interruption);
    const run = new StreamRun({ hwid, streamId }, 0, { url, format, source, pacer, isEndless: true, interruption });
    const stream = await run.open();
    if (stream !== undefined) await run.send(stream);
    return run;
  } finally {
    await file.close();
  }
}
