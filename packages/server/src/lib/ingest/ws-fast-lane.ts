import { type ClientFrame, parseClientFrame, unmask } from "./ws-client-frame.ts";

/** Parts of longer messages are kept by ws, which takes them as they come. */
const maxKeptBytes = 16 * 1024;

const nothing = Buffer.alloc(0);

export interface FastLaneOptions {
  /** Longest payload of a message. */
  readonly maxMessageBytes: number;
  /** Takes a binary message; the bytes are not used after it returns. */
  readonly onMessage: (payload: Uint8Array) => void;
  /** Takes all else that came, in order with the messages: whole frames, or longer ones piece by piece. The bytes are its own. */
  readonly passOn: (bytes: Buffer) => void;
}

/**
 * The way past ws for what devices send nearly always: binary messages of one frame. They go straight from the socket's bytes
 * to who takes them. Everything else (control frames, fragments, text, what is against the protocol) is passed on to ws, which
 * answers, joins and refuses as it does without this lane.
 */
export class FastLane {
  readonly #options: FastLaneOptions;
  /** Room for a frame of which not enough has come, and how much of it that is. */
  #kept: Buffer = nothing;
  #keptBytes = 0;
  /** Bytes to come of a frame whose beginning was passed on. */
  #passBytes = 0;
  /** A data frame of this read was passed on. */
  #isDetour = false;
  /** A fragmented message is under way. */
  #isFragmented = false;
  /** The stream is beyond what the lane understands: ws has the word. */
  #isBeyond = false;
  #isOver = false;

  constructor(options: FastLaneOptions) {
    this.#options = options;
  }

  /** Takes what a read brought; the bytes may be written over once it returns. */
  take(bytes: Buffer): void {
    // What ws makes of a data frame is known only after the next turn of the loop: nothing behind it may overtake it.
    this.#isDetour = this.#passBytes > 0;
    for (let at = 0; at < bytes.byteLength && !this.#isOver; ) {
      if (this.#keptBytes > 0) at = this.#completeKept(bytes, at);
      else if (this.#passBytes > 0) at = this.#passPiece(bytes, at);
      else at = this.#takeFrame(bytes, at);
    }
  }

  /** Takes nothing any more. */
  close(): void {
    this.#isOver = true;
    this.#keptBytes = 0;
  }

  /** @returns behind what was taken */
  #takeFrame(bytes: Buffer, at: number): number {
    const frame = this.#isBeyond ? "invalid" : parseClientFrame(bytes, at, this.#options.maxMessageBytes);
    if (frame === "invalid") {
      this.#isBeyond = true;
      this.#options.passOn(Buffer.from(bytes.subarray(at)));
      return bytes.byteLength;
    }
    // A header that is not whole is looked at again with the next byte.
    if (frame === "incomplete") return this.#keep(bytes, at, bytes.byteLength - at + 1);
    const { isControl, end } = frame;
    const isSimple = frame.isSimple && !this.#isFragmented && !this.#isDetour;
    if (end > bytes.byteLength && (isSimple || isControl) && end - at <= maxKeptBytes) {
      return this.#keep(bytes, at, end - at);
    }
    if (!isSimple || end > bytes.byteLength) return this.#passFrame(bytes, at, frame);
    this.#options.onMessage(unmask(bytes, frame));
    return end;
  }

  /** Adds to what was kept what it still misses, and takes it when that is all. @returns behind what was added */
  #completeKept(bytes: Buffer, at: number): number {
    const kept = this.#kept;
    const addedBytes = bytes.copy(kept, this.#keptBytes, at);
    this.#keptBytes += addedBytes;
    if (this.#keptBytes < kept.byteLength) return bytes.byteLength;
    this.#keptBytes = 0;
    this.#takeFrame(kept, 0);
    return at + addedBytes;
  }

  /** Keeps the beginning of a frame until `wholeBytes` of it have come. @returns behind it */
  #keep(bytes: Buffer, at: number, wholeBytes: number): number {
    this.#kept = Buffer.allocUnsafe(wholeBytes);
    this.#keptBytes = bytes.copy(this.#kept, 0, at);
    return bytes.byteLength;
  }

  #passFrame(bytes: Buffer, at: number, { isControl, isFinal, isClose, end }: ClientFrame): number {
    if (!isControl) {
      this.#isFragmented = !isFinal;
      this.#isDetour = true;
    }
    this.#passBytes = end - at;
    const behind = this.#passPiece(bytes, at);
    // Behind CLOSE nothing counts.
    if (isClose) this.close();
    return behind;
  }

  /** Passes on what came of a frame that is on its way to ws. @returns behind it */
  #passPiece(bytes: Buffer, at: number): number {
    const behind = Math.min(at + this.#passBytes, bytes.byteLength);
    this.#passBytes -= behind - at;
    if (behind > at) this.#options.passOn(Buffer.from(bytes.subarray(at, behind)));
    return behind;
  }
}
