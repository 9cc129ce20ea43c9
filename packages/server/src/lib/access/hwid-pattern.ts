/** Characters of a pattern. */
const allowed = /^[A-Za-z0-9_:.*?-]{1,64}$/;

/**
 * Brings a pattern of device ids into the form that {@link matchesHwid} takes: ids are stored with `_` for `:` and `.`.
 *
 * @param text - letters, digits, `-`, `_`, `:`, `.`, with `*` for any number of characters and `?` for one
 * @returns `undefined` for what is none
 */
export function parseHwidPattern(text: string): string | undefined {
  return allowed.test(text) ? text.replaceAll(/[:.]/g, "_").replaceAll(/\*+/g, "*") : undefined;
}

/**
 * Whether a pattern takes a device id, in time that grows with the product of their lengths at most.
 *
 * @param hwid - in its stored form; `null`, a device without an id, is taken by `*` alone
 */
export function matchesHwid(pattern: string, hwid: string | null): boolean {
  if (hwid === null) return pattern === "*";
  let at = 0;
  let retryAt = -1;
  let star = -1;
  let next = 0;
  while (at < hwid.length) {
    const sign = pattern[next];
    if (sign === "*") {
      star = next++;
      retryAt = at;
    } else if (sign === "?" || sign === hwid[at]) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++retryAt;
    } else {
      return false;
    }
  }
  while (pattern[next] === "*") next++;
  return next === pattern.length;
}
