/** What a run of frames amounts to. */
export interface Tally {
  readonly firstSeq: number;
  /** One past the last frame. */
  readonly nextSeq: number;
  readonly frameCount: number;
  /** Samples per channel. */
  readonly sampleCount: number;
}

/** No frames, standing in front of `seq`. */
export function emptyTally(seq: number): Tally {
  return { firstSeq: seq, nextSeq: seq, frameCount: 0, sampleCount: 0 };
}

/** Both runs; `second` follows `first`. */
export function joinTallies(first: Tally, second: Tally): Tally {
  if (first.frameCount === 0) return second;
  if (second.frameCount === 0) return first;
  return {
    firstSeq: first.firstSeq,
    nextSeq: second.nextSeq,
    frameCount: first.frameCount + second.frameCount,
    sampleCount: first.sampleCount + second.sampleCount,
  };
}

/**
 * The frames of a run from `seq` on. Exact when seqs are contiguous and frames alike, as they are within a stream; else in
 * proportion, but never none while the last frame is among them.
 */
export function tallyFrom(tally: Tally, seq: number): Tally {
  const { firstSeq, nextSeq } = tally;
  if (seq <= firstSeq) return tally;
  if (seq >= nextSeq) return emptyTally(seq);
  const estimate = Math.round((tally.frameCount * (nextSeq - seq)) / (nextSeq - firstSeq));
  const least = Math.max(1, tally.frameCount - (seq - firstSeq));
  const frameCount = Math.max(least, Math.min(estimate, nextSeq - seq));
  const sampleCount = Math.round((tally.sampleCount * frameCount) / tally.frameCount);
  return { firstSeq: seq, nextSeq, frameCount, sampleCount };
}
