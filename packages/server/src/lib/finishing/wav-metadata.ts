import { formatWavTrailer } from "@eet/audio";
import type { SegmentOpening } from "../kernel/segment-record.ts";

const secondsPerDay = 86_400;

/**
 * `LIST INFO` and `bext` of a segment's WAV: a pure function of the session and the segment's place in it. [S-1.5]
 *
 * @param firstSample - position in the session of the WAV's first sample
 */
export function formatSegmentTrailer(opening: SegmentOpening, firstSample: number): Uint8Array {
  const { session, index, name } = opening;
  const { sampleRateHz, channels, codec } = session.format;
  const iso = new Date(session.start.startMs + (firstSample * 1000) / sampleRateHz).toISOString();
  const date = iso.slice(0, 10);
  const mode = channels === 1 ? "mono" : channels === 2 ? "stereo" : "multitrack";
  return formatWavTrailer({
    info: {
      INAM: name,
      IART: session.hwid ?? undefined,
      ICRD: date,
      ISFT: "EET",
      ICMT: `session ${session.session} segment ${index} stream ${session.streamId} sample ${firstSample}`,
    },
    bext: {
      description: name,
      originator: "EET",
      originatorReference: `${session.session}-${index}`,
      originationDate: date,
      originationTime: iso.slice(11, 19),
      timeReferenceSamples: timeReference(session.start.startMs, sampleRateHz, firstSample),
      codingHistory: `A=PCM,F=${sampleRateHz},W=16,M=${mode},T=${codec === "adpcm" ? "IMA ADPCM" : "PCM16"}\r\n`,
    },
  });
}

/**
 * Samples since midnight UTC. The session's start is rounded to a sample once, so that the references of a session's
 * segments differ by exactly the samples between them.
 */
export function timeReference(sessionStartMs: number, sampleRateHz: number, firstSample: number): number {
  const msOfDay = sessionStartMs % (secondsPerDay * 1000);
  const sessionStartSample = Math.round((msOfDay * sampleRateHz) / 1000);
  return (sessionStartSample + firstSample) % (secondsPerDay * sampleRateHz);
}
