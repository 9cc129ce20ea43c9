/** What stands for a secret. */
const mask = "****";

/** Tokens of devices and of people and programs, right or mistyped: behind their prefix enough to be no other word. */
const tokens = /eet_([ad])_[\w-]{8,}/g;

/**
 * Takes the secrets of tokens out of a text that is logged, kept or answered: people put them where ids, names and paths
 * belong.
 */
export function redactTokens(text: string): string {
  return text.replace(tokens, `eet_$1_${mask}`);
}

/** Takes known secrets out of what another program has said. */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  // An empty one would be found between all characters.
  return secrets.reduce((shown, secret) => (secret === "" ? shown : shown.replaceAll(secret, mask)), text);
}
