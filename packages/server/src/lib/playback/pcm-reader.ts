import type { SegmentPlace } from "../catalog/catalog-reader.ts";
import { StorageError } from "../kernel/errors.ts";
import { type ChunkMemory, chunkBytes } from "./chunk-memory.ts";
import type { SessionRun } from "./heard-runs.ts";
import type { SegmentLookup } from "./known-segments.ts";
import type { PieceLine } from "./piece-line.ts";
import type { RangePiece } from "./range-plan.ts";
import { readAhead } from "./read-ahead.ts";
import type { SegmentAudio } from "./segment-audio.ts";

/** What is read at once; a usual segment is less. */
const maxUnitBytes = chunkBytes;
const readAheadDepth = 4;
const segmentsPerQuery = 100;

/** A part of a segment, positions in the session. */
export interface SegmentPart {
  readonly segment: SegmentPlace;
  readonly fromSample: number;
  readonly toSample: number;
}

type Unit = SegmentPart | { readonly silentCount: number };

/** Reads samples of ranges, a few segments ahead, in bounded memory. */
export class PcmReader {
  readonly #lookup: SegmentLookup;
  readonly #audio: SegmentAudio;

  constructor(lookup: SegmentLookup, audio: SegmentAudio) {
    this.#lookup = lookup;
    this.#audio = audio;
  }

  /**
   * Interleaved s16le of a line's samples `[from, to)`, in chunks of whole samples.
   *
   * @param memory - where chunks may lie, which are then to be given back; default: fresh memory
   * @throws StorageError `AUDIO_UNAVAILABLE`
   */
  read(line: PieceLine, channels: number, from: number, to: number, memory?: ChunkMemory): AsyncGenerator<Uint8Array> {
    const blockBytes = channels * 2;
    const maxCount = Math.max(1, Math.floor(maxUnitBytes / blockBytes));
    const silence = new Uint8Array(maxCount * blockBytes);
    const take = memory && ((byteLength: number) => memory.take(byteLength));
    return readAhead(this.#units(line, from, to, maxCount), readAheadDepth, async (unit) => {
      if ("silentCount" in unit) return silence.subarray(0, unit.silentCount * blockBytes);
      return await this.#audio.read(unit.segment, unit.fromSample, unit.toSample, take);
    });
  }

  /**
   * The segments of a stretch, each with the part that lies in it, in order and without a hole.
   *
   * @throws StorageError `AUDIO_UNAVAILABLE` when one is not in the catalogue any more
   */
  async *parts({ session, origin }: SessionRun, from: number, to: number): AsyncGenerator<SegmentPart> {
    const toSample = to - origin;
    for (let at = from - origin; at < toSample; ) {
      const segments = await this.#lookup.segmentsAt(session, { fromSample: at, toSample, limit: segmentsPerQuery });
      const before = at;
      for (const segment of segments) {
        const end = Math.min(segment.startSample + segment.sampleCount, toSample);
        if (segment.startSample > at) break;
        if (end <= at) continue;
        yield { segment, fromSample: at, toSample: end };
        at = end;
      }
      if (at === before) {
        throw new StorageError("AUDIO_UNAVAILABLE", `sample ${at} of the session ${session} was deleted meanwhile`);
      }
    }
  }

  async *#units(line: PieceLine, from: number, to: number, maxCount: number): AsyncGenerator<Unit> {
    for (const piece of line.between(from, to)) yield* this.#unitsOf(piece, maxCount);
  }

  async *#unitsOf({ run, from, to }: RangePiece, maxCount: number): AsyncGenerator<Unit> {
    if (run === null) {
      for (let left = to - from; left > 0; left -= maxCount) yield { silentCount: Math.min(left, maxCount) };
      return;
    }
    for await (const { segment, fromSample, toSample } of this.parts(run, from, to)) {
      for (let at = fromSample; at < toSample; at += maxCount) {
        yield { segment, fromSample: at, toSample: Math.min(at + maxCount, toSample) };
      }
    }
  }
}
