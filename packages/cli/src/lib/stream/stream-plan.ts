import type { WavFormat } from "@eet/audio";
import type { TlsIdentity } from "@eet/client";
import { limits, type StreamFormat } from "@eet/protocol";
import { CommandError, UsageError } from "../command-error.ts";
import { CapturePace } from "./capture-pace.ts";
import { chooseDeliveryPolicy } from "./delivery-policy.ts";
import { frameSampleCountOf } from "./frame-encoder.ts";
import { FileFrameSource, type FrameSource, PipeFrameSource } from "./frame-source.ts";
import { Pacer } from "./pacer.ts";
import { PcmFile } from "./pcm-file.ts";
import type { PcmPipe } from "./pcm-pipe.ts";
import { PlainRun } from "./plain-run.ts";
import { type SessionPlan, SessionRun } from "./session-run.ts";
import type { StreamOptions } from "./stream-options.ts";
import type { StreamPlan, StreamRun } from "./stream-run.ts";
import type { StreamSpool } from "./stream-spool.ts";

/**
 * Whether and how the wire can carry the audio. [P-1.1]
 *
 * @throws CommandError when it cannot
 */
export function toStreamFormat({ sampleRateHz, channels }: WavFormat, { codec, frameMs }: StreamOptions): StreamFormat {
  if (sampleRateHz < limits.minSampleRateHz || sampleRateHz > limits.maxSampleRateHz) {
    throw new CommandError(
      `the audio has ${sampleRateHz} Hz, ${limits.minSampleRateHz} to ${limits.maxSampleRateHz} Hz can be sent: resample it, for example with "sox in.wav -r 16000 out.wav"`,
    );
  }
  if (channels > limits.maxChannels) {
    throw new CommandError(
      `the audio has ${channels} channels, 1 to ${limits.maxChannels} can be sent: mix it down, for example with "sox in.wav -c 1 out.wav"`,
    );
  }
  if (codec === "adpcm" && channels > 1) {
    // Devices disagree on the layout of multichannel ADPCM, so there is none to choose here. [P-1.7]
    throw new UsageError(`the audio has ${channels} channels, --codec adpcm carries one: add --codec pcm`);
  }
  return { codec, sampleRateHz, channels, frameSampleCount: frameSampleCountOf(frameMs, sampleRateHz, codec) };
}

/** What streams are made of: options, and what their files hold. */
export interface RunOptions extends StreamOptions {
  /** For `wss:`. */
  readonly tls: TlsIdentity | undefined;
}

/**
 * One run for each target, none of them begun.
 *
 * @param onPlain - told once when a server does not acknowledge
 */
export function createRuns(
  input: PcmFile | PcmPipe,
  format: StreamFormat,
  options: RunOptions,
  interruption: AbortSignal,
  spool: StreamSpool | undefined,
  onPlain: () => void,
): readonly StreamRun[] {
  const { targets, isPlain } = options;
  const plan = makePlan(input, format, options, interruption);
  const sessionPlan = {
    ...makeSessionPlan(plan, options, !(input instanceof PcmFile), onPlain),
    spool,
  };
  return targets.map((target, index) => {
    const share = index / targets.length;
    return isPlain ? new PlainRun(target, share, plan) : new SessionRun(target, share, sessionPlan);
  });
}

function makePlan(
  input: PcmFile | PcmPipe,
  format: StreamFormat,
  options: RunOptions,
  interruption: AbortSignal,
): StreamPlan {
  const frameMs = (format.frameSampleCount * 1000) / format.sampleRateHz;
  return {
    url: options.url,
    format,
    source: createSource(input, format, options),
    pacer: options.isRealtime ? new Pacer(frameMs, interruption) : undefined,
    isEndless: options.maxSeconds === undefined && (options.isLoop || !(input instanceof PcmFile)),
    interruption,
    token: options.token,
    tls: options.tls,
  };
}

function makeSessionPlan(
  plan: StreamPlan,
  options: StreamOptions,
  isPipe: boolean,
  onPlain: () => void,
): Omit<SessionPlan, "spool"> {
  const { format } = plan;
  const policy = chooseDeliveryPolicy(options, format, isPipe);
  let isReached = false;
  let isPlainTold = false;
  return {
    ...plan,
    policy,
    nibbleOrder: options.nibbleOrder,
    pace: isPipe ? new CapturePace(format.sampleRateHz, policy.windowS) : undefined,
    onOpen: (delivery) => {
      isReached = true;
      if (delivery === "plain" && !isPlainTold) onPlain();
      isPlainTold ||= delivery === "plain";
    },
    isReached: () => isReached,
  };
}

function createSource(input: PcmFile | PcmPipe, format: StreamFormat, options: StreamOptions): FrameSource {
  const { maxSeconds = Number.POSITIVE_INFINITY, isLoop, nibbleOrder } = options;
  const coding = { format, nibbleOrder };
  const maxSampleCount = Math.max(1, Math.round(maxSeconds * format.sampleRateHz));
  if (!(input instanceof PcmFile)) return new PipeFrameSource(input, coding, maxSampleCount);
  return new FileFrameSource(input, coding, isLoop ? maxSampleCount : Math.min(maxSampleCount, input.sampleCount));
}
