import { decodeMultichannelAdpcm, FrameDecoder, type NibbleOrder, NibbleOrderDetector } from "@eet/audio";
import { limits } from "@eet/protocol";
import type { TappedFrame } from "../kernel/frame-tap.ts";
import type { SessionRecord } from "../kernel/segment-record.ts";
import type { LiveStream } from "./live-messages.ts";

/** Audio that waits for its nibble order at most. */
const maxHeldMs = 500;
/** Frames of it: an empty one takes memory too. */
const maxHeldCount = 64;

/** How ADPCM is decoded, and why so. */
export type NibbleDecision = NonNullable<LiveStream["nibble_order"]>;

/**
 * Takes decoded samples, interleaved. The array is written over afterwards.
 *
 * @param at - samples per channel from the session's start to the first one
 */
export type SampleListener = (samples: Int16Array, at: number) => void;

export interface StreamDecoderOptions {
  readonly record: SessionRecord;
  /** What earlier streams of the device told; asked again until this one's frames have told themselves. */
  readonly cachedOrder: () => NibbleOrder | undefined;
  readonly onSamples: SampleListener;
  /** Called in front of the samples that are decoded so. */
  readonly onNibbleOrder: () => void;
}

/**
 * Decodes frames of a session as they come. Unlike finishing, which sees a whole segment first, it has to decide the
 * nibble order while frames come [P-1.5]: until they have told it, half a second is held back. The last sample of an odd
 * frame repeats the one before, since the next frame is not known yet. [P-1.6]
 */
export class StreamDecoder {
  /** False where nobody knows how the channels are laid out. [P-1.7] */
  readonly isDecodable: boolean;
  readonly #options: StreamDecoderOptions;
  /** Of mono ADPCM whose order is not configured. */
  readonly #detector: NibbleOrderDetector | undefined;
  #nibbleOrder: NibbleDecision | null = null;
  #held: TappedFrame[] = [];
  #heldSampleCount = 0;
  #isPastHolding = false;
  #mono: FrameDecoder | undefined;
  #scratch = new Int16Array(0);
  /** Of the frame that is being decoded. */
  #at = 0;

  constructor(options: StreamDecoderOptions) {
    const { format, profile } = options.record;
    const isAdpcm = format.codec === "adpcm";
    const isMono = format.channels === 1;
    const { configuredNibbleOrder } = profile;
    this.#options = options;
    this.isDecodable = !isAdpcm || isMono || profile.adpcmLayout !== undefined;
    if (!isAdpcm) return;
    if (isMono && configuredNibbleOrder === undefined) this.#detector = new NibbleOrderDetector(format);
    const cached = options.cachedOrder();
    if (configuredNibbleOrder !== undefined) this.#decide({ order: configuredNibbleOrder, source: "config" });
    else if (cached !== undefined) this.#decide({ order: cached, source: "cached" });
    // Only mono tells its order.
    else if (!isMono) this.#decide({ order: "low", source: "default" });
  }

  /** `null` for PCM, and for ADPCM before the first decision. */
  get nibbleOrder(): NibbleDecision | null {
    return this.#nibbleOrder;
  }

  /** @throws RangeError for a frame that cannot be decoded */
  take(frame: TappedFrame): void {
    if (!this.isDecodable || frame.sampleCount <= 0) return;
    if (this.#detector !== undefined) this.#learn(this.#detector, frame);
    if (this.#mustHold()) this.#hold(frame);
    else this.#decode(frame);
  }

  #decide(decision: NibbleDecision): void {
    this.#nibbleOrder = decision;
    this.#mono = new FrameDecoder(decision.order, (samples) => this.#options.onSamples(samples, this.#at));
  }

  #learn(detector: NibbleOrderDetector, { message, end, sampleCount }: TappedFrame): void {
    if (detector.verdict() !== undefined) return;
    detector.push({ seq: (end.seq - 1) >>> 0, payload: payloadOf(message), sampleCount });
    const cached = this.#options.cachedOrder();
    const decision =
      detector.verdict() ?? (cached === undefined ? undefined : ({ order: cached, source: "cached" } as const));
    const { order, source } = this.#nibbleOrder ?? {};
    if (decision === undefined || (decision.order === order && decision.source === source)) return;
    this.#decide(decision);
    this.#options.onNibbleOrder();
    this.#release();
  }

  #mustHold(): boolean {
    return this.#detector !== undefined && this.#nibbleOrder === null && !this.#isPastHolding;
  }

  #hold(frame: TappedFrame): void {
    this.#held.push({ ...frame, message: frame.message.slice() });
    this.#heldSampleCount += frame.sampleCount;
    const heldMs = (this.#heldSampleCount * 1000) / this.#options.record.format.sampleRateHz;
    if (heldMs >= maxHeldMs || this.#held.length >= maxHeldCount) this.giveUpHolding();
  }

  /** Decodes what is held back as well as can be known now. */
  giveUpHolding(): void {
    if (!this.#mustHold()) return;
    this.#isPastHolding = true;
    this.#decide({ order: "low", source: "default" });
    this.#options.onNibbleOrder();
    this.#release();
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const frame of held) this.#decode(frame);
  }

  #decode({ message, end, sampleCount }: TappedFrame): void {
    const { record, onSamples } = this.#options;
    const { codec, channels } = record.format;
    const payload = payloadOf(message);
    this.#at = end.sample - sampleCount;
    if (codec === "adpcm" && channels === 1) this.#mono?.decode(payload, sampleCount);
    else if (codec === "adpcm") onSamples(this.#decodeChannels(payload, sampleCount), this.#at);
    else onSamples(this.#readPcm(payload), this.#at);
  }

  #decodeChannels(payload: Uint8Array, sampleCount: number): Int16Array {
    const { format, profile } = this.#options.record;
    const { channels } = format;
    const { adpcmLayout: layout = "single" } = profile;
    const samples = this.#scratchOf(sampleCount * channels);
    const order = this.#nibbleOrder?.order ?? "low";
    decodeMultichannelAdpcm(payload, { layout, channels, order }, sampleCount, samples, 0);
    return samples;
  }

  /** Copied, since a payload may stand at an odd address. The machine is little-endian, as the wire is. */
  #readPcm(payload: Uint8Array): Int16Array {
    const samples = this.#scratchOf(payload.byteLength >> 1);
    new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength).set(payload);
    return samples;
  }

  #scratchOf(length: number): Int16Array {
    if (this.#scratch.length < length) this.#scratch = new Int16Array(length);
    return this.#scratch.subarray(0, length);
  }
}

function payloadOf(message: Uint8Array): Uint8Array {
  return message.subarray(limits.frameHeaderBytes);
}
