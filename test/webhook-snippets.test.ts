import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { before, describe, it } from "node:test";
import { Webhook } from "standardwebhooks";

const secret = `whsec_${Buffer.alloc(32, 3).toString("base64")}`;
const body = JSON.stringify({ id: 7, type: "device.online", hwid: "Küche", data: {} });
const headers = (timestampS = Math.floor(Date.now() / 1000)) => ({
  "webhook-id": "evt_7_default",
  "webhook-timestamp": String(timestampS),
  "webhook-signature": new Webhook(secret).sign("evt_7_default", new Date(timestampS * 1000), body),
});
const forged = { ...headers(), "webhook-signature": `v1,${Buffer.alloc(32).toString("base64")}` };

let page: string;
before(async () => {
  page = await readFile(new URL("../docs/events.md", import.meta.url), "utf8");
});

const snippet = (language: string) => new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(page)?.[1] ?? "";

describe("docs/events.md", () => {
  it("shows how to verify a webhook in Node", async () => {
    const { verifyWebhook } = await import(`data:text/javascript,${encodeURIComponent(snippet("js"))}`);
    assert.deepEqual(verifyWebhook(headers(), body, secret), JSON.parse(body));
    assert.throws(() => verifyWebhook(headers(), `${body} `, secret), /wrong signature/);
    assert.throws(() => verifyWebhook(forged, body, secret), /wrong signature/);
    assert.throws(() => verifyWebhook({}, body, secret), /too old/);
    assert.throws(() => verifyWebhook(headers(1_700_000_000), body, secret), /too old/);
  });

  it("shows how to verify a webhook in Python", () => {
    const calls = [headers(), forged, headers(1_700_000_000)].map(
      (given) => `attempt(json.loads(${JSON.stringify(JSON.stringify(given))}))`,
    );
    const script = [
      snippet("python"),
      "def attempt(headers):",
      "    try:",
      `        print(json.dumps(verify_webhook(headers, ${JSON.stringify(body)}.encode(), ${JSON.stringify(secret)})))`,
      "    except ValueError as error:",
      "        print(error)",
      ...calls,
    ].join("\n");
    const { stdout, stderr } = spawnSync("python3", ["-c", script], { encoding: "utf8" });
    const [right = "", ...refused] = stdout.trim().split("\n");
    assert.deepEqual(refused, ["wrong signature", "too old"], stderr);
    assert.deepEqual(JSON.parse(right), JSON.parse(body));
  });
});
