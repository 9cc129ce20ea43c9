import { Correlation } from "./correlation.ts";
import type { NibbleOrder } from "./ima-adpcm.ts";

const minMargin = 0.05;

/** What a code stands for, in eighths of a step: `+-(2 * (code & 7) + 1)`. */
const codeValues = Int8Array.from({ length: 16 }, (_, code) => (code & 8 ? -1 : 1) * (2 * (code & 7) + 1));

/**
 * Guesses the nibble order from the codes' own correlation. [P-1.5] rule 3
 *
 * A code says how far one sample lies from the one before, so neighbouring codes of real audio are correlated. The two
 * codes inside a byte are neighbours in either order; their correlation `c_in` shows what neighbours look like in this
 * audio. Across two bytes k and k+1 the neighbours are (low of k, high of k+1) when high comes first, and (high of k,
 * low of k+1) when low comes first; in the wrong order those two lie three samples apart. So the right order is the one
 * whose correlation across bytes, `c_hi` or `c_lo`, is nearer to `c_in`.
 *
 * Each second of audio is a window that counts only when the two distances to `c_in` differ by 0.05 or more; noise and
 * silence abstain this way. An order stands when two counting windows in a row agree on it.
 */
export class NibbleStatistics {
  readonly #windowByteCount: number;
  #window = new CodeWindow();
  #latest: NibbleOrder | undefined;
  #agreed: NibbleOrder | undefined;

  constructor(sampleRateHz: number) {
    this.#windowByteCount = Math.ceil(sampleRateHz / 2);
  }

  /** Adds one frame's codes; pairs are never formed across frames, whose states may not hang together. */
  push(codes: Uint8Array): void {
    this.#window.push(codes);
    if (this.#window.byteCount < this.#windowByteCount) return;
    const order = this.#window.order();
    if (order !== undefined) {
      this.#agreed = order === this.#latest ? order : undefined;
      this.#latest = order;
    }
    this.#window = new CodeWindow();
  }

  /** The order on which the last two windows that counted agree. */
  order(): NibbleOrder | undefined {
    return this.#agreed;
  }
}

/** The three correlations of about one second of codes. */
class CodeWindow {
  readonly #inside = new Correlation();
  readonly #acrossHighFirst = new Correlation();
  readonly #acrossLowFirst = new Correlation();
  byteCount = 0;

  push(codes: Uint8Array): void {
    let previousLow: number | undefined;
    let previousHigh: number | undefined;
    for (const byte of codes) {
      const low = codeValues[byte & 15] as number;
      const high = codeValues[byte >> 4] as number;
      this.#inside.add(low, high);
      if (previousLow !== undefined && previousHigh !== undefined) {
        this.#acrossHighFirst.add(previousLow, high);
        this.#acrossLowFirst.add(previousHigh, low);
      }
      previousLow = low;
      previousHigh = high;
    }
    this.byteCount += codes.length;
  }

  order(): NibbleOrder | undefined {
    const inside = this.#inside.coefficient();
    const highDistance = Math.abs(this.#acrossHighFirst.coefficient() - inside);
    const lowDistance = Math.abs(this.#acrossLowFirst.coefficient() - inside);
    const margin = Math.abs(highDistance - lowDistance);
    // Written so that the NaN of constant codes abstains too.
    if (!(margin >= minMargin)) return undefined;
    return lowDistance < highDistance ? "low" : "high";
  }
}
