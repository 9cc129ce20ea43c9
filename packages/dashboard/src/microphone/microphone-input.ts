import type { CapturedPiece } from "./capture-worklet.ts";
import captureWorkletUrl from "./capture-worklet.ts?worker&url";
import { type MicrophoneProblem, problemOf } from "./microphone-problem.ts";
import { Resampler } from "./resampler.ts";

/** Could not be opened. */
export class MicrophoneError extends Error {
  readonly problem: MicrophoneProblem;

  constructor(problem: MicrophoneProblem, cause: unknown) {
    super(problem, { cause });
    this.problem = problem;
  }
}

export interface MicrophoneInputOptions {
  /** Empty: the system's choice. */
  readonly deviceId: string;
  /** Of the samples that are given. */
  readonly sampleRateHz: number;
  /** @param endMs - wall clock behind the last sample, ms since 1970 */
  readonly onSamples: (samples: Float32Array, endMs: number) => void;
  readonly onUnplugged: () => void;
  /** Told when the system or a key of the headset mutes it. */
  readonly onMuted: (isMuted: boolean) => void;
}

/** An open microphone: one channel at the rate that was asked for, without echo cancelling and the like. */
export class MicrophoneInput {
  /** What the system calls it. */
  readonly label: string;
  /** As the device gives it, before resampling. */
  readonly deviceRateHz: number;
  readonly #stream: MediaStream;
  readonly #context: AudioContext;

  private constructor(stream: MediaStream, context: AudioContext, label: string) {
    this.#stream = stream;
    this.#context = context;
    this.label = label;
    this.deviceRateHz = context.sampleRate;
  }

  /** @throws MicrophoneError */
  static async open(options: MicrophoneInputOptions): Promise<MicrophoneInput> {
    const stream = await openStream(options.deviceId);
    const [track] = stream.getAudioTracks();
    let context: AudioContext | undefined;
    try {
      if (track === undefined) throw new TypeError("the stream has no audio");
      context = createContext(track.getSettings().sampleRate);
      await context.audioWorklet.addModule(captureWorkletUrl);
      const input = new MicrophoneInput(stream, context, track.label);
      connect(context, stream, options);
      track.addEventListener("ended", options.onUnplugged);
      track.addEventListener("mute", () => options.onMuted(true));
      track.addEventListener("unmute", () => options.onMuted(false));
      await context.resume();
      return input;
    } catch (error) {
      for (const one of stream.getTracks()) one.stop();
      void context?.close();
      throw new MicrophoneError("failed", error);
    }
  }

  /** Lets go of the microphone. */
  close(): void {
    for (const track of this.#stream.getTracks()) track.stop();
    void this.#context.close();
  }
}

async function openStream(deviceId: string): Promise<MediaStream> {
  // Recorded is what is heard: what browsers do to voices of calls would change it.
  const asIs = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const audio = deviceId === "" ? asIs : { ...asIs, deviceId: { exact: deviceId } };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw new MicrophoneError(problemOf(error), error);
  }
}

/** Of the device's own rate, so that the browser does not resample; where it does not tell, of the browser's choice. */
function createContext(sampleRate: number | undefined): AudioContext {
  try {
    return new AudioContext({ latencyHint: "interactive", ...(sampleRate !== undefined && { sampleRate }) });
  } catch {
    return new AudioContext();
  }
}

function connect(context: AudioContext, stream: MediaStream, options: MicrophoneInputOptions): void {
  const { sampleRateHz, onSamples } = options;
  const resampler = context.sampleRate === sampleRateHz ? undefined : new Resampler(context.sampleRate, sampleRateHz);
  const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
  node.port.onmessage = ({ data }: MessageEvent<CapturedPiece>) =>
    onSamples(resampler?.push(data.samples) ?? data.samples, data.endMs);
  context.createMediaStreamSource(stream).connect(node);
}
