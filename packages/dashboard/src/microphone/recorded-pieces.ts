import type { Session } from "@eet/client";

/** Where a piece of sound has got to. */
export type PieceState = "held" | "sent" | "durable";

/** A piece of what was heard. */
interface Piece {
  /** 0 to 1. */
  readonly peak: number;
  readonly session: Session;
  /** Count of the session's samples behind it. */
  readonly endSample: number;
}

/** Pieces put together for drawing. */
export interface PieceGroup {
  readonly peak: number;
  readonly state: PieceState;
}

/** The last pieces of what was heard, and where each of them has got to. */
export class RecordedPieces {
  readonly #maxCount: number;
  #pieces: Piece[] = [];
  /** Pieces that were here and are not any more. */
  #goneCount = 0;

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  add(peak: number, session: Session, endSample: number): void {
    this.#pieces.push({ peak, session, endSample });
    if (this.#pieces.length < 2 * this.#maxCount) return;
    const count = this.#pieces.length - this.#maxCount;
    this.#pieces = this.#pieces.slice(count);
    this.#goneCount += count;
  }

  clear(): void {
    this.#pieces = [];
    this.#goneCount = 0;
  }

  /**
   * The last `count` groups of `size` pieces each, the newest last. A piece stays in the same group, so that what is drawn
   * moves but does not flicker.
   */
  groups(count: number, size: number): readonly PieceGroup[] {
    const total = this.#goneCount + this.#pieces.length;
    const last = Math.floor((total - 1) / size);
    const groups: PieceGroup[] = [];
    for (let group = Math.max(0, last - count + 1); group <= last; group += 1) {
      const from = Math.max(0, group * size - this.#goneCount);
      const pieces = this.#pieces.slice(from, group * size + size - this.#goneCount);
      const newest = pieces.at(-1);
      if (newest === undefined) continue;
      groups.push({ peak: pieces.reduce((most, { peak }) => Math.max(most, peak), 0), state: stateOf(newest) });
    }
    return groups;
  }
}

function stateOf({ session, endSample }: Piece): PieceState {
  const { state, progress } = session;
  const { durable, sent, dropped } = progress;
  // What was dropped is neither, but counts in neither: what follows it is further than it looks.
  if (endSample <= durable.sampleCount + dropped.sampleCount) return "durable";
  // Without a connection nothing is on its way any more: what was not confirmed will be sent again.
  const link = state.kind === "finishing" ? state.link : state;
  const isOnItsWay = link.kind === "open" && endSample <= sent.sampleCount + dropped.sampleCount;
  return isOnItsWay ? "sent" : "held";
}
