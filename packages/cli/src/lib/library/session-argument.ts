import { InvalidArgumentError } from "commander";

/** Parser of an option that names a session. */
export function readSession(text: string): string {
  if (/^[0-9a-z]{1,24}$/.test(text)) return text;
  throw new InvalidArgumentError("A session's id is 1 to 24 of 0-9 a-z; errors and `eet export --json` name them.");
}
