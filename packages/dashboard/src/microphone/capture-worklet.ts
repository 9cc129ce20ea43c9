// Runs in the thread of the browser that renders audio: gathers what the microphone gives and hands it to the page.

/** What the page gets of it. */
export interface CapturedPiece {
  /** One channel, -1 to 1, at the context's rate. */
  readonly samples: Float32Array<ArrayBuffer>;
  /** Wall clock when its last sample was rendered, ms since 1970: the page itself may learn of it later. */
  readonly endMs: number;
}

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void;

const pieceS = 0.04;

class CaptureProcessor extends AudioWorkletProcessor {
  readonly #pieceLength = Math.round(pieceS * sampleRate);
  #samples = new Float32Array(this.#pieceLength);
  #length = 0;

  /** @returns true: it is needed as long as the page does not disconnect it */
  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    const channels = inputs[0] ?? [];
    const count = channels[0]?.length ?? 0;
    for (let index = 0; index < count; index += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[index] ?? 0;
      this.#samples[this.#length] = sum / channels.length;
      this.#length += 1;
      if (this.#length === this.#pieceLength) this.#give();
    }
    return true;
  }

  #give(): void {
    const piece: CapturedPiece = { samples: this.#samples, endMs: Date.now() };
    this.port.postMessage(piece, [piece.samples.buffer]);
    this.#samples = new Float32Array(this.#pieceLength);
    this.#length = 0;
  }
}

registerProcessor("capture", CaptureProcessor);
