import type { WallMs } from "../kernel/clock.ts";
import type { ClosedSegment, CloseReason } from "../kernel/segment-record.ts";
import type { DurableExtent } from "./durable-position.ts";
import type { SegmentNotes } from "./segment-notes.ts";
import type { SegmentWriter } from "./segment-writer.ts";

/** A segment that is being written and what is known when it closes. */
export interface Writing {
  readonly writer: SegmentWriter;
  readonly extent: DurableExtent;
  notes: SegmentNotes;
  firstMs: WallMs;
  lastMs: WallMs;
  reason: CloseReason;
  nextFrame: ClosedSegment["nextFrame"];
  /** Length of the file once all of it is durable. */
  closedBytes: number | undefined;
}

/**
 * The segments of a session on their way to the disk, in the session's order, one after the other. Side by side, a crash
 * could leave a later one whole and the one in front torn, and what was resumed behind it would acknowledge the hole.
 * [P-2.7]
 */
export class SegmentLine {
  #line: Writing[] = [];

  get length(): number {
    return this.#line.length;
  }

  [Symbol.iterator](): Iterator<Writing> {
    return this.#line.values();
  }

  /** Adds a segment at its place: behind all that start before it or where it does. Only the first may write. */
  add(writing: Writing): void {
    const { seq } = writing.writer.opening.start;
    const place = this.#line.findLastIndex(({ writer }) => writer.opening.start.seq <= seq) + 1;
    this.#line.splice(place, 0, writing);
    if (place > 0) writing.writer.hold();
  }

  /** Takes out the segments that are through, in order, and lets the next one write. */
  *takeClosed(): Generator<{ readonly writing: Writing; readonly binBytes: number }> {
    for (let [first] = this.#line; first !== undefined; [first] = this.#line) {
      if (first.closedBytes === undefined) {
        first.writer.release();
        return;
      }
      this.#line.shift();
      yield { writing: first, binBytes: first.closedBytes };
    }
  }

  /** Takes out all. */
  clear(): readonly Writing[] {
    const line = this.#line;
    this.#line = [];
    return line;
  }
}
