import type { AdpcmState } from "@eet/audio";
import type { StreamFormat } from "@eet/protocol";
import { makeSound, SimulatedDevice, type SoundSource } from "@eet/server";
import { bundledRecordingPath } from "../bundled-recording-store.ts";
import { chooseDeliveryPolicy } from "../stream/delivery-policy.ts";
import { type AudioFrame, encodeFrames, type FrameCoding, frameSampleCountOf } from "../stream/frame-encoder.ts";
import type { FrameSource } from "../stream/frame-source.ts";
import { Pacer } from "../stream/pacer.ts";
import { openPcmFile } from "../stream/pcm-file.ts";
import { type SessionPlan, SessionRun } from "../stream/session-run.ts";
import type { DemoDevice } from "./demo-devices.ts";

const frameMs = 20;
/** Of the sounds and of the bundled recording. */
const sampleRateHz = 16_000;

/** What all devices of a demo share. */
export interface DemoPlan {
  /** The server's endpoint, as `ws://127.0.0.1:5096/ws`. */
  readonly url: string;
  /** Lets them in also when somebody at the page makes the first token. */
  readonly token: string;
  /** Of audio; `Infinity` until `interruption`. */
  readonly seconds: number;
  readonly interruption: AbortSignal;
  /** The bundled recording of a voice. */
  readonly voice: Int16Array;
  /** Told once the device is connected. */
  readonly onConnected: (device: DemoDevice) => void;
}

/** How a device has fared. */
export interface DemoOutcome {
  readonly hwid: string;
  /** Why not all of it is delivered. */
  readonly failure: string | undefined;
  /** Audio that the server acknowledged as being on stable storage. */
  readonly durableS: number;
}

/** Reads the bundled recording of a voice. */
export async function readDemoVoice(): Promise<Int16Array> {
  const file = await openPcmFile(bundledRecordingPath("speech_16k.wav"), undefined);
  try {
    return await file.readSamples(0, file.sampleCount);
  } finally {
    await file.close();
  }
}

/** Streams a device in real time. @returns when the server has it all, or with the reason why not */
export function streamDemoDevice(device: DemoDevice, place: number, plan: DemoPlan): Promise<DemoOutcome> {
  return device.kind === "gaps" ? streamPlainly(device, place, plan) : streamAcknowledged(device, place, plan);
}

async function streamAcknowledged(device: DemoDevice, place: number, plan: DemoPlan): Promise<DemoOutcome> {
  const { codec, nibbleOrder, hwid, kind } = device;
  const { url, token, seconds, interruption, voice, onConnected } = plan;
  const target = { hwid, streamId: 1 };
  const frameSampleCount = frameSampleCountOf(frameMs, sampleRateHz, codec);
  const format: StreamFormat = { codec, sampleRateHz, channels: 1, frameSampleCount };
  const choice = { targets: [target], isRealtime: true, giveUpS: undefined, spool: undefined };
  const sessionPlan: SessionPlan = {
    ...{ url, format, interruption, nibbleOrder },
    source: new SoundFrames(makeSound(kind, place, voice), { format, nibbleOrder }, Math.round(seconds * sampleRateHz)),
    pacer: new Pacer(frameMs, interruption),
    isEndless: true,
    policy: chooseDeliveryPolicy(choice, format, false),
    token,
    pace: undefined,
    onOpen: () => onConnected(device),
    isReached: () => true,
    spool: undefined,
  };
  const run = new SessionRun(target, 0, sessionPlan);
  await run.open();
  await run.ended;
  return { hwid, failure: run.failure, durableS: (run.progress.durable?.sampleCount ?? 0) / sampleRateHz };
}

/** As devices of version 1 do: what their link loses is lost. */
async function streamPlainly(device: DemoDevice, place: number, plan: DemoPlan): Promise<DemoOutcome> {
  const { hwid, kind } = device;
  const { url, token, seconds, interruption, voice, onConnected } = plan;
  const simulated = new SimulatedDevice({
    entrance: () => ({ url }),
    token,
    hwid,
    kind,
    seed: place,
    recording: voice,
  });
  onConnected(device);
  await lasting(seconds * 1000, interruption);
  await simulated.close();
  return { hwid, failure: undefined, durableS: 0 };
}

/** Resolves when the time is over, or at the interruption. */
function lasting(durationMs: number, interruption: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // Timers of Node hold 24 days.
    const timer = Number.isFinite(durationMs) ? setTimeout(resolve, durationMs) : undefined;
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    if (interruption.aborted) end();
    else interruption.addEventListener("abort", end, { once: true });
  });
}

/** Frames of a sound without end. */
class SoundFrames implements FrameSource {
  readonly #sound: SoundSource;
  readonly #coding: FrameCoding;
  readonly #sampleCount: number;

  /** @param sampleCount - where it ends, `Infinity` for never */
  constructor(sound: SoundSource, coding: FrameCoding, sampleCount: number) {
    this.#sound = sound;
    this.#coding = coding;
    this.#sampleCount = sampleCount;
  }

  async *frames(): AsyncGenerator<AudioFrame> {
    const state: AdpcmState = { predictor: 0, stepIndex: 0 };
    const { frameSampleCount } = this.#coding.format;
    for (let position = 0; position < this.#sampleCount; position += frameSampleCount) {
      const samples = new Int16Array(Math.min(frameSampleCount, this.#sampleCount - position));
      this.#sound.read(samples);
      yield* encodeFrames(samples, this.#coding, state);
    }
  }
}
