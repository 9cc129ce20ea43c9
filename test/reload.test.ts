import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openFrameStream } from "@eet/client";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";
import { WebhookReceiver } from "./support/webhook-receiver.ts";

const format = { codec: "pcm16", sampleRateHz: 8_000, channels: 1, frameSampleCount: 160 } as const;

/** Sends two seconds. */
async function stream(url: string, hwid: string): Promise<void> {
  const { signal } = new AbortController();
  const frames = await openFrameStream({ url, hwid, streamId: 1, format, timestampMs: 0, signal });
  for (let frame = 0; frame < 100; frame += 1) await frames.send(new Uint8Array(320).fill(frame));
  await frames.close();
}

describe("a server that is sent SIGHUP", () => {
  it("takes over log level and quotas of its files, names what waits for a restart, and goes on with wrong files as it was", async () => {
    await using folder = await makeTemporaryFolder();
    const path = join(folder.path, "appsettings.json");
    const write = (settings: object) => writeFile(path, JSON.stringify(settings));
    await write({ Server: { LogLevel: "info" } });
    await using server = await ServerProcess.start({ folder: folder.path, flags: ["--rotate-s", "0.5", "--no-wav"] });
    const preview = async () => {
      const answer = await fetch(`http://127.0.0.1:${server.port}/api/v1/retention/preview`);
      return (await answer.json()) as { readonly devices: readonly { readonly entries: readonly unknown[] }[] };
    };
    await server.recovered();
    await stream(server.url, "first");
    let closedCount = 0;
    // Two seconds in segments of half a second: the quota finds what is in the catalogue.
    await server.line(({ msg }) => msg === "segment closed" && ++closedCount === 4);

    // A kilobyte of the thirty that are there.
    await write({ Server: { RetentionMaxGb: 1e-6, RotateAlign: true }, Devices: { first: { RetentionMaxAgeD: 7 } } });
    const told = Promise.all([
      server.nextLine(({ msg }) => msg === "settings reloaded"),
      server.nextLine(({ msg }) => msg.startsWith("settings changed that take effect")),
      server.nextLine(({ msg }) => msg.startsWith("retention")),
    ]);
    server.signal("SIGHUP");
    const [reloaded, waits] = await told;
    assert.deepEqual(reloaded["changed"], ["Server:RetentionMaxGb", "Devices:first:RetentionMaxAgeD"]);
    assert.deepEqual(waits["settings"], ["Server:RotateAlign"]);

    await writeFile(path, '{ "Server": { "LogLevel": "loud" } }');
    const failed = server.nextLine(({ msg }) => msg.startsWith("settings not reloaded"));
    server.signal("SIGHUP");
    assert.match(String((await failed)["error"]), /LogLevel/);

    await write({ Server: { LogLevel: "warn", RotateAlign: true } });
    const quiet = server.nextLine(({ msg }) => msg.startsWith("settings changed that take effect"));
    server.signal("SIGHUP");
    await quiet;
    assert.deepEqual(
      (await preview()).devices.flatMap(({ entries }) => entries),
      [],
      "no quota any more",
    );
    const url = `http://127.0.0.1:${server.port}/api/v1/log-level`;
    assert.deepEqual(await (await fetch(url)).json(), { level: "warn" });
    const change = async (level: string) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(url, { method: "PUT", headers, body: JSON.stringify({ level }) });
      assert.deepEqual([answer.status, await answer.json()], [200, { level }]);
    };
    const changed = server.nextLine(({ msg }) => msg === "log level changed");
    await change("info");
    assert.deepEqual([(await changed)["before"], (await changed)["level"]], ["warn", "info"]);
    // It is told once more, and comes by another way than the answer.
    const quieted = server.nextLine(({ msg }) => msg === "log level changed");
    await change("error");
    await quieted;
    const lineCount = server.lines.length;
    await stream(server.url, "second");
    assert.equal(await server.stop(), 0, server.errors);
    assert.deepEqual(
      server.lines.slice(lineCount).map(({ msg }) => msg),
      [],
      "nothing below an error is told",
    );
  });

  it("takes over webhooks: what waits for one goes where it points now, and one that is gone gets nothing any more", async () => {
    await using folder = await makeTemporaryFolder();
    await using first = await WebhookReceiver.start();
    await using second = await WebhookReceiver.start();
    await using server = await ServerProcess.start({ folder: folder.path, flags: ["--no-wav"] });
    const reload = async (...webhooks: readonly object[]) => {
      await writeFile(join(folder.path, "appsettings.json"), JSON.stringify({ Webhooks: webhooks }));
      const reloaded = server.nextLine(({ msg }) => msg.startsWith("settings reloaded"));
      server.signal("SIGHUP");
      return (await reloaded)["changed"];
    };
    const pointingTo = ({ url, secret }: WebhookReceiver) => ({
      ...{ Name: "hook", Url: url, Secret: secret, Types: ["device.online"] },
    });
    const hasDevice = (receiver: WebhookReceiver, hwid: string) =>
      receiver.requests.some(({ event }) => event.hwid === hwid);
    const targets = async () => {
      const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
      return [...text.matchAll(/^eet_deliveries_pending\{target="(.*)"\}/gm)].map(([, target]) => target);
    };
    await server.recovered();
    assert.deepEqual(await reload(pointingTo(first)), [
      ...["Webhooks:hook:Url", "Webhooks:hook:Secret", "Webhooks:hook:Types"],
    ]);
    await stream(server.url, "mic-1");
    await first.until("mic-1 is told of", () => hasDevice(first, "mic-1"));
    first.answer = () => 503;
    await stream(server.url, "mic-2");
    await first.until("mic-2 is tried", () => hasDevice(first, "mic-2"));
    assert.deepEqual(await reload(pointingTo(second)), ["Webhooks:hook:Url"]);
    await second.until("mic-2 is told of", () => hasDevice(second, "mic-2"));
    assert.equal(hasDevice(second, "mic-1"), false);
    assert.deepEqual(await targets(), ["webhook:hook"]);
    await reload();
    assert.deepEqual(await targets(), []);
    assert.equal(await server.stop(), 0, server.errors);
    assert.deepEqual(
      server.problems.map(({ msg }) => msg),
      ["a delivery failed: tried again"],
    );
  });
});
