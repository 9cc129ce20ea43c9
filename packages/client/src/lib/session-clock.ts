/** Time as a session sees it, so that tests can set it. */
export interface SessionClock {
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Milliseconds of a clock that never jumps; the origin is arbitrary. */
  monotonicMs(): number;
  /**
   * Calls `run` once, after `delayMs` at the earliest and never before this call has returned.
   *
   * @returns cancels it; calling it late or twice does no harm
   */
  startTimer(delayMs: number, run: () => void): () => void;
}

/** The platform's clocks. */
export const systemClock: SessionClock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  startTimer: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
