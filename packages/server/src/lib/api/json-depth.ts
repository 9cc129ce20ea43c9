const quote = 0x22;
const backslash = 0x5c;
const [listBegin, listEnd] = [0x5b, 0x5d];
const [objectBegin, objectEnd] = [0x7b, 0x7d];

/**
 * How many objects and lists lie within each other in a text of JSON; looked at before it is parsed, valid or not.
 *
 * @param maxDepth - the first level above it is the answer: nothing behind it is looked at
 */
export function jsonDepth(text: string, maxDepth = Number.POSITIVE_INFINITY): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let at = 0; at < text.length && deepest <= maxDepth; at += 1) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === backslash) at += 1;
      else if (code === quote) isInString = false;
    } else if (code === quote) {
      isInString = true;
    } else if (code === listBegin || code === objectBegin) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (code === listEnd || code === objectEnd) {
      depth -= 1;
    }
  }
  return deepest;
}
