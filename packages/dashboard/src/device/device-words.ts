const maxTagCount = 32;
const maxTagLength = 64;

/** Reads what a person typed as tags, separated by commas; each once. */
export function parseTags(text: string): readonly string[] {
  const tags = text.split(",").map((tag) => tag.trim().replaceAll(/\s+/g, " "));
  return [...new Set(tags.filter((tag) => tag !== ""))];
}

/** What is wrong with tags, for people; empty when nothing is. */
export function findTagFault(tags: readonly string[]): string {
  if (tags.length > maxTagCount) return `At most ${maxTagCount} tags: these are ${tags.length}.`;
  const long = tags.find((tag) => tag.length > maxTagLength);
  return long === undefined ? "" : `“${long.slice(0, 20)}…” is longer than ${maxTagLength} characters.`;
}
