import type { AdpcmLayout, Codec, StreamFormat } from "./format.ts";
import { handshakeMagic } from "./handshake.ts";
import { limits } from "./limits.ts";
import { ProtocolError } from "./protocol-error.ts";

/** First u32 of a frame by codec; on the wire `50 43 4D 46` (PCM) and `46 50 44 41` (ADPCM). [P-1.2] */
export const frameMagics: Readonly<Record<Codec, number>> = { pcm16: 0x464d4350, adpcm: 0x41445046 };

/** What a message of the largest size carries behind the header; every frame that a handshake can declare is smaller. */
const largestPayloadBytes = limits.maxMessageBytes - limits.frameHeaderBytes;

/** Where one frame stands in its message or file. */
export interface FrameHeader {
  readonly payloadBytes: number;
  /** As on the wire: wraps at 2^32. */
  readonly seq: number;
}

/** What a frame may look like under one format; made once per connection, used for each frame. */
export interface FrameRules {
  readonly magic: number;
  readonly codec: Codec;
  readonly minPayloadBytes: number;
  readonly maxPayloadBytes: number;
  /** The payload's size must be a multiple of it. */
  readonly alignmentBytes: number;
}

/**
 * Derives the frame rules of a format. [P-1.3] [P-1.4]
 *
 * @param layout - configured layout of multichannel ADPCM; `ms4` allows for one state header per channel
 */
export function frameRules(format: StreamFormat, layout?: AdpcmLayout): FrameRules {
  const { codec, channels, frameSampleCount } = format;
  if (codec === "pcm16") {
    const sampleBytes = channels * 2;
    return {
      magic: frameMagics.pcm16,
      codec,
      minPayloadBytes: 0,
      maxPayloadBytes: frameSampleCount === 0 ? largestPayloadBytes : frameSampleCount * sampleBytes,
      alignmentBytes: sampleBytes,
    };
  }
  const headerBytes = limits.adpcmHeaderBytes * (layout === "ms4" ? channels : 1);
  const full = headerBytes + Math.ceil((frameSampleCount * channels) / 2) + limits.adpcmSlackBytes;
  return {
    magic: frameMagics.adpcm,
    codec,
    minPayloadBytes: headerBytes,
    maxPayloadBytes: frameSampleCount === 0 ? largestPayloadBytes : full,
    alignmentBytes: 1,
  };
}

/**
 * Checks one audio message and reads its header. Nothing is copied.
 *
 * @param message - header and payload, or bytes with them in between
 * @param from - where the message begins; default 0
 * @param to - where it ends; default with the bytes
 * @throws {@link ProtocolError} `FRAME_*`
 * @throws RangeError when it would end behind the bytes
 */
export function parseFrame(
  message: Uint8Array,
  rules: FrameRules,
  from = 0,
  to: number = message.byteLength,
): FrameHeader {
  const payloadBytes = to - from - limits.frameHeaderBytes;
  if (to > message.byteLength) throw new RangeError(`there are ${message.byteLength} bytes, none at ${to - 1}`);
  if (payloadBytes < 0) {
    throw new ProtocolError("FRAME_TOO_SHORT", `the message has ${to - from} bytes, a frame's header has 12`);
  }
  const magic = readUint32(message, from);
  if (magic !== rules.magic) throw magicError(magic, rules);
  const length = readUint32(message, from + 4);
  if (length !== payloadBytes) {
    throw new ProtocolError(
      "FRAME_LENGTH",
      `length says ${length} bytes, the message holds ${payloadBytes} after the header`,
    );
  }
  checkPayloadSize(payloadBytes, rules);
  if (rules.codec === "adpcm") checkStepIndexes(message, from + limits.frameHeaderBytes, rules);
  return { payloadBytes, seq: readUint32(message, from + 8) };
}

function checkPayloadSize(payloadBytes: number, rules: FrameRules): void {
  if (payloadBytes > rules.maxPayloadBytes) {
    throw new ProtocolError(
      "FRAME_TOO_LONG",
      `the payload has ${payloadBytes} bytes, the handshake's frame_samples allow ${rules.maxPayloadBytes}`,
    );
  }
  if (payloadBytes < rules.minPayloadBytes || payloadBytes % rules.alignmentBytes !== 0) {
    throw new ProtocolError(
      "FRAME_PAYLOAD_SIZE",
      `the payload has ${payloadBytes} bytes, allowed are ${rules.minPayloadBytes} to ${rules.maxPayloadBytes}` +
        ` in steps of ${rules.alignmentBytes}`,
    );
  }
}

/** One state header per channel with `ms4`, else one. [P-1.4] */
function checkStepIndexes(message: Uint8Array, payloadAt: number, rules: FrameRules): void {
  const end = payloadAt + rules.minPayloadBytes;
  for (let at = payloadAt + 2; at < end; at += limits.adpcmHeaderBytes) {
    const stepIndex = message[at] ?? 0;
    if (stepIndex > limits.maxStepIndex) {
      throw new ProtocolError(
        "FRAME_STEP_INDEX",
        `step index is ${stepIndex}, allowed are 0 to ${limits.maxStepIndex}`,
      );
    }
  }
}

function magicError(magic: number, rules: FrameRules): ProtocolError {
  if (magic === frameMagics.pcm16 || magic === frameMagics.adpcm) {
    return new ProtocolError("FRAME_CODEC", `the frame is not ${rules.codec}, which the handshake declares`);
  }
  const what = magic === handshakeMagic ? "a second handshake" : `a message with magic 0x${magic.toString(16)}`;
  return new ProtocolError("FRAME_MAGIC", `${what} came where an audio frame is expected`);
}

/**
 * Writes a frame; the inverse of {@link parseFrame}.
 *
 * @param seq - any whole number; the wire carries it modulo 2^32
 * @param payload - at most 1 MiB - 12 bytes
 * @throws {@link ProtocolError} `MESSAGE_TOO_BIG`
 */
export function formatFrame(codec: Codec, seq: number, payload: Uint8Array): Uint8Array {
  if (payload.byteLength > largestPayloadBytes) {
    throw new ProtocolError(
      "MESSAGE_TOO_BIG",
      `the payload has ${payload.byteLength} bytes, a message carries at most ${largestPayloadBytes}`,
    );
  }
  const bytes = new Uint8Array(limits.frameHeaderBytes + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, frameMagics[codec], true);
  view.setUint32(4, payload.byteLength, true);
  view.setUint32(8, seq, true);
  bytes.set(payload, limits.frameHeaderBytes);
  return bytes;
}

/**
 * Samples per channel that a payload stands for on the device's time line.
 *
 * ADPCM holds two codes a byte, so an odd full frame arrives one code short (an encoder that drops the last one) or one
 * code long (an encoder that pads): either stands for `frame_samples`. With several channels whatever exceeds
 * `frame_samples` is padding. [P-1.4] [P-1.6] [P-1.7]
 */
export function countFrameSamples(format: StreamFormat, payloadBytes: number, layout?: AdpcmLayout): number {
  const { codec, channels, frameSampleCount } = format;
  if (codec === "pcm16") return payloadBytes / (channels * 2);
  if (channels > 1) {
    const sampleCount = countInterleavedSamples(payloadBytes, channels, layout);
    return frameSampleCount === 0 ? sampleCount : Math.min(sampleCount, frameSampleCount);
  }
  const codeCount = (payloadBytes - limits.adpcmHeaderBytes) * 2;
  const isOddFullFrame = frameSampleCount % 2 === 1 && Math.abs(codeCount - frameSampleCount) === 1;
  return isOddFullFrame ? frameSampleCount : codeCount;
}

/** `ms4` has groups of 4 bytes, 8 samples, for each channel in turn; else the codes alternate between channels. */
function countInterleavedSamples(payloadBytes: number, channels: number, layout?: AdpcmLayout): number {
  if (layout === "ms4") return Math.floor((payloadBytes - limits.adpcmHeaderBytes * channels) / (4 * channels)) * 8;
  return Math.floor(((payloadBytes - limits.adpcmHeaderBytes) * 2) / channels);
}

/** Little-endian u32 without a DataView: the frame path allocates nothing. */
function readUint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
  );
}
