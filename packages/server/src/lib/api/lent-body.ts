import { Readable } from "node:stream";
import type { ChunkMemory } from "../playback/chunk-memory.ts";

/** Chunks that wait for the system at once: while it takes one, the next stands ready. */
const maxSentCount = 2;

/**
 * A body whose chunks lie in memory that is used again. It must go into a server's answer by `pipe` and nowhere else: an
 * answer tells when it needs a chunk no longer, while another stream may hand it on.
 */
export class LentBody extends Readable {
  readonly #chunks: AsyncIterable<Uint8Array>;
  readonly #memory: ChunkMemory;
  #sentCount = 0;
  /** Goes on sending. */
  #wake: (() => void) | undefined;

  /** @param chunks - in `memory`, as far as they need any */
  constructor(chunks: AsyncIterable<Uint8Array>, memory: ChunkMemory) {
    super();
    this.#chunks = chunks;
    this.#memory = memory;
  }

  /** Sends all and ends the answer. What fails ends this stream, as with any other. */
  override pipe<Answer extends NodeJS.WritableStream>(answer: Answer): Answer {
    this.#send(answer).then(
      () => {
        if (this.destroyed) return;
        answer.end();
        this.push(null);
        this.resume();
      },
      (error: Error) => this.destroy(error),
    );
    return answer;
  }

  /** Nothing: what is sent does not come by here. */
  override _read(): void {}

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#wake?.();
    callback(error);
  }

  async #send(answer: NodeJS.WritableStream): Promise<void> {
    for await (const chunk of this.#chunks) {
      if (this.destroyed) return;
      this.#sentCount += 1;
      answer.write(chunk, () => {
        this.#memory.release(chunk);
        this.#sentCount -= 1;
        this.#wake?.();
      });
      // An answer whose client is gone may never call back: this stream is destroyed then.
      while (this.#sentCount >= maxSentCount && !this.destroyed) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
