/**
 * Takes what was read anew, but keeps the objects of before where they say the same: what is shown of them need not be
 * made again.
 * @param keyOf - tells which of before is meant
 */
export function keepSame<T extends object>(
  before: readonly T[],
  fresh: readonly T[],
  keyOf: (one: T) => string,
): readonly T[] {
  const known = new Map(before.map((one) => [keyOf(one), one]));
  const kept = fresh.map((one) => {
    const old = known.get(keyOf(one));
    return old !== undefined && JSON.stringify(old) === JSON.stringify(one) ? old : one;
  });
  const isSame = kept.length === before.length && kept.every((one, index) => one === before[index]);
  return isSame ? before : kept;
}
