import { formatWavHeader, formatWavTrailer, wavHeaderBytes } from "@eet/audio";
import { RequestError } from "../kernel/errors.ts";
import type { RangePlan } from "./range-plan.ts";
import { gridMsAt } from "./sample-grid.ts";

const secondsPerDay = 86_400;
/** What the 32-bit length in a WAV's header allows for all behind it. */
const maxRiffBytes = 0xffff_ffff;

/** What stands around the samples of an exported WAV. */
export interface WavFrame {
  readonly header: Uint8Array;
  readonly trailer: Uint8Array;
}

/**
 * Header, and behind the samples name and time of the first one, as in the WAVs of segments. [S-1.5]
 *
 * @param firstIndex - grid index of the first sample that is given
 * @throws RequestError `RANGE_INVALID` when a WAV cannot hold so much
 */
export function formatRangeWav(plan: RangePlan, sampleCount: number, firstIndex: number): WavFrame {
  const { sampleRateHz, channels, hwid, streamId } = plan;
  const iso = new Date(gridMsAt(firstIndex, sampleRateHz)).toISOString();
  const name = `stream ${streamId} of ${hwid ?? "a device without id"}`;
  const trailer = formatWavTrailer({
    info: { INAM: name, IART: hwid ?? undefined, ICRD: iso.slice(0, 10), ISFT: "EET", ICMT: `from ${iso}` },
    bext: {
      description: name,
      originator: "EET",
      originatorReference: plan.runs[0]?.session ?? "",
      originationDate: iso.slice(0, 10),
      originationTime: iso.slice(11, 19),
      // The grid counts from a midnight.
      timeReferenceSamples: firstIndex % (secondsPerDay * sampleRateHz),
      codingHistory: `A=PCM,F=${sampleRateHz},W=16,M=${channels === 1 ? "mono" : channels === 2 ? "stereo" : "multitrack"}\r\n`,
    },
  });
  const riffBytes = wavHeaderBytes + sampleCount * channels * 2 + trailer.byteLength;
  if (riffBytes > maxRiffBytes) {
    const hours = Math.floor(maxRiffBytes / (channels * 2 * sampleRateHz * 360)) / 10;
    throw new RequestError(
      "RANGE_INVALID",
      `a WAV holds at most 4 GiB, which is ${hours} h of ${sampleRateHz} Hz with ${channels} channels;` +
        " take a shorter range, or flac or raw",
    );
  }
  return {
    header: formatWavHeader({ sampleRateHz, channels, sampleCount, trailerBytes: trailer.byteLength }),
    trailer,
  };
}
