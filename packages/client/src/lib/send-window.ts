import { serialDistance } from "@eet/protocol";
import type { AudioTally } from "./audio-amount.ts";
import { GoneFrames } from "./gone-frames.ts";

/** Clocks of the device at a frame's first sample. */
export interface CaptureTime {
  /** Wall clock, ms since 1970; 0 when unknown. */
  readonly captureMs: number;
  /** Monotonic clock, microseconds; the origin is arbitrary. */
  readonly captureUs: number;
}

/** One frame, ready to send. */
export interface HeldFrame {
  /** Header and payload. [P-1.2] */
  readonly message: Uint8Array;
  /** Per channel. */
  readonly sampleCount: number;
  readonly captured: CaptureTime;
}

/** What has become of the frames so far. */
export interface SendTallies {
  readonly written: AudioTally;
  /** Frames that were sent once or more. */
  readonly sent: AudioTally;
  /** Frames that the server acknowledged. */
  readonly durable: AudioTally;
  /** Frames that will never arrive. */
  readonly dropped: AudioTally;
}

/** Bounds and origin of a window. */
export interface SendWindowOptions {
  /** Seq of the first frame, as on the wire. */
  readonly firstSeq: number;
  /**
   * One past the last seq that the server may have seen of this session; default `firstSeq`. A session that an earlier
   * process began has one further on.
   */
  readonly sentEndSeq?: number;
  /** Frames before it are counted as sent already; default `firstSeq`. */
  readonly countedEndSeq?: number;
  readonly maxBytes: number;
  /** Per channel. */
  readonly maxSampleCount: number;
  readonly tallies: SendTallies;
}

/**
 * The frames that are held until the server has acknowledged them, in the order of their seqs, and how far they have been
 * sent. Seqs are unwrapped inside: they go on beyond 2^32. [P-2.2]
 *
 * `durableSeq <= oldestSeq <= endSeq`: frames before `durableSeq` are done; those from there to `oldestSeq` had to go
 * before they were acknowledged; the rest is held. `nextSeq` is sent next; it may lie beyond `endSeq` while frames are
 * appended that a resumed session has already.
 */
export class SendWindow {
  readonly #options: SendWindowOptions;
  readonly #gone = new GoneFrames();
  /** Of `#frames`, those before it are not held any more. */
  #head = 0;
  #frames: (HeldFrame | undefined)[] = [];
  #heldBytes = 0;
  #heldSampleCount = 0;
  #durableSeq: number;
  #oldestSeq: number;
  #nextSeq: number;
  #endSeq: number;
  /** One past the highest seq that the server may have seen of its present session. */
  #sentEndSeq: number;
  /** The same over all sessions: what is sent again counts once. */
  #countedEndSeq: number;
  /** The server has acknowledged frames of its present session. */
  #hasAcks = false;

  constructor(options: SendWindowOptions) {
    const { firstSeq, sentEndSeq = firstSeq, countedEndSeq = firstSeq } = options;
    this.#options = options;
    this.#durableSeq = this.#oldestSeq = this.#nextSeq = this.#endSeq = firstSeq;
    this.#sentEndSeq = sentEndSeq;
    this.#countedEndSeq = countedEndSeq;
  }

  /** Frames before it are acknowledged or lost for good. */
  get durableSeq(): number {
    return this.#durableSeq;
  }

  /** The first frame held. */
  get oldest(): HeldFrame | undefined {
    return this.#frames[this.#head];
  }

  /** Its seq; {@link endSeq} when none is. */
  get oldestSeq(): number {
    return this.#oldestSeq;
  }

  /** Goes out next. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** One past the last frame. */
  get endSeq(): number {
    return this.#endSeq;
  }

  /** One past the last frame that was counted as sent. */
  get countedEndSeq(): number {
    return this.#countedEndSeq;
  }

  get heldCount(): number {
    return this.#frames.length - this.#head;
  }

  /** Headers included. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Per channel. */
  get heldSampleCount(): number {
    return this.#heldSampleCount;
  }

  get hasUnsent(): boolean {
    return this.#nextSeq < this.#endSeq;
  }

  /** Nothing waits for an acknowledgement. */
  get isSettled(): boolean {
    return this.#durableSeq >= this.#endSeq;
  }

  /** One frame always fits. */
  get isFull(): boolean {
    const { maxBytes, maxSampleCount } = this.#options;
    return this.heldCount > 0 && (this.#heldBytes >= maxBytes || this.#heldSampleCount >= maxSampleCount);
  }

  /** Takes the frame with seq {@link endSeq}. Bounds are the caller's to respect. */
  append(frame: HeldFrame): void {
    const { durable } = this.#options.tallies;
    const seq = this.#endSeq;
    this.#endSeq += 1;
    if (seq < this.#nextSeq) this.#countSent(seq, frame);
    if (seq < this.#durableSeq) {
      // A resumed session had it before it came here.
      durable.add(1, frame.sampleCount);
      this.#oldestSeq = this.#endSeq;
      return;
    }
    this.#frames.push(frame);
    this.#heldBytes += frame.message.byteLength;
    this.#heldSampleCount += frame.sampleCount;
  }

  /** The frame with seq {@link nextSeq}; `undefined` when everything has been sent. */
  peek(): HeldFrame | undefined {
    return this.hasUnsent ? this.#frames[this.#head + this.#nextSeq - this.#oldestSeq] : undefined;
  }

  /** The frame of {@link peek} has been sent. */
  advance(): void {
    const frame = this.peek();
    if (frame === undefined) return;
    this.#countSent(this.#nextSeq, frame);
    this.#nextSeq += 1;
    this.#sentEndSeq = Math.max(this.#sentEndSeq, this.#nextSeq);
  }

  /**
   * The server has everything before `wireSeq` on stable storage. Numbers that are behind, or ahead of what was sent, are
   * passed over. [P-2.2] [P-2.6]
   *
   * @returns whether frames were freed
   */
  acknowledge(wireSeq: number): boolean {
    const seq = this.#nextSeq + serialDistance(this.#nextSeq, wireSeq);
    if (seq <= this.#durableSeq || seq > this.#nextSeq) return false;
    const { durable } = this.#options.tallies;
    const arrived = this.#gone.settle(Math.min(seq, this.#oldestSeq) - this.#durableSeq);
    durable.add(arrived.frameCount, arrived.sampleCount);
    while (this.#oldestSeq < seq && this.heldCount > 0) durable.add(1, this.#shift());
    this.#hasAcks = true;
    this.#durableSeq = seq;
    this.#oldestSeq = Math.max(this.#oldestSeq, Math.min(seq, this.#endSeq));
    return true;
  }

  /** Lets go of what was sent, without knowing whether it arrived: there are no acknowledgements on this connection. */
  forgetSent(): void {
    while (this.#oldestSeq < this.#nextSeq) this.#shift();
    this.#durableSeq = this.#oldestSeq;
  }

  /** Lets go of the oldest frame, acknowledged or not. */
  dropOldest(): void {
    if (this.heldCount === 0) return;
    const wasSent = this.#oldestSeq < this.#nextSeq;
    const sampleCount = this.#shift();
    this.#gone.add(sampleCount, wasSent);
    if (wasSent) return;
    this.#options.tallies.dropped.add(1, sampleCount);
    this.#nextSeq = this.#oldestSeq;
  }

  /**
   * A new connection goes on with the session: what it has is not sent again. [P-2.4]
   *
   * @param wireSeq - the `next` of the welcome
   * @returns false when the server cannot have seen that much: then this is no session of ours
   */
  resume(wireSeq: number): boolean {
    // 0 is also what a session without a single frame says. Frames that it has after all are dropped there. [P-2.3]
    const isUnsure = wireSeq === 0 && !this.#hasAcks;
    const distance = isUnsure ? Number.NEGATIVE_INFINITY : serialDistance(this.#nextSeq, wireSeq);
    const seq = this.#nextSeq + distance;
    if (seq > this.#sentEndSeq) return false;
    const lost = this.#gone.lose(Math.max(0, seq - this.#durableSeq));
    this.#options.tallies.dropped.add(lost.frameCount, lost.sampleCount);
    this.#nextSeq = Math.max(seq, this.#oldestSeq);
    return true;
  }

  /** A fresh session takes everything that is held. */
  restart(): void {
    const lost = this.#gone.lose(0);
    this.#options.tallies.dropped.add(lost.frameCount, lost.sampleCount);
    this.#gone.clear();
    this.#hasAcks = false;
    this.#durableSeq = this.#nextSeq = this.#sentEndSeq = this.#oldestSeq;
  }

  /** Lets go of everything: others deliver it. The next frame is `seq`, for a fresh session. */
  reset(seq: number): void {
    while (this.heldCount > 0) this.#shift();
    this.#oldestSeq = this.#endSeq = seq;
    this.restart();
  }

  /** The frames from {@link endSeq} to `seq` will never come. Only while {@link isSettled}. */
  skipTo(seq: number): void {
    this.#durableSeq = Math.max(this.#durableSeq, seq);
    this.#oldestSeq = this.#endSeq = seq;
    this.#nextSeq = Math.max(this.#nextSeq, seq);
  }

  #countSent(seq: number, { sampleCount }: HeldFrame): void {
    if (seq < this.#countedEndSeq) return;
    this.#countedEndSeq = seq + 1;
    this.#options.tallies.sent.add(1, sampleCount);
  }

  /** @returns the samples of the frame that went */
  #shift(): number {
    const frame = this.#frames[this.#head];
    if (frame === undefined) return 0;
    this.#frames[this.#head] = undefined;
    this.#head += 1;
    this.#oldestSeq += 1;
    this.#heldBytes -= frame.message.byteLength;
    this.#heldSampleCount -= frame.sampleCount;
    if (this.#head >= 64 && this.#head * 2 >= this.#frames.length) {
      this.#frames = this.#frames.slice(this.#head);
      this.#head = 0;
    }
    return frame.sampleCount;
  }
}
