import { effect, signal } from "@preact/signals";
import { isMuted, volume } from "./volume.ts";

/** A browser that lets sound begin does so sooner. */
const holdMs = 1_500;

/** Where sound is heard: at its own rate, as loud as is chosen. */
export class SoundOutput {
  /** Whether the browser holds it back: then it needs {@link resume} in a click. */
  readonly isHeld = signal(false);
  #context: AudioContext | undefined;
  #gain: GainNode | undefined;
  /** As it was asked for: the context's is another one where the browser does not take it. */
  #sampleRateHz = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #stopVolume = effect(() => this.#setGain(gainOf(volume.value, isMuted.value)));

  /** `undefined`: it is not open. */
  get context(): AudioContext | undefined {
    return this.#context;
  }

  /** Opens it, at best in a click or key, before anything is there to be heard: browsers play nothing else. */
  open(sampleRateHz: number): void {
    if (this.#context === undefined || this.#sampleRateHz !== sampleRateHz) {
      this.shut();
      // Of the sound's own rate: pieces that are resampled one by one would not fit.
      const context = createContext(sampleRateHz);
      this.#context = context;
      this.#sampleRateHz = sampleRateHz;
      context.addEventListener("statechange", () => {
        if (this.#context === context) this.#look();
      });
    }
    this.resume();
  }

  /** To be called in a click or key where {@link isHeld}. */
  resume(): void {
    void this.#context?.resume();
    this.#look();
  }

  /** Plays a buffer at a time of the context's clock. @returns what is scheduled; `undefined`: it is not open */
  play(buffer: AudioBuffer, startS: number): AudioBufferSourceNode | undefined {
    if (this.#context === undefined) return undefined;
    if (this.#gain === undefined) {
      this.#gain = this.#context.createGain();
      this.#gain.gain.value = gainOf(volume.peek(), isMuted.peek());
      this.#gain.connect(this.#context.destination);
    }
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#gain);
    source.start(startS);
    return source;
  }

  /** Lets go of what is open; it can be opened again. */
  shut(): void {
    clearTimeout(this.#timer);
    void this.#context?.close();
    this.#context = undefined;
    this.#gain = undefined;
    this.isHeld.value = false;
  }

  close(): void {
    this.shut();
    this.#stopVolume();
  }

  /** A context that has just been made is not running yet. */
  #look(): void {
    clearTimeout(this.#timer);
    if (this.#context?.state === "running") this.isHeld.value = false;
    else if (!this.isHeld.peek()) this.#timer = setTimeout(() => this.#hold(), holdMs);
  }

  #hold(): void {
    this.isHeld.value = this.#context !== undefined && this.#context.state !== "running";
  }

  #setGain(gain: number): void {
    if (this.#context !== undefined) this.#gain?.gain.setTargetAtTime(gain, this.#context.currentTime, 0.02);
  }
}

/** Twice as many percent sound about twice as loud. */
function gainOf(percent: number, isSilent: boolean): number {
  return isSilent ? 0 : (percent / 100) ** 2;
}

/** Browsers must take 8 000 to 96 000 Hz only; what has another rate they resample. */
function createContext(sampleRate: number): AudioContext {
  try {
    return new AudioContext({ sampleRate, latencyHint: "playback" });
  } catch {
    return new AudioContext({ latencyHint: "playback" });
  }
}
