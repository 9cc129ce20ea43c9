/** One segment's share: from where on its frames are not durable. */
export interface DurableExtent {
  /** Unwrapped seq; every frame of the segment before it is durable. */
  nextSeq: number;
}

/**
 * How far a session is durable while several of its segments are brought to disk side by side: up to the first frame
 * that is not, in whichever segment it stands. [P-2.6]
 */
export class DurablePosition {
  readonly #extents = new Set<DurableExtent>();

  /** A segment begins to take frames. */
  open(startSeq: number): DurableExtent {
    const extent = { nextSeq: startSeq };
    this.#extents.add(extent);
    return extent;
  }

  /** All frames of the segment are durable, or stand in another one that was opened for them. */
  close(extent: DurableExtent): void {
    this.#extents.delete(extent);
  }

  /** @param receivedNext - unwrapped seq behind the last frame that was taken */
  nextSeq(receivedNext: number): number {
    let nextSeq = receivedNext;
    for (const extent of this.#extents) nextSeq = Math.min(nextSeq, extent.nextSeq);
    return nextSeq;
  }
}
