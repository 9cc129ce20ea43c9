/** As devices are named here: the server takes `:` and `.` too, and writes them as `_`. [P-1.8] */
const hwidPattern = /^[A-Za-z0-9_-]{1,64}$/;
/** The name of a test of the connection. */
const testName = "echo";

/** Whether the server takes an id as it is; `echo` is the name of a test. */
export function isHwid(text: string): boolean {
  return hwidPattern.test(text) && text !== testName;
}

/** Says what is wrong with an id, and what would be right; `undefined`: nothing is. */
export function describeHwidFault(text: string): string | undefined {
  if (isHwid(text)) return undefined;
  if (text === "") return "An id has one character at least: letters, digits, “-” or “_”";
  if (text === testName) return `“${testName}” is the name of a test: choose another id`;
  const other = /[^A-Za-z0-9_-]/u.exec(text)?.[0];
  if (other === undefined) return "An id has 64 characters at most";
  const found = /\s/.test(other) ? "a space" : `“${other}”`;
  return `“${text}” has ${found}: an id has letters of A to Z, digits, “-” and “_” only`;
}
