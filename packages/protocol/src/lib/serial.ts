/**
 * Compares two wrapping sequence numbers. [P-2.2]
 *
 * @returns true when `a` comes before `b`; by RFC 1982 undefined when they are 2^31 apart
 */
export function serialLessThan(a: number, b: number): boolean {
  return serialDistance(b, a) < 0;
}

/** Steps from `from` to `to`, -2^31 to 2^31 - 1. */
export function serialDistance(from: number, to: number): number {
  return (to - from) | 0;
}
