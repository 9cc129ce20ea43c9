import type { NibbleOrder } from "@eet/audio";
import { formatStreamUrl } from "@eet/client";
import type { Codec } from "@eet/protocol";
import { UsageError } from "../command-error.ts";

/** The flags of `eet stream` as commander gives them; numbers are parsed and in range. */
export interface StreamFlags {
  readonly wav?: string;
  readonly raw?: true;
  readonly rate?: number;
  readonly channels?: number;
  readonly codec: "adpcm" | "pcm";
  readonly nibbleOrder: NibbleOrder;
  readonly url: string;
  readonly hwid?: string;
  readonly streams: number;
  readonly streamIdBase: number;
  readonly frameMs: number;
  readonly realtime?: true;
  readonly loop?: true;
  readonly seconds?: number;
  readonly json?: true;
}

/** Headerless 16-bit input. */
export interface RawFormat {
  readonly sampleRateHz: number;
  readonly channels: number;
}

/** One connection to open. */
export interface StreamTarget {
  readonly streamId: number;
  readonly hwid: string | undefined;
}

/** What `eet stream` is to do, checked as far as that goes without the audio. */
export interface StreamOptions {
  /** `-` is standard input, `undefined` the bundled recording. */
  readonly path: string | undefined;
  readonly raw: RawFormat | undefined;
  readonly codec: Codec;
  readonly nibbleOrder: NibbleOrder;
  readonly url: string;
  readonly targets: readonly StreamTarget[];
  readonly frameMs: number;
  readonly isRealtime: boolean;
  readonly isLoop: boolean;
  readonly maxSeconds: number | undefined;
  readonly isJson: boolean;
}

const maxStreamId = 0xffff_ffff;

/**
 * Checks the flags against each other.
 *
 * @throws UsageError
 */
export function parseStreamFlags(flags: StreamFlags): StreamOptions {
  if (flags.raw === undefined && (flags.rate !== undefined || flags.channels !== undefined)) {
    throw new UsageError("--rate and --channels describe --raw input, a WAV says its own: add --raw or leave them out");
  }
  return {
    path: flags.wav,
    raw: flags.raw && { sampleRateHz: flags.rate ?? 16_000, channels: flags.channels ?? 1 },
    codec: flags.codec === "pcm" ? "pcm16" : "adpcm",
    nibbleOrder: flags.nibbleOrder,
    url: flags.url,
    targets: listTargets(flags),
    frameMs: flags.frameMs,
    isRealtime: flags.realtime === true,
    isLoop: flags.loop === true,
    maxSeconds: flags.seconds,
    isJson: flags.json === true,
  };
}

function listTargets({ url, hwid, streams, streamIdBase }: StreamFlags): StreamTarget[] {
  if (streamIdBase + streams - 1 > maxStreamId) {
    throw new UsageError(
      `--stream-id-base ${streamIdBase} with --streams ${streams} goes past the largest id: choose a base of at most ${maxStreamId - streams + 1}`,
    );
  }
  return Array.from({ length: streams }, (_, index) => {
    const target = { streamId: streamIdBase + index, hwid: streams === 1 || !hwid ? hwid : `${hwid}-${index + 1}` };
    assertAddress(url, target.hwid);
    return target;
  });
}

function assertAddress(url: string, hwid: string | undefined): void {
  try {
    formatStreamUrl(url, hwid);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UsageError(cause.message, { cause });
  }
}
