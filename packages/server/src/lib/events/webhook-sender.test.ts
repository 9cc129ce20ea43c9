import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { WebhookReceiver } from "../../../../../test/support/webhook-receiver.ts";
import type { EventDelivery } from "../catalog/delivery-queue.ts";
import { parseWebhookSecret } from "../kernel/webhook-secret.ts";
import { WebhookSender } from "./webhook-sender.ts";

const delivery: EventDelivery = {
  deliveryId: 9,
  target: "webhook:main",
  attempts: 0,
  firstFailedMs: null,
  event: {
    id: 1_767_225_600_007,
    type: "device.online",
    time: "2026-01-01T00:00:00.000Z",
    hwid: "mic-1",
    data: { stream_id: 7, name: "Küche" },
  },
};

describe("WebhookSender", () => {
  let receiver: WebhookReceiver;

  beforeEach(async () => {
    receiver = await WebhookReceiver.start();
  });
  afterEach(() => receiver[Symbol.asyncDispose]());

  const send = ({ url = receiver.url, timeoutMs = 5_000, signal = new AbortController().signal } = {}) => {
    const key = parseWebhookSecret(receiver.secret);
    assert.ok(key);
    return new WebhookSender({ name: "main", url, key, version: "1.2.3", timeoutMs }).send(delivery, signal);
  };

  it("posts the event as JSON, signed, under an id that stays", async () => {
    assert.deepEqual(await send(), { kind: "delivered" });
    const [{ id, headers, event } = assert.fail()] = receiver.requests;
    assert.equal(id, "evt_1767225600007_main");
    assert.deepEqual(event, delivery.event);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["user-agent"], "eet/1.2.3");
    assert.ok(Math.abs(Number(headers["webhook-timestamp"]) - Date.now() / 1000) < 60);
  });

  it("uses connections again", async () => {
    const ports = new Set<number>();
    receiver.onConnection = (port) => ports.add(port);
    for (let count = 0; count < 10; count += 1) {
      receiver.answer = () => (count % 2 === 0 ? 200 : 500);
      await send();
    }
    assert.ok(ports.size <= 3, `${ports.size} connections for 10 requests`);
  });

  it("takes every 2xx for delivered, and all else for failed", async () => {
    for (const status of [200, 202, 299]) {
      receiver.answer = () => status;
      assert.deepEqual(await send(), { kind: "delivered" });
    }
    for (const status of [400, 404, 429, 500, 503]) {
      receiver.answer = () => status;
      assert.deepEqual(await send(), { kind: "failed", reason: `the receiver answered ${status}` });
    }
  });

  it("gives up at 410", async () => {
    receiver.answer = () => 410;
    const reason = "the receiver answered 410: it wants no more of these";
    assert.deepEqual(await send(), { kind: "failed", reason, isFinal: true });
  });

  it("follows no redirect", async () => {
    await using other = await WebhookReceiver.start();
    receiver.answer = () => 307;
    receiver.headers = { location: other.url };
    const reason = "the receiver answered 307: redirects are not followed";
    assert.deepEqual(await send(), { kind: "failed", reason });
    assert.equal(other.requests.length, 0);
  });

  it("passes on how long the receiver wants to be left alone", async () => {
    receiver.answer = () => 429;
    receiver.headers = { "retry-after": "120" };
    assert.deepEqual(await send(), {
      kind: "failed",
      reason: "the receiver answered 429",
      retryAfterMs: 120_000,
    });
    receiver.headers = { "retry-after": new Date(0).toUTCString() };
    assert.equal(Reflect.get(await send(), "retryAfterMs"), 0);
    receiver.headers = { "retry-after": "soon" };
    assert.equal(Reflect.get(await send(), "retryAfterMs"), undefined);
  });

  it("waits for an answer no longer than its time", async () => {
    receiver.answer = () => undefined;
    const reason = "the receiver gave no answer within 0.1 s";
    assert.deepEqual(await send({ timeoutMs: 100 }), { kind: "failed", reason });
  });

  it("ends when it is told to", async () => {
    const stop = new AbortController();
    receiver.answer = () => {
      stop.abort();
      return undefined;
    };
    assert.deepEqual(await send({ signal: stop.signal }), { kind: "failed", reason: "the server stops" });
  });

  it("tells why a receiver cannot be reached, without the URL's query", async () => {
    const url = receiver.url;
    await receiver[Symbol.asyncDispose]();
    const outcome = await send({ url });
    assert.match(Reflect.get(outcome, "reason"), /ECONNREFUSED/);
    assert.ok(!JSON.stringify(outcome).includes("very-hidden"));
    receiver = await WebhookReceiver.start();
  });
});
