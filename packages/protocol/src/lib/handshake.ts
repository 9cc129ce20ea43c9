import { type Codec, codecs, type StreamFormat } from "./format.ts";
import { limits } from "./limits.ts";
import { ProtocolError } from "./protocol-error.ts";

/** First u32 of a handshake; on the wire `43 50 44 41`. [P-1.1] */
export const handshakeMagic = 0x41445043;

const protocolVersion = 1;

/** A device's first message. */
export interface Handshake {
  readonly streamId: number;
  readonly format: StreamFormat;
  /** Device wall clock at the start, ms since 1970 (u64 on the wire); 0 or anything else if the device does not know. */
  readonly timestampMs: bigint;
}

/**
 * Reads a handshake. Bytes past the 32nd and the reserved field are not looked at. [P-1.1]
 *
 * @throws {@link ProtocolError} `HANDSHAKE_*`, naming the field, what it holds and what is allowed
 */
export function parseHandshake(message: Uint8Array): Handshake {
  if (message.byteLength < limits.handshakeBytes) {
    throw new ProtocolError(
      "HANDSHAKE_TOO_SHORT",
      `the handshake has ${message.byteLength} bytes, ${limits.handshakeBytes} are needed`,
    );
  }
  const view = new DataView(message.buffer, message.byteOffset, limits.handshakeBytes);
  const magic = view.getUint32(0, true);
  if (magic !== handshakeMagic) {
    throw new ProtocolError(
      "HANDSHAKE_MAGIC",
      `magic is ${hex(magic)}, a handshake starts with ${hex(handshakeMagic)}`,
    );
  }
  const version = view.getUint16(4, true);
  const headerBytes = view.getUint16(6, true);
  if (version !== protocolVersion || headerBytes !== limits.handshakeBytes) {
    throw new ProtocolError(
      "HANDSHAKE_VERSION",
      `version ${version} with header_len ${headerBytes}, only version 1 with header_len 32 is known`,
    );
  }
  return {
    streamId: view.getUint32(8, true),
    format: parseFormat(view),
    timestampMs: view.getBigUint64(24, true),
  };
}

function parseFormat(view: DataView): StreamFormat {
  const sampleRateHz = view.getUint32(12, true);
  const channels = view.getUint16(16, true);
  checkRateAndChannels(sampleRateHz, channels);
  return {
    codec: parseCodec(view.getUint16(18, true)),
    sampleRateHz,
    channels,
    frameSampleCount: view.getUint16(20, true),
  };
}

function checkRateAndChannels(sampleRateHz: number, channels: number): void {
  if (sampleRateHz < limits.minSampleRateHz || sampleRateHz > limits.maxSampleRateHz) {
    throw new ProtocolError(
      "HANDSHAKE_SAMPLE_RATE",
      `sample_rate is ${sampleRateHz} Hz, allowed are ${limits.minSampleRateHz} to ${limits.maxSampleRateHz}`,
    );
  }
  if (channels < 1 || channels > limits.maxChannels) {
    throw new ProtocolError("HANDSHAKE_CHANNELS", `channels is ${channels}, allowed are 1 to ${limits.maxChannels}`);
  }
}

function parseCodec(value: number): Codec {
  if (value === codecs.pcm16) return "pcm16";
  if (value === codecs.adpcm) return "adpcm";
  throw new ProtocolError("HANDSHAKE_CODEC", `codec is ${value}, known are 0 (PCM16) and 1 (IMA ADPCM)`);
}

/**
 * Writes a handshake; the inverse of {@link parseHandshake}.
 *
 * @returns 32 bytes
 * @throws {@link ProtocolError} for a sample rate or channel count that no server takes
 * @throws RangeError for a number that does not fit its field
 */
export function formatHandshake(handshake: Handshake): Uint8Array {
  const { format } = handshake;
  checkRateAndChannels(format.sampleRateHz, format.channels);
  checkUint("sample_rate", format.sampleRateHz, 32);
  checkUint("channels", format.channels, 16);
  checkUint("frame_samples", format.frameSampleCount, 16);
  checkUint("stream_id", handshake.streamId, 32);
  if (BigInt.asUintN(64, handshake.timestampMs) !== handshake.timestampMs) {
    throw new RangeError(`timestamp_ms is ${handshake.timestampMs}, allowed are 0 to 2^64 - 1`);
  }
  const bytes = new Uint8Array(limits.handshakeBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, handshakeMagic, true);
  view.setUint16(4, protocolVersion, true);
  view.setUint16(6, limits.handshakeBytes, true);
  view.setUint32(8, handshake.streamId, true);
  view.setUint32(12, format.sampleRateHz, true);
  view.setUint16(16, format.channels, true);
  view.setUint16(18, codecs[format.codec], true);
  view.setUint16(20, format.frameSampleCount, true);
  view.setBigUint64(24, handshake.timestampMs, true);
  return bytes;
}

/** A number too big for its field would be cut silently and declare another stream than meant. */
function checkUint(field: string, value: number, bits: 16 | 32): void {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) {
    throw new RangeError(`${field} is ${value}, allowed are whole numbers from 0 to ${2 ** bits - 1}`);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0").toUpperCase()}`;
}
