// The widest format that the protocol allows, with the limits as they are without settings.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createSession } from "@eet/client";
import type { Codec } from "@eet/protocol";
import { findFaults, joinWavs, readSegments, splitFrames } from "./support/recordings.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const [sampleRateHz, channels] = [192_000, 8];
const adpcmHeaderBytes = 4;

let folder: TemporaryFolder;
let server: ServerProcess;

before(async () => {
  folder = await makeTemporaryFolder();
  server = await ServerProcess.start({ folder: folder.path, flags: ["--rotate-s", "2", "--flush-ms", "250"] });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** A full frame whose every sample, or code, is that of its number. */
function makePayload(codec: Codec, frameSampleCount: number, seq: number): Uint8Array {
  const valueCount = frameSampleCount * channels;
  if (codec === "pcm16") return Buffer.alloc(valueCount * 2, seq);
  const payload = Buffer.alloc(adpcmHeaderBytes + valueCount / 2, seq);
  payload.fill(0, 0, adpcmHeaderBytes);
  return payload;
}

/** Sends as fast as the server takes it. */
async function stream(hwid: string, codec: Codec, frameSampleCount: number, frameCount: number): Promise<void> {
  const format = { codec, sampleRateHz, channels, frameSampleCount };
  const session = createSession({ url: server.url, hwid, format });
  for (let seq = 0; seq < frameCount; seq += 1) {
    await session.writeFrame(makePayload(codec, frameSampleCount, seq));
  }
  const { kind, unacknowledgedFrameCount } = await session.finish();
  assert.deepEqual([kind, unacknowledgedFrameCount], ["complete", 0], hwid);
  assert.equal(session.progress.reconnectCount, 0, hwid);
}

async function countRefusals(): Promise<number> {
  const metrics = await (await fetch(new URL("/metrics", server.url.replace("ws:", "http:")))).text();
  const rows = [...metrics.matchAll(/^eet_limit_refusals_total\{limit="[A-Z_]+"\} (\d+)$/gm)];
  assert.ok(rows.length > 0);
  return rows.reduce((sum, [, count]) => sum + Number(count), 0);
}

describe("192 kHz with 8 channels", () => {
  it("is taken faster than time in either codec, and in the largest frames, without meeting a limit [P-1.1]", async () => {
    // More than the 10 MiB that a device of any format may send at once.
    await stream("pcm", "pcm16", 3_840, 210);
    await stream("adpcm", "adpcm", 3_840, 420);
    await stream("pcm-largest", "pcm16", 65_535, 3);
    await stream("adpcm-largest", "adpcm", 65_534, 5);
    assert.equal(await countRefusals(), 0);
    assert.equal(await server.stop(), 0, server.errors);
    const received = join(folder.path, "data/received");
    assert.deepEqual(await findFaults(received), []);
    const stored = Map.groupBy(await readSegments(received), ({ sidecar }) => sidecar.hwid ?? "");
    for (const [hwid, frameSampleCount, frameCount] of [
      ["pcm", 3_840, 210],
      ["pcm-largest", 65_535, 3],
    ] as const) {
      const pcm = await joinWavs(stored.get(hwid) ?? []);
      const sent = Array.from({ length: frameCount }, (_, seq) => makePayload("pcm16", frameSampleCount, seq));
      assert.ok(pcm.equals(Buffer.concat(sent)), hwid);
    }
    for (const [hwid, frameSampleCount, frameCount] of [
      ["adpcm", 3_840, 420],
      ["adpcm-largest", 65_534, 5],
    ] as const) {
      const bins = await Promise.all((stored.get(hwid) ?? []).map(({ path }) => readFile(`${path}.bin`)));
      const frames = bins.flatMap((bin) => splitFrames(bin)).sort((a, b) => a.seq - b.seq);
      assert.equal(frames.length, frameCount, hwid);
      for (const [index, { seq, payload }] of frames.entries()) {
        assert.equal(seq, index, hwid);
        assert.ok(payload.equals(makePayload("adpcm", frameSampleCount, seq)), `${hwid} ${seq}`);
      }
    }
  });
});
