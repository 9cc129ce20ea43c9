/** A piece that a page has handed to the browser to be played. */
export interface HeldPiece {
  readonly startS: number;
  readonly endS: number;
  readonly sampleRateHz: number;
  isStopped: boolean;
}

/** What {@link holdSound} makes of a page's sound. */
export interface HeldSound {
  /** Of all contexts: it stands still unless it is set. */
  clockS: number;
  /** Whether a context may begin to run. */
  isAllowed: boolean;
  readonly pieces: readonly HeldPiece[];
}

/** Run in a page before its own scripts: no sound begins, as in a browser that holds it back, and all is noted. */
export const holdSound: string = `{
  const sound = { clockS: 0, isAllowed: false, pieces: [] };
  globalThis.heldSound = sound;
  globalThis.AudioContext = class extends AudioContext {
    constructor(options) {
      super(options);
      void super.suspend();
    }
    get currentTime() {
      return sound.clockS;
    }
    resume() {
      return sound.isAllowed ? super.resume() : new Promise(() => {});
    }
  };
  const places = new Map();
  const { start, stop } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (when) {
    const { duration, sampleRate } = this.buffer;
    const piece = { startS: when, endS: when + duration, sampleRateHz: sampleRate, isStopped: false };
    sound.pieces.push(piece);
    places.set(this, piece);
    return start.call(this, when);
  };
  AudioBufferSourceNode.prototype.stop = function (...rest) {
    places.get(this).isStopped = true;
    return stop.apply(this, rest);
  };
}`;

/** Within a page: its sound as {@link holdSound} knows it. */
export function readHeldSound(): HeldSound {
  return (globalThis as unknown as { heldSound: HeldSound }).heldSound;
}
