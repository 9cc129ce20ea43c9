import assert from "node:assert/strict";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DeviceFleet } from "./support/device-fleet.ts";
import { readSegments } from "./support/recordings.ts";
import { runEet } from "./support/run-command.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";
import { type ReceivedWebhook, WebhookReceiver } from "./support/webhook-receiver.ts";

const deviceCount = 3;
const flags = ["--rotate-s", "1", "--offline-after-s", "0.5"];

type Received = Pick<ReceivedWebhook, "event">;

const pathOf = (folder: string, { event: { data } }: Received) =>
  join(folder, "data", "received", String(data["folder"]), String(data["name"]));

/** Names of the segments of which it was told that they are closed, in the order told. */
const closedOf = (webhooks: readonly Received[], hwid?: string) =>
  webhooks
    .map(({ event }) => event)
    .filter((event) => event.type === "segment.closed" && (hwid === undefined || event.hwid === hwid));

/** Leaves out what came again. */
const once = <T extends ReceivedWebhook>(webhooks: readonly T[]) =>
  [...new Map(webhooks.toReversed().map((webhook) => [webhook.id, webhook])).values()].toReversed();

describe("webhooks", () => {
  it("tell of every segment in order, none before its files are final, though the receiver fails and the server is killed", async () => {
    await using folder = await makeTemporaryFolder();
    await using receiver = await WebhookReceiver.start();
    const environment = { EET_WEBHOOK_URL: receiver.url, EET_WEBHOOK_SECRET: receiver.secret };
    const early: string[] = [];
    let answered = 0;
    receiver.answer = async (webhook) => {
      if (webhook.event.type === "segment.closed") {
        const path = pathOf(folder.path, webhook);
        for (const ending of ["bin", "wav", "json"])
          await access(`${path}.${ending}`).catch(() => early.push(`${path}.${ending}`));
      }
      // A receiver that is not quite well: every third request fails.
      answered += 1;
      return answered % 3 === 0 ? 500 : 200;
    };
    const isClosedOfAll = () => hwids.every((hwid) => closedOf(receiver.delivered, hwid).length >= 2);
    let hwids: readonly string[] = [];
    {
      await using server = await ServerProcess.start({ folder: folder.path, flags, environment });
      await using fleet = await DeviceFleet.open(server.url, "mic", deviceCount);
      hwids = fleet.hwids;
      await receiver.until("two segments of each device are told of", isClosedOfAll);
      await server.kill();
      await fleet.ended();
    }
    await using server = await ServerProcess.start({ folder: folder.path, flags, environment });
    await server.recovered();
    const segments = await readSegments(`${folder.path}/data/received`);
    await receiver.until("every segment is told of", () => {
      const told = new Set(closedOf(receiver.delivered).map(({ data }) => data["name"]));
      return segments.every(({ sidecar }) => told.has(sidecar.name));
    });
    assert.deepEqual(early, []);
    for (const hwid of hwids) {
      const own = once(receiver.delivered).filter(({ event }) => event.hwid === hwid);
      const ids = own.map(({ event }) => event.id);
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => a - b),
        `${hwid}: in order`,
      );
      const indices = closedOf(own).map(({ data }) => data["index"]);
      assert.deepEqual(indices, [...indices.keys()], `${hwid}: none is missing, none is told of twice`);
      const types = own.map(({ event }) => event.type);
      assert.ok(types.includes("session.started") && types.includes("device.online"), types.join(", "));
    }
    const [{ event } = assert.fail()] = receiver.delivered.filter((webhook) => webhook.event.type === "segment.closed");
    const sidecar = JSON.parse(await readFile(`${pathOf(folder.path, { event })}.json`, "utf8"));
    assert.equal(event.data["samples"], sidecar.samples);
    assert.deepEqual(event.data["files"], {
      ...sidecar.files,
      json: Reflect.get(Object(event.data["files"]), "json"),
    });
    for (const line of server.lines)
      assert.ok(!JSON.stringify(line).includes("very-hidden"), "the URL's query is hidden");
  });

  it("tell that a device came, and that it left", async () => {
    await using folder = await makeTemporaryFolder();
    await using receiver = await WebhookReceiver.start();
    const environment = { EET_WEBHOOK_URL: receiver.url, EET_WEBHOOK_SECRET: receiver.secret };
    {
      await using server = await ServerProcess.start({ folder: folder.path, flags, environment });
      await using fleet = await DeviceFleet.open(server.url, "mic", 1);
      await receiver.until("the device is online", () =>
        receiver.delivered.some(({ event }) => event.type === "device.online"),
      );
      await fleet[Symbol.asyncDispose]();
      await receiver.until("the device is offline", () =>
        receiver.delivered.some(({ event }) => event.type === "device.offline"),
      );
      assert.equal(await server.stop(), 0);
    }
    const offline = receiver.delivered.find(({ event }) => event.type === "device.offline");
    assert.equal(offline?.event.hwid, "mic-0");
    assert.equal(offline?.event.data["reason"], "CLIENT_LOST");
  });

  it("are sent again by `eet events replay --dead` once they were given up", async () => {
    await using folder = await makeTemporaryFolder();
    await using receiver = await WebhookReceiver.start();
    const environment = { EET_WEBHOOK_URL: receiver.url, EET_WEBHOOK_SECRET: receiver.secret };
    await using server = await ServerProcess.start({ folder: folder.path, flags, environment });
    const origin = `http://127.0.0.1:${server.port}`;
    receiver.answer = ({ event }) => (event.type === "segment.closed" ? 410 : 204);
    const refused = () => receiver.requests.filter(({ status }) => status === 410);
    await using fleet = await DeviceFleet.open(server.url, "mic", deviceCount);
    const isRefused = () => fleet.hwids.every((hwid) => closedOf(refused(), hwid).length >= 3);
    await receiver.until("three segments of each device are refused", isRefused);
    await fleet[Symbol.asyncDispose]();
    await receiver.until("all sessions have ended and all devices are offline", () => {
      const last = receiver.delivered.filter(({ event }) => /^(session.ended|device.offline)$/.test(event.type));
      return last.length === 2 * deviceCount;
    });
    const dead = refused();
    const isWellAgain = receiver.requests.length;
    receiver.answer = () => 204;
    const replay = await runEet(["events", "replay", "--dead", "--url", origin], { folder: folder.path });
    assert.equal(replay.exitCode, 0, replay.err);
    assert.equal(replay.out, `${dead.length} deliveries put back\n`);
    await receiver.until("all come again", () => receiver.requests.length === isWellAgain + dead.length);
    const again = receiver.requests.slice(isWellAgain);
    for (const hwid of fleet.hwids) {
      const idsOf = (webhooks: readonly ReceivedWebhook[]) =>
        webhooks.filter(({ event }) => event.hwid === hwid).map(({ id }) => id);
      assert.deepEqual(idsOf(again), idsOf(dead), `${hwid}: the same ids, in order`);
    }
    const letters = await fetch(`${origin}/api/v1/dead-letters`);
    assert.deepEqual(await letters.json(), { dead_letters: [], next_cursor: null });
  });

  it("are refused without a secret, before the server does anything", async () => {
    await using folder = await makeTemporaryFolder();
    const environment = { EET_WEBHOOK_URL: "https://example.org/hook" };
    await assert.rejects(
      async () => ServerProcess.start({ folder: folder.path, environment }),
      /Events:WebhookSecret is required/,
    );
  });
});
