/** Of a value, in answers. */
const maxQuotedLength = 60;

/**
 * A value that came with a request as JSON, for a message: at most 60 characters of it.
 *
 * @param value - anything that JSON can hold, or `undefined` for what is missing
 */
export function quoteValue(value: unknown): string {
  try {
    return (JSON.stringify(beginningOf(value)) ?? "missing").slice(0, maxQuotedLength);
  } catch {
    // JSON is read to any depth, but written to that of the stack.
    return "a deeply nested value";
  }
}

/** Enough of a long text or list to quote it. */
function beginningOf(value: unknown): unknown {
  return typeof value === "string" || Array.isArray(value) ? value.slice(0, maxQuotedLength) : value;
}
