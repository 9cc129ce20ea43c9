import type { RangePiece } from "./range-plan.ts";

/** Pieces of a range one after the other, as they are given: positions count what is given, per channel. */
export class PieceLine {
  readonly #pieces: readonly RangePiece[];
  /** Where each piece begins. */
  readonly #starts: Float64Array;
  readonly sampleCount: number;

  constructor(pieces: readonly RangePiece[]) {
    this.#pieces = pieces;
    this.#starts = new Float64Array(pieces.length);
    let at = 0;
    pieces.forEach(({ from, to }, index) => {
      this.#starts[index] = at;
      at += to - from;
    });
    this.sampleCount = at;
  }

  /** The pieces of `[from, to)`, cut to it. */
  *between(from: number, to: number): Generator<RangePiece> {
    for (let index = this.#indexAt(from); index < this.#pieces.length; index++) {
      const piece = this.#pieces[index];
      const start = this.#starts[index] as number;
      if (piece === undefined || start >= to) return;
      const first = piece.from + Math.max(0, from - start);
      const last = Math.min(piece.to, piece.from + to - start);
      if (last > first) yield { ...piece, from: first, to: last };
    }
  }

  /** Of the piece that holds a position. */
  #indexAt(position: number): number {
    let [low, high] = [0, this.#pieces.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] as number) <= position) low = middle;
      else high = middle;
    }
    return low;
  }
}
