import type { AnchorRecord, GapRecord, SegmentObservations } from "../kernel/segment-record.ts";

/** More than a device sends in a segment; one that sends more loses the rest, not the server its memory. */
const maxAnchorCount = 128;

/** What is noted of a segment while it is received, besides its frames. */
export class SegmentNotes {
  #anchors: AnchorRecord[] = [];
  #gaps: GapRecord[] = [];
  /** Frames that had come before and were dropped while the segment took frames. */
  duplicateCount = 0;

  addAnchor(anchor: AnchorRecord): void {
    if (this.#anchors.length < maxAnchorCount) this.#anchors.push(anchor);
  }

  get gapCount(): number {
    return this.#gaps.length;
  }

  addGap(gap: GapRecord): void {
    this.#gaps.push(gap);
  }

  /** The gap that begins at `seq`, unwrapped. */
  gapAt(seq: number): GapRecord | undefined {
    return this.#gaps.find(({ fromSeq }) => fromSeq === seq);
  }

  /** Moves out what concerns the frames from `seq` on: they go to another file. */
  splitAt(seq: number): SegmentNotes {
    const notes = new SegmentNotes();
    notes.#anchors = this.#anchors.filter((anchor) => anchor.seq >= seq);
    notes.#gaps = this.#gaps.filter(({ fromSeq }) => fromSeq >= seq);
    this.#anchors = this.#anchors.filter((anchor) => anchor.seq < seq);
    this.#gaps = this.#gaps.filter(({ fromSeq }) => fromSeq < seq);
    return notes;
  }

  /** @param driftPpm - of the session so far */
  observations(driftPpm: number | null): SegmentObservations {
    return {
      anchors: this.#anchors,
      driftPpm,
      droppedDuplicateCount: this.duplicateCount,
      deviceDroppedSeqs: this.#gaps.filter(({ cause }) => cause === "device-dropped").map(({ fromSeq }) => fromSeq),
    };
  }
}
