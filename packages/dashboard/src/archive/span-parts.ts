import type { TimeSpan } from "./time-view.ts";

/**
 * What of some spans no hole takes, piece by piece.
 *
 * @param spans - in order, none over another
 * @param holes - in order of their starts
 */
export function* leaveOut<Span extends TimeSpan>(spans: readonly Span[], holes: readonly TimeSpan[]): Generator<Span> {
  const joined = joinSpans(holes);
  let first = 0;
  for (const span of spans) {
    while ((joined[first]?.toMs ?? Number.POSITIVE_INFINITY) <= span.fromMs) first += 1;
    let atMs = span.fromMs;
    for (let at = first; (joined[at]?.fromMs ?? Number.POSITIVE_INFINITY) < span.toMs; at += 1) {
      const { fromMs = 0, toMs = 0 } = joined[at] ?? {};
      if (fromMs > atMs) yield { ...span, fromMs: atMs, toMs: fromMs };
      atMs = Math.max(atMs, toMs);
    }
    if (atMs < span.toMs) yield { ...span, fromMs: atMs };
  }
}

/** Gaps of several streams may lie over each other, and so may pins. */
function joinSpans(spans: readonly TimeSpan[]): readonly TimeSpan[] {
  const joined: TimeSpan[] = [];
  for (const { fromMs, toMs } of spans) {
    const last = joined.at(-1);
    if (last === undefined || fromMs > last.toMs) joined.push({ fromMs, toMs });
    else joined[joined.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, toMs) };
  }
  return joined;
}
