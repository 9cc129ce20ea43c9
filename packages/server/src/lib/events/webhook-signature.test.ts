import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { parseWebhookSecret } from "../kernel/webhook-secret.ts";
import { signWebhook } from "./webhook-signature.ts";

describe("signWebhook", () => {
  it("signs as the specification's library does", () => {
    const key = fc.uint8Array({ minLength: 24, maxLength: 64 }).map((bytes) => Buffer.from(bytes));
    const timestampS = fc.integer({ min: 0, max: 4e9 });
    fc.assert(
      fc.property(
        key,
        fc.string({ unit: "binary" }),
        fc.stringMatching(/^[\w-]{1,60}$/),
        timestampS,
        (bytes, body, id, s) => {
          const oracle = new Webhook(`whsec_${bytes.toString("base64")}`);
          assert.deepEqual(signWebhook({ id, timestampS: s, body }, bytes), {
            "webhook-id": id,
            "webhook-timestamp": String(s),
            "webhook-signature": oracle.sign(id, new Date(s * 1000), body),
          });
        },
      ),
    );
  });
});

describe("parseWebhookSecret", () => {
  const secretOf = (byteCount: number) => `whsec_${randomBytes(byteCount).toString("base64")}`;

  it("takes keys of 24 to 64 bytes", () => {
    assert.deepEqual(
      [23, 24, 64, 65].map((count) => parseWebhookSecret(secretOf(count))?.length),
      [undefined, 24, 64, undefined],
    );
  });

  it("refuses what is not base64 behind the prefix", () => {
    for (const text of ["", "whsec_", secretOf(32).slice(6), `${secretOf(32)} `, `whsec_${"?".repeat(40)}`])
      assert.equal(parseWebhookSecret(text), undefined);
  });
});
