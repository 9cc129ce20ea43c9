/** What was uploaded lately. */
export interface UploadThroughput {
  /** Mean of the last minute. */
  readonly bytesPerS: number;
  /** Files and bytes of each of the last 60 minutes, oldest first, the last one not over. */
  readonly minutes: readonly { readonly files: number; readonly bytes: number }[];
  /** How long is looked back: less than an hour where the server has run for less, ms. */
  readonly spanMs: number;
}
