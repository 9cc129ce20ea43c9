import { setImmediate } from "node:timers/promises";
import type { Session, SessionOptions } from "./session.ts";
import type { SessionState } from "./session-state.ts";

/** Waits for states of a session; hand {@link StateWatch.onState} to it. */
export class StateWatch {
  readonly states: SessionState[] = [];
  #wake = () => {};
  #wakeProgress = () => {};
  readonly onProgress = () => this.#wakeProgress();
  readonly onState = (state: SessionState) => {
    this.states.push(state);
    this.#wake();
  };

  /** The next change. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** The next progress. */
  progressed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeProgress = resolve;
    });
  }

  /** Looks in each turn of the event loop. */
  async until(isReached: () => boolean): Promise<void> {
    while (!isReached()) await setImmediate();
  }

  /** The next state from now on, or the present one, that is of this kind. */
  async reached<Kind extends SessionState["kind"]>(
    kind: Kind,
    session: Session,
  ): Promise<Extract<SessionState, { kind: Kind }>> {
    while (session.state.kind !== kind) await this.changed();
    return session.state as Extract<SessionState, { kind: Kind }>;
  }
}

/** Mono PCM in frames of 16 samples. */
export const smallFormat = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 16 } as const;

/** A frame of it, filled with a number. */
export function makePayload(value: number): Uint8Array {
  return new Uint8Array(32).fill(value);
}

/** Options of a small session that reconnects without waiting. */
export function optionsFor(url: string, options: Partial<SessionOptions> = {}): SessionOptions {
  return { url, format: smallFormat, startMs: 1_700_000_000_000, random: () => 0, ...options };
}
