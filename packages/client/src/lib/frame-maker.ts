import type { NibbleOrder } from "@eet/audio";
import {
  countFrameSamples,
  type FrameRules,
  formatFrame,
  frameRules,
  ProtocolError,
  parseFrame,
  type StreamFormat,
} from "@eet/protocol";
import { CaptureTimeline } from "./capture-timeline.ts";
import { type EncodedFrame, PcmEncoder } from "./pcm-encoder.ts";
import type { HeldFrame } from "./send-window.ts";
import type { CapturedAt } from "./session.ts";
import type { SessionClock } from "./session-clock.ts";

/** What frames are made from. */
export interface FrameMakerOptions {
  readonly format: StreamFormat;
  readonly nibbleOrder: NibbleOrder;
  /** Seq of the first frame. */
  readonly firstSeq: number;
  /** Wall clock of the first sample; default: the clock when it comes. */
  readonly startMs: number | undefined;
  readonly clock: SessionClock;
}

/** Makes numbered messages with capture times from samples or from payloads. */
export class FrameMaker {
  readonly #options: FrameMakerOptions;
  readonly #encoder: PcmEncoder;
  readonly #timeline: CaptureTimeline;
  readonly #rules: FrameRules;
  #seq: number;
  /** Per channel, of the frames so far. */
  #sampleIndex = 0;

  constructor(options: FrameMakerOptions) {
    const { format, nibbleOrder, firstSeq, startMs } = options;
    this.#options = options;
    this.#encoder = new PcmEncoder(format, nibbleOrder);
    this.#timeline = new CaptureTimeline(format.sampleRateHz);
    this.#rules = frameRules(format);
    this.#seq = firstSeq;
    if (startMs !== undefined) this.#begin(startMs);
  }

  /** Wall clock of the sample behind those that were made into frames, whole ms; 0 when unknown. */
  get nextStartMs(): number {
    return this.#timeline.at(this.#sampleIndex).captureMs;
  }

  /**
   * Takes samples; {@link next} gives their frames.
   *
   * @throws RangeError for a part of a sample
   */
  push(pcm: Int16Array, captured?: CapturedAt): void {
    const waitingCount = this.#encoder.waitingSampleCount;
    this.#encoder.push(pcm);
    this.#note(captured, this.#sampleIndex + waitingCount);
  }

  /** The next full frame of the samples, if there is one. */
  next(maxMessageBytes: number): HeldFrame | undefined {
    const encoded = this.#encoder.next();
    return encoded && this.#number(encoded, maxMessageBytes);
  }

  /** What is left when no more samples come. */
  rest(maxMessageBytes: number): HeldFrame | undefined {
    const encoded = this.#encoder.rest();
    return encoded && this.#number(encoded, maxMessageBytes);
  }

  /**
   * Makes a payload into a frame.
   *
   * @throws ProtocolError for a payload that the format cannot have
   */
  wrap(payload: Uint8Array, captured: CapturedAt | undefined, maxMessageBytes: number): HeldFrame {
    if (this.#encoder.waitingSampleCount > 0) {
      throw new RangeError("write() has begun a frame: use either write() or writeFrame()");
    }
    const sampleCount = countFrameSamples(this.#options.format, payload.byteLength);
    this.#note(captured, this.#sampleIndex);
    return this.#number({ payload, sampleCount }, maxMessageBytes);
  }

  #number({ payload, sampleCount }: EncodedFrame, maxMessageBytes: number): HeldFrame {
    const message = formatFrame(this.#options.format.codec, this.#seq, payload);
    this.#check(message, maxMessageBytes);
    const captured = this.#timeline.at(this.#sampleIndex);
    this.#seq += 1;
    this.#sampleIndex += sampleCount;
    return { message, sampleCount, captured };
  }

  /** What the server would refuse for good is better told to the one who writes it. */
  #check(message: Uint8Array, maxMessageBytes: number): void {
    const { format } = this.#options;
    if (message.byteLength > maxMessageBytes) {
      const detail = `the frame has ${message.byteLength} bytes, the server takes ${maxMessageBytes}`;
      throw new ProtocolError("MESSAGE_TOO_BIG", detail);
    }
    // The layout of ADPCM with more channels, and so its size, is between the device and the server's settings. [P-1.7]
    if (format.codec === "pcm16" || format.channels === 1) parseFrame(message, this.#rules);
  }

  #note(captured: CapturedAt | undefined, sampleIndex: number): void {
    const timeline = this.#timeline;
    if (captured === undefined) {
      if (!timeline.isKnown) this.#begin(this.#options.clock.wallMs());
      return;
    }
    const { captureMs, captureUs = timeline.isKnown ? timeline.at(sampleIndex).captureUs : this.#nowUs() } = captured;
    timeline.set(sampleIndex, { captureMs, captureUs });
  }

  #begin(startMs: number): void {
    this.#timeline.set(0, { captureMs: startMs, captureUs: this.#nowUs() });
  }

  #nowUs(): number {
    return this.#options.clock.monotonicMs() * 1000;
  }
}
