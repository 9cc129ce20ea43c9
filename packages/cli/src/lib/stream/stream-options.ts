import type { NibbleOrder } from "@eet/audio";
import { formatStreamUrl } from "@eet/client";
import type { Codec } from "@eet/protocol";
import { UsageError } from "../command-error.ts";
import type { TlsPaths } from "./tls-files-store.ts";

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
  readonly plain?: true;
  readonly giveUpS?: number;
  readonly spool?: string;
  readonly spoolMb?: number;
  readonly token?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
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
  /** Version 1, whatever the server could do. */
  readonly isPlain: boolean;
  /** Secret of the device. */
  readonly token: string | undefined;
  /** Files for `wss:`. */
  readonly tlsPaths: TlsPaths;
  /** Longest time without a connection, seconds, 0 for ever; `undefined` when nothing is said about it. */
  readonly giveUpS: number | undefined;
  readonly spool: SpoolChoice | undefined;
}

/** Where audio is kept until it is acknowledged. */
export interface SpoolChoice {
  readonly folder: string;
  readonly maxBytes: number;
}

const maxStreamId = 0xffff_ffff;
const defaultSpoolMb = 1024;
const mib = 1024 * 1024;

/**
 * Checks the flags against each other.
 *
 * @param environment - `EET_TOKEN` counts where `--token` is left out
 * @throws UsageError
 */
export function parseStreamFlags(
  flags: StreamFlags,
  environment: Readonly<Record<string, string | undefined>> = {},
): StreamOptions {
  if (flags.raw === undefined && (flags.rate !== undefined || flags.channels !== undefined)) {
    throw new UsageError("--rate and --channels describe --raw input, a WAV says its own: add --raw or leave them out");
  }
  assertDelivery(flags);
  assertTls(flags);
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
    isPlain: flags.plain === true,
    token: flags.token ?? (environment["EET_TOKEN"] || undefined),
    tlsPaths: { ca: flags.ca, cert: flags.cert, key: flags.key },
    giveUpS: flags.giveUpS,
    spool:
      flags.spool === undefined
        ? undefined
        : { folder: flags.spool, maxBytes: (flags.spoolMb ?? defaultSpoolMb) * mib },
  };
}

function assertDelivery({ plain, spool, spoolMb, giveUpS }: StreamFlags): void {
  if (spoolMb !== undefined && spool === undefined) {
    throw new UsageError("--spool-mb bounds what --spool keeps: add --spool DIR or leave it out");
  }
  if (plain === undefined) return;
  if (spool !== undefined || giveUpS !== undefined) {
    throw new UsageError("--plain neither keeps audio nor reconnects: leave out --spool and --give-up-s, or --plain");
  }
}

function assertTls({ url, ca, cert, key }: StreamFlags): void {
  if ((cert === undefined) !== (key === undefined)) throw new UsageError("--cert and --key go together: give both");
  if ((ca ?? cert) !== undefined && !/^(?:wss|https):/i.test(url)) {
    throw new UsageError(`--ca, --cert and --key are for TLS: give a --url like wss://host:5096/ws instead of ${url}`);
  }
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
