import {
  type AdpcmState,
  adpcmHeaderBytes,
  decodeAdpcm,
  isReachableByOneCode,
  type NibbleOrder,
  parseAdpcmHeader,
} from "./ima-adpcm.ts";
import { NibbleStatistics } from "./nibble-statistics.ts";

/** One mono ADPCM frame as the detector needs it. */
export interface DetectorFrame {
  /** u32; only frames whose numbers follow each other (modulo 2^32) are compared. */
  readonly seq: number;
  /** The payload with its 4-byte ADPCM header, without the 12-byte message header. Not kept. */
  readonly payload: Uint8Array;
  /** Samples the frame stands for: one more or less than its codes when the frame size is odd. [P-1.6] */
  readonly sampleCount: number;
}

/** The order found, and by which rule of [P-1.5]. */
export interface NibbleOrderVerdict {
  readonly order: NibbleOrder;
  readonly source: "exact" | "statistical";
}

const exactVoteCount = 3;
const exactVoteRatio = 10;
const statisticalPairCount = 250;
const tiedPairCount = 100;
const tiedShare = 0.9;

/** The state after a frame's codes, decoded in each order. */
interface FrameEnd {
  readonly seq: number;
  readonly low: AdpcmState;
  readonly high: AdpcmState;
  /** Whether the encoder dropped the frame's last code, so that the next header is one step further. [P-1.6] */
  readonly isCodeMissing: boolean;
}

/**
 * Finds out which half of each byte an encoder fills first, from the frames alone. [P-1.5] rules 2 and 3.
 *
 * Exact rule: an encoder's state runs on from frame to frame and each header shows it, so decoding frame k in the right
 * order ends in the state that the header of frame k+1 holds, while the wrong order ends somewhere else. A pair of
 * contiguous frames in which just one order fits is a vote; 3 votes and 10 times as many as for the other order lock the
 * verdict. Silence decodes alike both ways and does not vote. Where the encoder dropped an odd frame's last code, an
 * order fits when one of the 16 codes leads from its end state to that header, predictor and step index alike.
 *
 * Statistical rule: an encoder that resets its state for each frame makes both orders fail the exact rule. When that
 * happened in more than half of at least 250 contiguous pairs, the {@link NibbleStatistics} of the codes decide. They also
 * decide when more than 9 in 10 of at least 100 pairs fit both orders: a synthetic tone whose period divides the frame comes
 * back to one state, whichever way it is read. Digital silence does so too, and there the statistics abstain.
 *
 * Once locked, a verdict never changes and further frames cost nothing. Mono only.
 */
export class NibbleOrderDetector {
  readonly #statistics: NibbleStatistics;
  readonly #votes = { low: 0, high: 0 };
  #pairCount = 0;
  #unmatchedPairCount = 0;
  #tiedPairCount = 0;
  #previous: FrameEnd | undefined;
  #scratch = new Int16Array(0);
  #verdict: NibbleOrderVerdict | undefined;

  constructor({ sampleRateHz }: { readonly sampleRateHz: number }) {
    this.#statistics = new NibbleStatistics(sampleRateHz);
  }

  /** The verdict, or `undefined` as long as the frames do not tell. */
  verdict(): NibbleOrderVerdict | undefined {
    return this.#verdict;
  }

  /**
   * Takes the next frame in order of arrival.
   *
   * @throws RangeError when the payload is shorter than its header or the step index is above 88.
   */
  push({ seq, payload, sampleCount }: DetectorFrame): void {
    if (this.#verdict !== undefined) return;
    const header = parseAdpcmHeader(payload);
    const codes = payload.subarray(adpcmHeaderBytes);
    if (this.#previous !== undefined && (this.#previous.seq + 1) >>> 0 === seq) {
      this.#comparePair(this.#previous, header);
    }
    this.#statistics.push(codes);
    this.#verdict = this.#exactVerdict() ?? this.#statisticalVerdict();
    this.#previous = this.#decodeBothWays(seq, header, codes, sampleCount);
  }

  #comparePair(previous: FrameEnd, header: AdpcmState): void {
    const isLow = continuesAs(previous, "low", header);
    const isHigh = continuesAs(previous, "high", header);
    this.#pairCount += 1;
    if (!isLow && !isHigh) this.#unmatchedPairCount += 1;
    if (isLow && isHigh) this.#tiedPairCount += 1;
    if (isLow && !isHigh) this.#votes.low += 1;
    if (isHigh && !isLow) this.#votes.high += 1;
  }

  #exactVerdict(): NibbleOrderVerdict | undefined {
    const { low, high } = this.#votes;
    const most = Math.max(low, high);
    if (most < exactVoteCount || most < exactVoteRatio * Math.min(low, high)) return undefined;
    return { order: low > high ? "low" : "high", source: "exact" };
  }

  #statisticalVerdict(): NibbleOrderVerdict | undefined {
    const isReset = this.#pairCount >= statisticalPairCount && this.#unmatchedPairCount * 2 > this.#pairCount;
    const isTied = this.#pairCount >= tiedPairCount && this.#tiedPairCount > this.#pairCount * tiedShare;
    if (!isReset && !isTied) return undefined;
    const order = this.#statistics.order();
    return order && { order, source: "statistical" };
  }

  #decodeBothWays(seq: number, header: AdpcmState, codes: Uint8Array, sampleCount: number): FrameEnd | undefined {
    const decodableCount = Math.min(sampleCount, codes.length * 2);
    if (sampleCount - decodableCount > 1) return undefined; // Cut short: nobody can tell its end state.
    if (this.#scratch.length < decodableCount) this.#scratch = new Int16Array(decodableCount);
    const low = { ...header };
    const high = { ...header };
    decodeAdpcm(codes, decodableCount, "low", low, this.#scratch, 0);
    decodeAdpcm(codes, decodableCount, "high", high, this.#scratch, 0);
    return { seq, low, high, isCodeMissing: decodableCount < sampleCount };
  }
}

/** Whether the next frame's header is what a decoder of this order arrives at. */
function continuesAs(previous: FrameEnd, order: NibbleOrder, header: AdpcmState): boolean {
  const end = previous[order];
  return previous.isCodeMissing
    ? isReachableByOneCode(end, header)
    : end.predictor === header.predictor && end.stepIndex === header.stepIndex;
}
