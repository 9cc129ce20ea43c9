/**
 * The candidate that a mistyped name was probably meant to be, whatever its case; `undefined` when none is near: at
 * most a third of the name's characters may differ.
 */
export function closestName(name: string, candidates: readonly string[]): string | undefined {
  let closest: string | undefined;
  // Names far longer than any candidate are not worth the quadratic comparison, and bound it.
  let limit = name.length > 64 ? 0 : Math.floor(name.length / 3) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), limit);
    if (distance >= limit) continue;
    closest = candidate;
    limit = distance;
  }
  return closest;
}

/** Levenshtein distance, or `limit` as soon as the lengths alone show that it is not below. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [index, character] of [...a].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...b].entries()) {
      const [diagonal = 0, above = 0, left = 0] = [row[column], row[column + 1], next[column]];
      next.push(Math.min(above + 1, left + 1, diagonal + (character === other ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? limit;
}
