import { concatBytes, encodeAscii, formatChunk } from "./riff-chunk.ts";

/** The `LIST INFO` texts players show, in the order they are written; stored as UTF-8. */
const infoIds = ["INAM", "IART", "ICRD", "ISFT", "ICMT"] as const;

/** Title, artist, creation date, software and comment of a recording, each optional. */
export type WavTags = { readonly [id in (typeof infoIds)[number]]?: string | undefined };

/** The Broadcast Wave extension: when and by whom a recording was made. EBU Tech 3285, version 1. */
export interface BroadcastExtension {
  /** At most 256 ASCII characters; like the other texts it is cut where the field ends, and `?` replaces other characters. */
  readonly description: string;
  /** At most 32 characters. */
  readonly originator: string;
  /** At most 32 characters. */
  readonly originatorReference: string;
  /** UTC, `yyyy-mm-dd`. */
  readonly originationDate: string;
  /** UTC, `hh:mm:ss`. */
  readonly originationTime: string;
  /** The first sample's position, in samples since midnight UTC: a whole number from 0 to 2^64 - 1. */
  readonly timeReferenceSamples: bigint | number;
  /** Lines such as `A=PCM,F=16000,W=16,M=mono`, each ended by CR LF. */
  readonly codingHistory?: string | undefined;
}

/** What {@link formatWavTrailer} writes. */
export interface WavTrailerFields {
  readonly info: WavTags;
  readonly bext: BroadcastExtension;
}

const bextBytes = 602;
const maxU64 = 2n ** 64n - 1n;

/**
 * The chunks after the audio: `LIST INFO` (left out when it has no text) and `bext`. [S-1.5]
 *
 * @returns an even number of bytes, to be told to `formatWavHeader` as `trailerBytes`.
 * @throws RangeError for a date, a time or a time reference of another form.
 */
export function formatWavTrailer({ info, bext }: WavTrailerFields): Uint8Array {
  const tags = infoIds.flatMap((id) => (info[id] ? [formatChunk(id, encodeZeroTerminated(info[id]))] : []));
  const list = tags.length === 0 ? new Uint8Array() : formatChunk("LIST", concatBytes(encodeAscii("INFO"), ...tags));
  return concatBytes(list, formatChunk("bext", formatBext(bext)));
}

function formatBext(bext: BroadcastExtension): Uint8Array {
  assertForm("originationDate", bext.originationDate, /^\d{4}-\d\d-\d\d$/, "yyyy-mm-dd");
  assertForm("originationTime", bext.originationTime, /^\d\d:\d\d:\d\d$/, "hh:mm:ss");
  const timeReference = BigInt(bext.timeReferenceSamples);
  if (timeReference < 0n || timeReference > maxU64) {
    throw new RangeError(`timeReferenceSamples must be 0 to ${maxU64}; got ${timeReference}`);
  }
  const body = new Uint8Array(bextBytes);
  body.set(encodeAscii(bext.description).subarray(0, 256), 0);
  body.set(encodeAscii(bext.originator).subarray(0, 32), 256);
  body.set(encodeAscii(bext.originatorReference).subarray(0, 32), 288);
  body.set(encodeAscii(bext.originationDate), 320);
  body.set(encodeAscii(bext.originationTime), 330);
  const view = new DataView(body.buffer);
  view.setBigUint64(338, timeReference, true);
  view.setUint16(346, 1, true); // Version 1; the 64 bytes of UMID and 190 reserved ones that follow stay 0.
  return concatBytes(body, encodeAscii(bext.codingHistory ?? ""));
}

function encodeZeroTerminated(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

function assertForm(name: string, value: string, form: RegExp, formName: string): void {
  if (!form.test(value)) throw new RangeError(`${name} must be ${formName}; got ${JSON.stringify(value)}`);
}
