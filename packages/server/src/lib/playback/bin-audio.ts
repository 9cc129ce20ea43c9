import { createHash } from "node:crypto";
import type { FramePlace } from "../finishing/frame-place.ts";
import type { BinMarks } from "../finishing/segment-samples.ts";
import { parseSidecar } from "../finishing/sidecar-parsing.ts";
import { StorageError } from "../kernel/errors.ts";
import type { ObjectReader } from "../kernel/object-reader.ts";
import type { PlaybackThreads } from "./playback-threads.ts";
import { RecentValues } from "./recent-values.ts";

/** What is fetched at once to look at a stored `.bin`: more than two frames of the largest size. */
const blockBytes = 2 * 1024 * 1024;
/** Of what was fetched and of marks, kept over all segments. */
const maxKeptBytes = 32 * 1024 * 1024;
/** What a mark takes in memory, about. */
const markBytes = 64;

/** Samples of a segment whose `.bin` is to be decoded. */
export interface BinPart {
  /** Text of the segment's sidecar. */
  readonly sidecar: string;
  /** Positions in the session, within the segment. */
  readonly fromSample: number;
  readonly toSample: number;
}

/** What looking at a `.bin` told. */
interface KnownBin {
  /** Whether it is what its sidecar describes. Kept too when not, so that it is not looked at for each part again. */
  readonly isDescribed: boolean;
  readonly marks: readonly FramePlace[];
  /** Its bytes, if it is short. */
  readonly held: Uint8Array | undefined;
  readonly bytes: number;
}

const otherBin: KnownBin = { isDescribed: false, marks: [], held: undefined, bytes: 0 };

/**
 * Decodes parts of `.bin` files. Each file is compared with its sidecar and walked once, not for each part; of a part only
 * what lies near it is read, so that memory does not depend on the length of segments.
 */
export class BinAudio {
  readonly #threads: PlaybackThreads;
  readonly #objects: ObjectReader | undefined;
  readonly #known = new RecentValues<KnownBin>(
    maxKeptBytes,
    ({ marks, held }) => marks.length * markBytes + (held?.byteLength ?? 0),
  );

  constructor(threads: PlaybackThreads, objects: ObjectReader | undefined) {
    this.#threads = threads;
    this.#objects = objects;
  }

  /**
   * @param stamp - tells the file from one that is put in its place later
   * @throws Error with what is wrong
   */
  async readLocal(path: string, stamp: string, part: BinPart): Promise<Int16Array> {
    const known = await this.#known.get(stamp, async () => {
      const found = await this.#threads.indexBin({ sidecar: part.sidecar, bin: path });
      return found === null ? otherBin : { isDescribed: true, marks: found.marks, held: undefined, bytes: 0 };
    });
    const { marks } = assertDescribed(known, part);
    const from = marks.findLast(({ sample }) => sample <= part.fromSample);
    return await this.#threads.decode({ ...part, bin: path, ...(from !== undefined && { from }) });
  }

  /** @throws Error with what is wrong, also where no object store is configured; UploadError from the store */
  async readStored(key: string, part: BinPart): Promise<Int16Array> {
    const known = await this.#known.get(`object:${key}`, () => this.#look(key, part.sidecar));
    const { marks, held, bytes } = assertDescribed(known, part);
    const from = marks.findLast(({ sample }) => sample <= part.fromSample) ?? marks[0];
    const start = from?.offset ?? 0;
    // One more than what holds the part: a frame's last sample may stand in the one that follows.
    const end = marks.filter(({ sample }) => sample >= part.toSample)[1]?.offset ?? bytes;
    // A copy: what goes to a thread is all of the memory that a view is of.
    const bin = held?.slice(start, end) ?? (await this.#fetch(key, { start, end }, bytes));
    return await this.#threads.decode({ ...part, bin, ...(from !== undefined && { from: { ...from, offset: 0 } }) });
  }

  /** Fetches a `.bin` block by block, compares it with its sidecar and marks places in it. */
  async #look(key: string, sidecar: string): Promise<KnownBin> {
    const { bytes, sha256 } = parseSidecar(sidecar, "the sidecar").files.bin;
    const hash = createHash("sha256");
    const marks: FramePlace[] = [];
    let held: Uint8Array | undefined;
    let last: FramePlace | undefined;
    for (let hashedBytes = 0; hashedBytes < bytes; ) {
      // The last frame once more: what follows it may be placed by its length.
      const start = last?.offset ?? 0;
      const end = Math.min(start + blockBytes, bytes);
      const bin = await this.#fetch(key, { start, end }, bytes);
      hash.update(bin.subarray(hashedBytes - start));
      hashedBytes = end;
      if (end - start === bytes) held = bin;
      const found = await this.#mark(sidecar, bin, start, last);
      const hasMoved = found.last !== undefined && found.last.offset > (last?.offset ?? -1);
      if (!hasMoved && end < bytes) return otherBin;
      marks.push(...found.marks.filter(({ offset }) => offset > (marks.at(-1)?.offset ?? -1)));
      last = found.last ?? last;
    }
    return hash.digest("hex") === sha256 ? { isDescribed: true, marks, held, bytes } : otherBin;
  }

  /** Marks a block that begins at `start`; the offsets are those in the file. */
  async #mark(sidecar: string, bin: Uint8Array, start: number, from: FramePlace | undefined): Promise<BinMarks> {
    const request = { sidecar, bin, ...(from !== undefined && { from: { ...from, offset: from.offset - start } }) };
    const { marks, last } = await this.#threads.markFrames(request);
    const inFile = (place: FramePlace): FramePlace => ({ ...place, offset: place.offset + start });
    return { marks: marks.map(inFile), last: last && inFile(last) };
  }

  async #fetch(key: string, range: { start: number; end: number }, expectedBytes: number): Promise<Uint8Array> {
    if (this.#objects === undefined) throw new Error("no object store is configured");
    const { bytes, objectBytes } = await this.#objects.get(key, range);
    if (objectBytes === expectedBytes) return bytes;
    throw new Error(`${key} has ${objectBytes} bytes, its sidecar says ${expectedBytes}`);
  }
}

/** @throws StorageError `SEGMENT_UNREADABLE` */
function assertDescribed(known: KnownBin, { sidecar }: BinPart): KnownBin {
  if (known.isDescribed) return known;
  const { name } = parseSidecar(sidecar, "the sidecar");
  throw new StorageError("SEGMENT_UNREADABLE", `the .bin of ${name} is not what its sidecar describes`);
}
