import { type AdpcmState, adpcmHeaderBytes, decodeAdpcm, type NibbleOrder, parseAdpcmHeader } from "./ima-adpcm.ts";

/**
 * How an encoder arranged several channels in one ADPCM payload. [P-1.7]
 *
 * - `ms4`: one 4-byte header per channel, then groups of 4 bytes (8 samples) for each channel in turn, as in WAV files.
 * - `single`: one header, one predictor that runs over the interleaved samples.
 */
export type MultichannelLayout = "ms4" | "single";

/** What must be known to decode a multichannel ADPCM payload; nothing in the payload tells it. */
export interface MultichannelFormat {
  readonly layout: MultichannelLayout;
  /** 1 to 8. */
  readonly channels: number;
  readonly order: NibbleOrder;
}

const groupBytes = 4;

/**
 * How many samples per channel a payload holds, the zeros included that an encoder appended to fill a last group or byte.
 *
 * @param payloadBytes - payload length with its headers.
 */
export function multichannelSampleCount(
  payloadBytes: number,
  { layout, channels }: Pick<MultichannelFormat, "layout" | "channels">,
): number {
  const codeBytes = payloadBytes - adpcmHeaderBytes * (layout === "ms4" ? channels : 1);
  if (codeBytes < 0) return 0;
  return layout === "ms4"
    ? Math.floor(codeBytes / (groupBytes * channels)) * groupBytes * 2
    : Math.floor((codeBytes * 2) / channels);
}

/**
 * Decodes one frame of several channels to interleaved samples. [P-1.7]
 *
 * @param payload - the frame's payload with its header or headers.
 * @param sampleCount - samples per channel, at most {@link multichannelSampleCount}.
 * @param out - receives `sampleCount * channels` samples from `outOffset` on.
 * @throws RangeError when the payload holds or `out` takes fewer samples, or a header's step index is above 88.
 */
export function decodeMultichannelAdpcm(
  payload: Uint8Array,
  format: MultichannelFormat,
  sampleCount: number,
  out: Int16Array,
  outOffset: number,
): void {
  const available = multichannelSampleCount(payload.length, format);
  const room = Math.floor((out.length - outOffset) / format.channels);
  if (sampleCount > available || sampleCount > room) {
    throw new RangeError(
      `cannot decode ${sampleCount} samples per channel: the payload holds ${available} and there is room for ${room}`,
    );
  }
  if (format.layout === "single") {
    const state = parseAdpcmHeader(payload);
    const codes = payload.subarray(adpcmHeaderBytes);
    decodeAdpcm(codes, sampleCount * format.channels, format.order, state, out, outOffset);
    return;
  }
  const samples = new Int16Array(sampleCount);
  for (let channel = 0; channel < format.channels; channel += 1) {
    const state: AdpcmState = parseAdpcmHeader(payload.subarray(channel * adpcmHeaderBytes));
    decodeAdpcm(gatherChannel(payload, format.channels, channel), sampleCount, format.order, state, samples, 0);
    for (let position = 0; position < sampleCount; position += 1) {
      out[outOffset + position * format.channels + channel] = samples[position] as number;
    }
  }
}

/** One channel's groups of an `ms4` payload, one after the other. */
function gatherChannel(payload: Uint8Array, channels: number, channel: number): Uint8Array {
  const stride = channels * groupBytes;
  // The headers are as long as one round of groups.
  const groupCount = Math.max(Math.floor(payload.length / stride) - 1, 0);
  const codes = new Uint8Array(groupCount * groupBytes);
  for (let group = 0; group < groupCount; group += 1) {
    const start = (group + 1) * stride + channel * groupBytes;
    codes.set(payload.subarray(start, start + groupBytes), group * groupBytes);
  }
  return codes;
}
