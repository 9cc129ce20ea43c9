import { createHmac } from "node:crypto";

/** A message to be signed. */
export interface WebhookMessage {
  /** Holds no `.`, which parts what is signed. */
  readonly id: string;
  /** Of this attempt, seconds since 1970. */
  readonly timestampS: number;
  readonly body: string;
}

/** Headers of a signed message, by the Standard Webhooks scheme, version 1. */
export function signWebhook({ id, timestampS, body }: WebhookMessage, key: Buffer): Readonly<Record<string, string>> {
  const signature = createHmac("sha256", key).update(`${id}.${timestampS}.${body}`).digest("base64");
  return {
    "webhook-id": id,
    "webhook-timestamp": String(timestampS),
    "webhook-signature": `v1,${signature}`,
  };
}
