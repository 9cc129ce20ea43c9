import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openFrameStream } from "@eet/client";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";
import { WebhookReceiver } from "./support/webhook-receiver.ts";

const sampleRateHz = 8_000;
const frameSampleCount = 160;
const format = { codec: "pcm16", sampleRateHz, channels: 1, frameSampleCount } as const;

/** Streams so many seconds of a signal as fast as the server takes it. */
async function stream(url: string, hwid: string, seconds: number, valueAt: (sample: number) => number): Promise<void> {
  const abort = new AbortController();
  const frames = await openFrameStream({ url, hwid, streamId: 1, format, timestampMs: 0, signal: abort.signal });
  for (let frame = 0; frame < (seconds * sampleRateHz) / frameSampleCount; frame += 1) {
    const samples = Int16Array.from({ length: frameSampleCount }, (_, at) => valueAt(frame * frameSampleCount + at));
    await frames.send(new Uint8Array(samples.buffer));
  }
  await frames.close();
}

const hum = (sample: number) =>
  3_000 * Math.sin((2 * Math.PI * 50 * sample) / sampleRateHz) +
  900 * Math.sin((2 * Math.PI * 150 * sample) / sampleRateHz);
/** Speech-like: a tone that is none of the mains'. */
const tone = (sample: number) => 3_000 * Math.sin((2 * Math.PI * 437 * sample) / sampleRateHz);

describe("content health", () => {
  it("tells dead, stuck, clipping and humming devices from a well one, and is kept over a kill", async () => {
    await using folder = await makeTemporaryFolder();
    await using receiver = await WebhookReceiver.start();
    const environment = { EET_WEBHOOK_URL: receiver.url, EET_WEBHOOK_SECRET: receiver.secret };
    const flags = ["--rotate-s", "1.5"];
    const changesOf = (hwid: string) =>
      receiver.delivered
        .map(({ event }) => event)
        .filter((event) => event.type === "health.changed" && event.hwid === hwid);
    const conditionsOf = (hwid: string) => changesOf(hwid).at(-1)?.data["conditions"];
    const has = (hwid: string, ...conditions: string[]) =>
      receiver.until(
        `${hwid} is ${conditions}`,
        () => JSON.stringify(conditionsOf(hwid)) === JSON.stringify(conditions),
      );
    {
      await using server = await ServerProcess.start({ folder: folder.path, flags, environment });
      await Promise.all([
        stream(server.url, "well", 12, tone),
        stream(server.url, "dead", 6, () => 0),
        stream(server.url, "stuck", 6, () => -9_000),
        stream(server.url, "loud", 6, (sample) => Math.max(-32_768, Math.min(32_767, 20 * tone(sample)))),
        stream(server.url, "hums", 12, hum),
      ]);
      await has("dead", "dead");
      await has("stuck", "stuck-dc");
      await has("loud", "clipping");
      await has("hums", "hum-only");
      await server.kill();
    }
    await using server = await ServerProcess.start({ folder: folder.path, flags, environment });
    await server.recovered();
    await stream(server.url, "dead", 6, tone);
    await has("dead");
    assert.equal(changesOf("dead").length, 2, "it was not told again after the kill");
    const [entered, left] = changesOf("dead");
    assert.deepEqual(left?.data["left"], entered?.data["entered"]);
    assert.deepEqual(changesOf("well"), []);
  });
});
