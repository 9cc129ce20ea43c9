import {
  type AdpcmLayout,
  countFrameSamples,
  type FrameRules,
  frameRules,
  parseFrame,
  type StreamFormat,
} from "@eet/protocol";
import type { SessionIntake } from "./session-sink.ts";

/** Checks a connection's audio frames, hands them to its session and counts them. */
export class FrameTally {
  readonly rules: FrameRules;
  readonly #format: StreamFormat;
  readonly #layout: AdpcmLayout | undefined;
  frameCount = 0;
  byteCount = 0;
  audioS = 0;

  /** @param layout - configured layout of multichannel ADPCM [P-1.7] */
  constructor(format: StreamFormat, layout: AdpcmLayout | undefined) {
    this.rules = frameRules(format, layout);
    this.#format = format;
    this.#layout = layout;
  }

  /**
   * @returns false when the sender must be slowed
   * @throws ProtocolError `FRAME_*`
   */
  pass(message: Uint8Array, intake: SessionIntake): boolean {
    const { payloadBytes, seq } = parseFrame(message, this.rules);
    const sampleCount = countFrameSamples(this.#format, payloadBytes, this.#layout);
    const hasRoom = intake.accept(message, seq, sampleCount);
    this.frameCount += 1;
    this.byteCount += message.byteLength;
    this.audioS += sampleCount / this.#format.sampleRateHz;
    return hasRoom;
  }
}
