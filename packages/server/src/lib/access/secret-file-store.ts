import { readFileSync } from "node:fs";
import { ConfigError, toError } from "../kernel/errors.ts";

/** Longest content that is taken for a secret. */
const maxBytes = 4_096;

/**
 * Reads a file that holds a secret alone.
 *
 * @param key - setting that names the file
 * @throws ConfigError `CONFIG_BAD_FILE`, which does not tell what is in it
 */
export function readSecretFile(path: string, key: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (thrown) {
    throw new ConfigError("CONFIG_BAD_FILE", `${key}: ${toError(thrown).message}`, { cause: thrown });
  }
  if (text !== "" && text.length <= maxBytes && !/\s/.test(text)) return text;
  throw new ConfigError("CONFIG_BAD_FILE", `${key}: ${path} has to hold one secret alone, on one line`);
}
