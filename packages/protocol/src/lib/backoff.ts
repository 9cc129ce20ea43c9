/** Bounds of the waits between attempts. */
export interface BackoffOptions {
  /** Upper bound of the first wait; it doubles with each attempt. */
  readonly baseMs: number;
  /** Upper bound of every wait. */
  readonly capMs: number;
  /** Uniform in [0, 1); default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Wait before the next attempt, with full jitter: uniform in [0, min(cap, base * 2^attempt)), so that many callers that
 * failed together do not come back together. (Brooker, "Exponential Backoff And Jitter", 2015.)
 *
 * @param attempt - attempts that failed before this one; 0 after the first failure.
 * @returns whole milliseconds, less than `capMs`.
 */
export function fullJitterMs(attempt: number, { baseMs, capMs, random = Math.random }: BackoffOptions): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** attempt));
}
