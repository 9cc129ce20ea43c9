import type { MonotonicMs } from "../kernel/clock.ts";

/** Without a frame for so long a connection counts as silent. */
const silentAfterMs = 10_000;

/** Notices when a connection stops sending frames, and when it sends again: by a clock that nobody sets. */
export class FrameActivity {
  #frameCount = 0;
  #lastFrameMs: MonotonicMs;
  #isSilent = false;

  constructor(openedMs: MonotonicMs) {
    this.#lastFrameMs = openedMs;
  }

  /** How long ago frames were last seen to come, or the connection was opened, ms. */
  silenceMs(nowMs: MonotonicMs): number {
    return nowMs - this.#lastFrameMs;
  }

  /**
   * Looks at the count of frames; called about once a second.
   *
   * @returns what has changed since the last look, if anything
   */
  check(nowMs: MonotonicMs, frameCount: number): "silent" | "sends" | undefined {
    if (frameCount !== this.#frameCount) {
      this.#frameCount = frameCount;
      this.#lastFrameMs = nowMs;
      if (!this.#isSilent) return undefined;
      this.#isSilent = false;
      return "sends";
    }
    if (this.#isSilent || this.silenceMs(nowMs) < silentAfterMs) return undefined;
    this.#isSilent = true;
    return "silent";
  }
}
