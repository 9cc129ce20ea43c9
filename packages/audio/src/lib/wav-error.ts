/**
 * Why a WAV file cannot be used:
 *
 * - `not-wav`: it does not start as a WAV file.
 * - `big-endian`: it is RIFX.
 * - `unsupported-format`: its audio is compressed or of a sample size that WAV readers do not share.
 * - `bad-format`: its `fmt ` or `ds64` chunk contradicts itself or is cut short.
 * - `no-format`: it ends without a `fmt ` chunk.
 * - `no-data`: it ends without a `data` chunk.
 * - `format-after-data`: its `fmt ` chunk follows the audio, which a stream cannot go back to.
 */
export type WavErrorCode =
  | "not-wav"
  | "big-endian"
  | "unsupported-format"
  | "bad-format"
  | "no-format"
  | "no-data"
  | "format-after-data";

/** A WAV file that cannot be read; the message says what was found and what to do. */
export class WavError extends Error {
  override readonly name = "WavError";
  readonly code: WavErrorCode;

  constructor(code: WavErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
