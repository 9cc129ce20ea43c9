/** Milliseconds since 1970 by the server's wall clock. */
export type WallMs = number & { readonly __clock: "wall" };
/** Milliseconds of a clock that never jumps; the origin is arbitrary. */
export type MonotonicMs = number & { readonly __clock: "monotonic" };

/** Source of time, so that tests can set it. */
export interface Clock {
  wallMs(): WallMs;
  monotonicMs(): MonotonicMs;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  wallMs: () => Date.now() as WallMs,
  monotonicMs: () => performance.now() as MonotonicMs,
};
