import { type Ack, serialDistance } from "@eet/protocol";
import type { AudioAmount } from "./audio-amount.ts";

/** How much of what is durable has reached the object store, as far as the server tells. */
export class UploadTally {
  readonly #durable: AudioAmount;
  /** Whether the server tells it at all. */
  isKnown = false;
  #frameCount = 0;
  /** Durable frames of earlier sessions of whose upload nothing is heard any more. */
  #unheardCount = 0;

  /** @param durable - what was acknowledged; read whenever it is needed */
  constructor(durable: AudioAmount) {
    this.#durable = durable;
  }

  /** Samples are exact as long as frames are alike. */
  get amount(): AudioAmount {
    const { frameCount, sampleCount } = this.#durable;
    const share = frameCount === 0 ? 0 : this.#frameCount / frameCount;
    return { frameCount: this.#frameCount, sampleCount: Math.round(sampleCount * share) };
  }

  /** The server's session is a fresh one. */
  restart(): void {
    this.#unheardCount = this.#durable.frameCount - this.#frameCount;
  }

  /** @param durableSeq - unwrapped; where the acknowledged frames end */
  acknowledge(durableSeq: number, { uploadedNext }: Ack): void {
    if (!this.isKnown) return;
    const waitingCount = Math.max(0, -serialDistance(durableSeq, uploadedNext));
    const uploadedCount = this.#durable.frameCount - this.#unheardCount - waitingCount;
    this.#frameCount = Math.max(this.#frameCount, uploadedCount);
  }
}
