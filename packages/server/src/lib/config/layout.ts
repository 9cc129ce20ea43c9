/** What may stand in braces in a layout template. Times are UTC, of the segment's first sample. */
export const layoutTokens = ["hwid", "yyyy", "MM", "dd", "HH", "streamId"] as const;

const folder = new RegExp(`^(?:[A-Za-z0-9._=-]|\\{(?:${layoutTokens.join("|")})\\})+$`);

/**
 * Tells whether a text is a template of folders below `received/`: folder names joined by `/`, made of
 * {@link layoutTokens} in braces and of characters that mean the same on every file system. No name may be `.` or
 * come to hold `..`, so a template never leads out of `received/`.
 */
export function isLayout(template: string): boolean {
  return template.length <= 256 && template.split("/").every(isFolder);
}

function isFolder(name: string): boolean {
  // A token may come out empty: `.{hwid}.` must not become `..`.
  const literal = name.replaceAll(/\{\w+\}/g, "");
  return folder.test(name) && name !== "." && !literal.includes("..");
}

/** What {@link isLayout} takes, for messages. */
export function describeLayout(): string {
  const tokens = layoutTokens.map((token) => `{${token}}`).join(", ");
  return `a relative path of ${tokens}, letters, digits, '.', '_', '=' and '-', without '..'`;
}
