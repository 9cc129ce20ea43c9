import type { FrameTap } from "../kernel/frame-tap.ts";
import type { ShownFrame } from "./ingest-messages.ts";

/** Frames are gathered for so long: sent one by one they would cost more than they do to record. */
const gatherMs = 20;
/** Bytes on their way, past which frames are left out: who looks on is never waited for. */
const maxUnsentBytes = 4 * 1024 * 1024;

/** Sends frames, and tells when they are off. */
export type SendFrames = (frames: readonly ShownFrame[], onSent: () => void) => void;

/** Gathers frames of devices that somebody looks at, for another process. */
export class ShownFrames {
  readonly #send: SendFrames;
  #frames: ShownFrame[] = [];
  #timer: NodeJS.Timeout | undefined;
  #unsentBytes = 0;

  constructor(send: SendFrames) {
    this.#send = send;
  }

  /** Takes the frames of one device. */
  tapOf(hwid: string | null): FrameTap {
    return ({ session, message, end, sampleCount }) => {
      if (this.#unsentBytes > maxUnsentBytes) return;
      this.#unsentBytes += message.byteLength;
      // It is written over later.
      this.#frames.push({ hwid, session, message: message.slice(), end: { ...end }, sampleCount });
      this.#timer ??= setTimeout(() => this.flush(), gatherMs);
    };
  }

  /** Sends what is gathered: what is told of a session stands behind its frames. */
  flush(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const frames = this.#frames;
    this.#frames = [];
    const bytes = frames.reduce((sum, { message }) => sum + message.byteLength, 0);
    this.#send(frames, () => {
      this.#unsentBytes -= bytes;
    });
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
