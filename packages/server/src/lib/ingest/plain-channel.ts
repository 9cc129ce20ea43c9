import { StorageError } from "../kernel/errors.ts";
import { type FrameChannel, maxPauseMs } from "./frame-channel.ts";
import type { FrameTally } from "./frame-tally.ts";
import type { SessionIntake } from "./session-sink.ts";

const never = new Promise<never>(() => {});

/** The messages of a version 1 connection: frames, and no answer. [P-1.9] */
export class PlainChannel implements FrameChannel {
  readonly finished: Promise<void> = never;
  readonly maxPauseMs = maxPauseMs;
  readonly #intake: SessionIntake;
  readonly #tally: FrameTally;

  constructor(intake: SessionIntake, tally: FrameTally) {
    this.#intake = intake;
    this.#tally = tally;
  }

  get frameCount(): number {
    return this.#tally.frameCount;
  }

  get byteCount(): number {
    return this.#tally.byteCount;
  }

  get audioS(): number {
    return this.#tally.audioS;
  }

  get failed(): Promise<Error> {
    return this.#intake.failed;
  }

  take(message: Uint8Array): boolean {
    return this.#tally.pass(message, this.#intake);
  }

  drained(): Promise<void> {
    return this.#intake.drained();
  }

  stallError(waitMs: number): Error {
    return new StorageError("STORAGE_STALLED", `there was no room for frames for ${Math.round(waitMs)} ms`);
  }

  sweep(): undefined {}

  settle(): Promise<void> {
    return Promise.resolve();
  }

  conclude(): void {}

  end(): Promise<void> {
    return this.#intake.end();
  }
}
