/** Class of what goes on: its end is not known. */
export const openSizeClass = 63;

/** The longest class of what has ended: some 500 years. */
export const maxSizeClass = 44;

/**
 * Class of a length of time: the power of two at or below it, in ms. What lies in a class is shorter than
 * {@link longestOfClassMs}, so an index by class and start finds all that reaches into a range, however long some are.
 */
export function sizeClass(durationMs: number): number {
  return Math.min(maxSizeClass, Math.floor(Math.log2(Math.max(1, durationMs))));
}

/** What lies in the class is not longer, ms. */
export function longestOfClassMs(sizeClass: number): number {
  return sizeClass >= maxSizeClass ? Number.MAX_SAFE_INTEGER : 2 ** (sizeClass + 1);
}
