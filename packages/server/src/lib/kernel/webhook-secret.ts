/** What secrets of webhooks begin with; base64 of the key follows. */
const secretPrefix = "whsec_";

const minKeyBytes = 24;
const maxKeyBytes = 64;

/** What {@link parseWebhookSecret} takes, for messages. */
export const webhookSecretAllowed = `${secretPrefix} and the base64 of ${minKeyBytes} to ${maxKeyBytes} random bytes`;

/**
 * The key in a secret as the Standard Webhooks scheme writes it.
 *
 * @param text - `whsec_` and base64
 * @returns `undefined` when it is not such a secret, or its key is not 24 to 64 bytes long
 */
export function parseWebhookSecret(text: string): Buffer | undefined {
  if (!text.startsWith(secretPrefix)) return undefined;
  const base64 = text.slice(secretPrefix.length);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const key = Buffer.from(base64, "base64");
  return key.length >= minKeyBytes && key.length <= maxKeyBytes ? key : undefined;
}
