import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { ByteRange } from "../kernel/object-reader.ts";
import { type ByteSection, memorySection, readSections, sampleSection, totalBytes } from "./byte-sections.ts";
import type { ChunkMemory } from "./chunk-memory.ts";
import type { PcmReader } from "./pcm-reader.ts";
import { PieceLine } from "./piece-line.ts";
import type { RangeAudio } from "./playback.ts";
import type { AudioFacts, RangeFacts } from "./range-facts.ts";
import { readFlac } from "./range-flac.ts";
import { piecesOfAudio, piecesWithSilence, type RangePlan } from "./range-plan.ts";
import type { AudioFormat, GapMode } from "./range-request.ts";
import { formatRangeWav } from "./range-wav.ts";
import { gridMsAt } from "./sample-grid.ts";

/** Part of every ETag: other bytes for the same range need another number. */
const exportVersion = 1;

const contentTypes: Readonly<Record<AudioFormat, string>> = {
  wav: "audio/wav",
  flac: "audio/flac",
  raw: "application/octet-stream",
};

export interface RangeAudioOptions {
  readonly plan: RangePlan;
  readonly facts: RangeFacts;
  readonly format: AudioFormat;
  readonly gapMode: GapMode;
  readonly pcm: PcmReader;
}

/** @throws RequestError `RANGE_INVALID` for more than a WAV can hold */
export function createRangeAudio({ plan, facts, format, gapMode, pcm }: RangeAudioOptions): RangeAudio {
  const { channels, sampleRateHz } = plan;
  const pieces = gapMode === "silence" ? piecesWithSilence(plan) : piecesOfAudio(plan);
  const line = new PieceLine(pieces);
  const { sampleCount } = line;
  const firstIndex = pieces[0]?.from ?? plan.from;
  const samples = sampleSection(sampleCount, channels * 2, (from, to, memory) =>
    pcm.read(line, channels, from, to, memory),
  );
  const audioFacts: AudioFacts = { ...facts, format, gapMode, sampleCount };
  const common = {
    facts: audioFacts,
    contentType: contentTypes[format],
    fileName: formatFileName(plan, firstIndex, format),
    etag: formatEtag(plan, format, gapMode),
  };
  if (format === "flac") {
    const title = `stream ${plan.streamId} of ${plan.hwid ?? "a device without id"}`;
    const startMs = gridMsAt(firstIndex, sampleRateHz);
    return {
      ...common,
      byteLength: undefined,
      ...readers((_, bytes) => {
        if (bytes !== undefined) throw new RangeError("a FLAC is made while it is read: no part of it can be had");
        const pieces = pcm.read(line, channels, 0, sampleCount);
        return readFlac(pieces, { sampleRateHz, channels, sampleCount, title, startMs });
      }),
    };
  }
  const sections = format === "raw" ? [samples] : frameWav(plan, samples, firstIndex);
  const byteLength = totalBytes(sections);
  return { ...common, byteLength, ...readers((memory, bytes) => readBytes(sections, byteLength, bytes, memory)) };
}

type ReadChunks = (memory: ChunkMemory | undefined, bytes: ByteRange | undefined) => AsyncGenerator<Uint8Array>;

function readers(readChunks: ReadChunks): Pick<RangeAudio, "read" | "chunks"> {
  return { read: (bytes) => Readable.from(readChunks(undefined, bytes), byteStream), chunks: readChunks };
}

const byteStream = { objectMode: false, highWaterMark: 256 * 1024 } as const;

function frameWav(plan: RangePlan, samples: ByteSection, firstIndex: number): readonly ByteSection[] {
  const { header, trailer } = formatRangeWav(plan, samples.byteLength / (plan.channels * 2), firstIndex);
  return [memorySection(header), samples, memorySection(trailer)];
}

function readBytes(
  sections: readonly ByteSection[],
  byteLength: number,
  bytes: ByteRange | undefined,
  memory: ChunkMemory | undefined,
): AsyncGenerator<Uint8Array> {
  const { start, end } = bytes ?? { start: 0, end: byteLength };
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end > byteLength || start > end) {
    throw new RangeError(`bytes ${start} to ${end} were asked for, there are ${byteLength}`);
  }
  return readSections(sections, { start, end }, memory);
}

function formatFileName({ hwid, streamId, sampleRateHz }: RangePlan, firstIndex: number, format: AudioFormat): string {
  const iso = new Date(gridMsAt(firstIndex, sampleRateHz)).toISOString();
  const time = `${iso.slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
  return `${hwid === null ? "" : `${hwid}_`}stream_${streamId}_${time}.${format}`;
}

/** The samples of a place in a session never change, so what is heard where tells the bytes. */
function formatEtag(plan: RangePlan, format: AudioFormat, gapMode: GapMode): string {
  const { sources: _, known: __, evicted: ___, ...content } = plan;
  const text = JSON.stringify([exportVersion, format, gapMode, content]);
  return `"${createHash("sha256").update(text).digest("hex").slice(0, 32)}"`;
}
