import type { SessionOptions } from "@eet/client";
import type { StreamFormat } from "@eet/protocol";
import type { StreamOptions } from "./stream-options.ts";

/** How hard a stream tries, and what it holds meanwhile. */
export interface DeliveryPolicy {
  /** Bounds of the frames in memory. */
  readonly window: { readonly maxBytes: number; readonly maxSeconds: number };
  /** Audio that fits into the window, seconds. */
  readonly windowS: number;
  /** Live audio does not wait for room: it would be lost before it is read, where nobody counts it. */
  readonly whenFull: NonNullable<SessionOptions["whenFull"]>;
  /** Longest time without a connection, ms; `undefined`: for ever. */
  readonly giveUpMs: number | undefined;
  /** Whether an address at which nothing listens at the very first try is taken for a mistake. */
  readonly failsFast: boolean;
}

const defaultGiveUpS = 60;
const mib = 1024 * 1024;
/** Frames in memory of all streams together, as far as the bounds of one allow. */
const totalBytes = 32 * mib;
const windowBytes = { min: mib, max: 16 * mib } as const;
/** Live audio is dropped when it is older; a file is only held up. */
const windowS = { live: 60, file: 3600 } as const;

/**
 * Chooses by what the audio is.
 *
 * @param isPipe - it comes from a pipe: nobody can tell beforehand whether it is live
 */
export function chooseDeliveryPolicy(
  { targets, isRealtime, giveUpS, spool }: Pick<StreamOptions, "targets" | "isRealtime" | "giveUpS" | "spool">,
  format: StreamFormat,
  isPipe: boolean,
): DeliveryPolicy {
  const isLive = isRealtime || isPipe;
  const maxBytes = Math.min(Math.max(totalBytes / targets.length, windowBytes.min), windowBytes.max);
  const maxSeconds = isLive ? windowS.live : windowS.file;
  const seconds = giveUpS ?? (spool === undefined ? defaultGiveUpS : 0);
  return {
    window: { maxBytes, maxSeconds },
    windowS: Math.min(maxSeconds, maxBytes / bytesPerSecond(format)),
    whenFull: isLive ? "drop-oldest" : "wait",
    giveUpMs: seconds === 0 ? undefined : seconds * 1000,
    failsFast: giveUpS === undefined && spool === undefined,
  };
}

function bytesPerSecond({ codec, sampleRateHz, channels }: StreamFormat): number {
  return (sampleRateHz * channels * 2) / (codec === "adpcm" ? 4 : 1);
}
