/** Codec numbers of the handshake. [P-1.1] */
export const codecs = { pcm16: 0, adpcm: 1 } as const;

/** Name of a codec. */
export type Codec = keyof typeof codecs;

/** What a device says of its audio, constant for a connection. */
export interface StreamFormat {
  readonly codec: Codec;
  /** 4 000 to 192 000. */
  readonly sampleRateHz: number;
  /** 1 to 8. */
  readonly channels: number;
  /** Samples per channel in a full frame, 0 to 65 535; 0 = varies. */
  readonly frameSampleCount: number;
}

/** Layout of ADPCM with more than one channel: `ms4` has one 4-byte header per channel. [P-1.7] */
export type AdpcmLayout = "ms4" | "single";
