import type { SpooledFrame } from "./spool.ts";
import { systemErrorCode, toSpoolError } from "./spool-error.ts";
import { RecordReader, type SpoolFile } from "./spool-file-store.ts";
import type { Batch } from "./spool-gatherer.ts";
import { measureRecord, parseRecord } from "./spool-record.ts";

/** Where the frames of a journal are, at the moment of asking. */
export interface FrameSource {
  /** Nobody wants frames before it. */
  readonly acknowledgedSeq: number;
  /** Oldest first. */
  readonly files: readonly SpoolFile[];
  /** What is not in a file yet, oldest first. */
  batches(): readonly Batch[];
  /** Frames from `fromSeq` to the end of the file cannot be read. */
  reportDamage(file: SpoolFile, fromSeq: number): void;
}

/** Reads the frames of a journal in order, wherever they are: {@link Journal.frames}. */
export async function* readFrames(source: FrameSource, fromSeq: number): AsyncGenerator<SpooledFrame, void, void> {
  const cursor = new Cursor(source, fromSeq);
  let reader: RecordReader | undefined;
  try {
    for (;;) {
      const file = cursor.findFile();
      if (file !== undefined) {
        if (reader?.file !== file) {
          await reader?.close();
          reader = undefined;
          reader = await openReader(file);
        }
        if (reader !== undefined) yield* readFile(reader, cursor);
        continue;
      }
      const batch = cursor.findBatch();
      if (batch === undefined) return;
      for (const frame of parseBatch(batch)) if (cursor.passes(frame)) yield frame;
    }
  } finally {
    await reader?.close();
  }
}

/** @returns `undefined` when the file went meanwhile, or is about to */
async function openReader(file: SpoolFile): Promise<RecordReader | undefined> {
  try {
    return await RecordReader.open(file);
  } catch (error) {
    if ((file.isGone || file.isGoing) && systemErrorCode(error) === "ENOENT") return undefined;
    throw toSpoolError(`${file.path} cannot be read`, error);
  }
}

async function* readFile(reader: RecordReader, cursor: Cursor): AsyncGenerator<SpooledFrame, void, void> {
  const { file } = reader;
  while (!file.isGone) {
    const frame = reader.next();
    if (typeof frame === "object") {
      if (cursor.passes(frame)) yield frame;
    } else if (frame === "damaged" || !reader.hasMore || (!(await fill(reader)) && reader.hasMore)) {
      // At the end, unless the file is said to hold frames beyond this.
      cursor.skip(file);
      return;
    }
  }
}

async function fill(reader: RecordReader): Promise<boolean> {
  try {
    return await reader.fill();
  } catch (error) {
    throw toSpoolError(`${reader.file.path} cannot be read`, error);
  }
}

function* parseBatch({ bytes }: Batch): Generator<SpooledFrame, void, void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const byteCount = measureRecord(bytes, at);
    const frame = parseRecord(bytes, at, byteCount);
    if (frame !== undefined) yield frame;
    at += byteCount;
  }
}

/** How far a reader is. */
class Cursor {
  readonly #source: FrameSource;
  #seq: number;

  constructor(source: FrameSource, fromSeq: number) {
    this.#source = source;
    this.#seq = fromSeq;
  }

  /** False for frames that came already, or that nobody wants any more. */
  passes({ seq }: SpooledFrame): boolean {
    if (seq < this.#seq) return false;
    this.#seq = seq + 1;
    return seq >= this.#source.acknowledgedSeq;
  }

  /** The file with the next frame. */
  findFile(): SpoolFile | undefined {
    this.#seq = Math.max(this.#seq, this.#source.acknowledgedSeq);
    return this.#source.files.find(({ tally }) => tally.nextSeq > this.#seq && tally.frameCount > 0);
  }

  findBatch(): Batch | undefined {
    return this.#source.batches().find(({ nextSeq }) => nextSeq > this.#seq);
  }

  /** Gives up what is left of a file, if anything is. */
  skip(file: SpoolFile): void {
    if (file.isGone || file.tally.nextSeq <= this.#seq) return;
    this.#source.reportDamage(file, this.#seq);
    this.#seq = file.tally.nextSeq;
  }
}
