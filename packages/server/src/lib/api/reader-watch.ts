import type { FastifyReply, FastifyRequest } from "fastify";
import type { Log } from "../kernel/log.ts";

/** A client may take no byte for so long while an answer waits for it. */
export const maxReaderIdleMs = 30_000;

/** Of that time, until the second look. */
const secondLookShare = 0.1;

export interface ReaderWatchOptions {
  readonly log: Log;
  /** Default {@link maxReaderIdleMs}. */
  readonly maxIdleMs?: number | undefined;
}

/**
 * Cuts off clients that ask and do not read: each would hold a file, a place among the exports and what stands in
 * buffers for as long as it likes. One that reads slowly goes on for as long as it takes, and so does one that waits for
 * an answer which takes its time.
 */
export class ReaderWatch {
  readonly #log: Log;
  readonly #maxIdleMs: number;
  #cutOffTotal = 0;

  constructor({ log, maxIdleMs = maxReaderIdleMs }: ReaderWatchOptions) {
    this.#log = log;
    this.#maxIdleMs = maxIdleMs;
  }

  /** Clients that were cut off since the start. */
  get cutOffTotal(): number {
    return this.#cutOffTotal;
  }

  /** Watches who takes an answer until it is through. */
  follow({ method, url }: FastifyRequest, { raw }: FastifyReply): void {
    const { socket } = raw;
    // An answer that stays in the process has a stream in the place of a socket.
    if (socket === null || !("setTimeout" in socket)) return;
    /** Where the answer stood at the first look; `undefined`: all is well. */
    let suspectedAt: string | undefined;
    // The system's timer counts from the last byte that the client's side took, were it in the middle of a write.
    raw.setTimeout(this.#maxIdleMs, () => {
      const isWaiting = raw.writableLength > 0;
      const place = `${socket.bytesWritten} ${raw.writableLength}`;
      if (!isWaiting || suspectedAt !== place) {
        // A second look: where this process was held up, what the client has taken is not known yet.
        suspectedAt = isWaiting && suspectedAt === undefined ? place : undefined;
        socket.setTimeout(suspectedAt === undefined ? this.#maxIdleMs : this.#maxIdleMs * secondLookShare);
        return;
      }
      this.#cutOffTotal += 1;
      const [path = ""] = url.split("?", 1);
      const facts = { method, path: path.slice(0, 200), idleMs: this.#maxIdleMs, waitingBytes: raw.writableLength };
      this.#log.warn(facts, "a client that takes nothing of its answer is cut off");
      // What it has not taken is dropped at once; a usual end would be kept for it as long.
      socket.resetAndDestroy();
    });
  }
}
