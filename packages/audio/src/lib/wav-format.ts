import { bytesPerSample, type WavSampleFormat } from "./sample-format.ts";
import { WavError } from "./wav-error.ts";

/** What the `fmt ` chunk of a WAV file tells. */
export interface WavFormat {
  readonly sampleFormat: WavSampleFormat;
  /** 1 to 65535. */
  readonly channels: number;
  readonly sampleRateHz: number;
  /** Bytes of one sample of all channels. */
  readonly blockBytes: number;
}

/** Bytes of a `fmt ` body that {@link parseWavFormat} looks at: the length of WAVE_FORMAT_EXTENSIBLE. */
export const wavFormatBytes = 40;

const pcmTag = 0x0001;
const floatTag = 0x0003;
const extensibleTag = 0xfffe;

const otherTagNames: Readonly<Record<number, string>> = {
  2: "Microsoft ADPCM",
  6: "A-law",
  7: "mu-law",
  17: "IMA ADPCM",
  49: "GSM 6.10",
  80: "MPEG",
  85: "MP3",
  255: "AAC",
  353: "Windows Media Audio",
};

/** Ends every sub-format of WAVE_FORMAT_EXTENSIBLE that is a plain format tag. */
const tagGuidTail = "000000001000800000aa00389b71";

/**
 * Reads the body of a `fmt ` chunk: PCM of 1 to 32 bit or float of 32 or 64 bit, plain or as WAVE_FORMAT_EXTENSIBLE.
 *
 * Sample sizes between whole bytes are taken as the bytes that hold them, as their bits stand at the top.
 *
 * @param body - the chunk's first {@link wavFormatBytes} bytes, or all of them when there are fewer.
 * @throws WavError `bad-format` or `unsupported-format`.
 */
export function parseWavFormat(body: Uint8Array): WavFormat {
  if (body.length < 16) {
    throw new WavError("bad-format", `the WAV's fmt chunk must have at least 16 bytes; got ${body.length}`);
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const tag = readTag(view);
  const channels = view.getUint16(2, true);
  const sampleRateHz = view.getUint32(4, true);
  const blockBytes = view.getUint16(12, true);
  const bitsPerSample = view.getUint16(14, true);
  if (channels === 0 || sampleRateHz === 0) {
    throw new WavError("bad-format", `a WAV needs channels and a sample rate; got ${channels} and ${sampleRateHz} Hz`);
  }
  const sampleFormat = sampleFormatOf(tag, bitsPerSample, blockBytes / channels);
  if (sampleFormat === undefined) {
    throw new WavError(
      "unsupported-format",
      `the WAV has ${bitsPerSample}-bit ${tag === floatTag ? "float" : "PCM"} samples in blocks of ${blockBytes} bytes for ${channels} channels; 8, 16, 24 or 32-bit PCM and 32 or 64-bit float without gaps can be read`,
    );
  }
  return { sampleFormat, channels, sampleRateHz, blockBytes };
}

/** The format tag, looked up in the sub-format where the outer one is only a wrapper. */
function readTag(view: DataView): number {
  const outerTag = view.getUint16(0, true);
  if (outerTag === extensibleTag && view.byteLength < wavFormatBytes) {
    throw new WavError(
      "bad-format",
      `an extensible WAV's fmt chunk must have ${wavFormatBytes} bytes; got ${view.byteLength}`,
    );
  }
  const tag = outerTag === extensibleTag ? readSubFormat(view) : outerTag;
  if (tag === pcmTag || tag === floatTag) return tag;
  const name = otherTagNames[tag] ?? "an unknown format";
  throw new WavError(
    "unsupported-format",
    `the WAV's format tag is 0x${tag.toString(16).padStart(4, "0")} (${name}); only PCM (0x0001) and float (0x0003) can be read: convert it, for example with "sox in.wav -b 16 -e signed-integer out.wav"`,
  );
}

function readSubFormat(view: DataView): number {
  const tailBytes = new Uint8Array(view.buffer, view.byteOffset + 26, 14);
  const tail = Array.from(tailBytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return tail === tagGuidTail ? view.getUint16(24, true) : extensibleTag;
}

function sampleFormatOf(tag: number, bitsPerSample: number, containerBytes: number): WavSampleFormat | undefined {
  const candidates: readonly WavSampleFormat[] = tag === floatTag ? ["f32", "f64"] : ["u8", "s16", "s24", "s32"];
  return candidates.find(
    (format) => bytesPerSample(format) === containerBytes && Math.ceil(bitsPerSample / 8) === containerBytes,
  );
}
