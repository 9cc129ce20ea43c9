import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeAdpcm, formatAdpcmHeader, type NibbleOrder } from "@eet/audio";
import { openFrameStream } from "@eet/client";
import { readSegments } from "./support/recordings.ts";
import { ServerProcess } from "./support/server-process.ts";
import { readSpeech } from "./support/source-audio.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const sampleRateHz = 16_000;
const frameSampleCount = 320;
const format = { codec: "adpcm", sampleRateHz, channels: 1, frameSampleCount } as const;
const flags = ["--rotate-s", "2"];

const speech = new Int16Array(new Uint8Array(await readSpeech()).buffer);
/** Digital silence, which both orders decode alike. */
const silence = (seconds: number) => new Int16Array(seconds * sampleRateHz);

interface Device {
  readonly hwid: string;
  readonly order: NibbleOrder;
}

/** Streams audio as one session and waits for its last segment. */
async function stream(server: ServerProcess, { hwid, order }: Device, ...audio: readonly Int16Array[]): Promise<void> {
  const samples = Int16Array.from(audio.flatMap((part) => [...part]));
  const segmentCount = samples.length / (2 * sampleRateHz);
  const earlier = server.lines.filter((line) => isSegmentOf(line, hwid)).length;
  const device = await openFrameStream({ url: server.url, hwid, streamId: 1, format, timestampMs: 0 });
  const state = { predictor: 0, stepIndex: 0 };
  for (let at = 0; at < samples.length; at += frameSampleCount) {
    const header = formatAdpcmHeader(state);
    const codes = encodeAdpcm(samples.subarray(at, at + frameSampleCount), order, state);
    await device.send(Uint8Array.of(...header, ...codes));
  }
  assert.deepEqual(await device.close(), { kind: "clean" });
  while (server.lines.filter((line) => isSegmentOf(line, hwid)).length < earlier + segmentCount) {
    await server.nextLine((line) => isSegmentOf(line, hwid));
  }
}

function isSegmentOf(line: Readonly<Record<string, unknown>>, hwid: string): boolean {
  return line["msg"] === "segment closed" && line["hwid"] === hwid;
}

/** The orders of a device's sessions, segment by segment: `high exact`. */
async function readOrders(folder: string, hwid: string): Promise<readonly (readonly string[])[]> {
  const sessions = new Map<string, { readonly startMs: number; readonly orders: string[] }>();
  for (const { sidecar } of await readSegments(`${folder}/data/received/${hwid}`)) {
    const session = sessions.get(sidecar.session) ?? { startMs: sidecar.time.session_start_ms, orders: [] };
    sessions.set(sidecar.session, session);
    session.orders.push(`${sidecar.nibble_order?.order} ${sidecar.nibble_order?.source}`);
  }
  return [...sessions.values()].sort((a, b) => a.startMs - b.startMs).map(({ orders }) => orders);
}

describe("the nibble order of a device [P-1.5]", () => {
  it("is told by its frames, holds through silence, and is remembered over reconnects and restarts", async () => {
    await using folder = await makeTemporaryFolder();
    const high: Device = { hwid: "high", order: "high" };
    const low: Device = { hwid: "low", order: "low" };
    const audio = [silence(4), speech.subarray(0, 4 * sampleRateHz), silence(4)];
    {
      await using server = await ServerProcess.start({ folder: folder.path, flags });
      await Promise.all([
        stream(server, high, ...audio),
        stream(server, low, ...audio),
        stream(server, { hwid: "mute", order: "high" }, silence(4)),
      ]);
      await stream(server, high, silence(2));
      assert.equal(await server.stop(), 0, server.errors);
    }
    await using server = await ServerProcess.start({ folder: folder.path, flags });
    await stream(server, high, silence(2));
    await stream(server, low, silence(2));
    assert.equal(await server.stop(), 0, server.errors);

    // A segment knows what itself and those before it told, never what comes.
    const first = (order: NibbleOrder) => [
      "low default",
      "low default",
      `${order} exact`,
      `${order} exact`,
      `${order} cached`,
      `${order} cached`,
    ];
    assert.deepEqual(await readOrders(folder.path, "high"), [first("high"), ["high cached"], ["high cached"]]);
    assert.deepEqual(await readOrders(folder.path, "low"), [first("low"), ["low cached"]]);
    assert.deepEqual(await readOrders(folder.path, "mute"), [["low default", "low default"]]);
  });
});
