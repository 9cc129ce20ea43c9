import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { formatFrame, formatHandshake } from "@eet/protocol";
import { WebSocket } from "ws";
import { S3Stub } from "./support/s3-stub.ts";
import { ServerProcess } from "./support/server-process.ts";
import { allStored } from "./support/stored-recordings.ts";

const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const frameCount = 200;

/** 4 s in which no sample is that of another place. */
const samples = Int16Array.from({ length: frameCount * 320 }, (_, index) => index - 32_000);
const bytes = Buffer.from(samples.buffer);

/** Streams all of it but the frames of some seqs, as a device of version 1 does. */
async function send(url: string, lost: readonly number[]): Promise<void> {
  const socket = new WebSocket(`${url}/mic`);
  await once(socket, "open");
  socket.send(formatHandshake({ streamId: 5, format, timestampMs: 0n }));
  for (let seq = 0; seq < frameCount; seq++) {
    const payload = bytes.subarray(seq * 640, (seq + 1) * 640);
    if (!lost.includes(seq)) socket.send(formatFrame("pcm16", seq, payload));
  }
  socket.close(1000);
  await once(socket, "close");
}

describe("GET /api/v1/devices/{hwid}/audio", () => {
  let stub: S3Stub;
  let folder: string;
  let server: ServerProcess | undefined;

  beforeEach(async () => {
    stub = await S3Stub.start();
    folder = await mkdtemp(join(tmpdir(), "eet-export-"));
  });
  afterEach(async () => {
    await server?.kill();
    await stub.stop();
    await rm(folder, { recursive: true, maxRetries: 10, retryDelay: 100 });
  });

  async function startServer(settings: Record<string, string> = {}): Promise<ServerProcess> {
    const environment = {
      ...stub.environment,
      ...settings,
    };
    server = await ServerProcess.start({ folder, flags: ["--rotate-s", "1"], environment });
    return server;
  }

  async function get(path: string, headers: Record<string, string> = {}) {
    const response = await fetch(`http://127.0.0.1:${server?.port}/api/v1/devices/mic/${path}`, { headers });
    return { response, body: Buffer.from(await response.arrayBuffer()) };
  }

  /** All that a session gave, in each way. */
  async function assertExports(expected: Buffer): Promise<void> {
    // Sent faster than it lasts: the end lies ahead of the clock.
    const to = new Date(Date.now() + 60_000).toISOString();
    const { response, body } = await get(`audio?from=-1h&to=${to}&format=raw&gaps=list`);
    assert.equal(response.status, 200, body.toString());
    const present = Buffer.concat([expected.subarray(0, 6_400), expected.subarray(7_680)]);
    assert.ok(body.equals(present));
    assert.equal(response.headers.get("content-length"), String(present.length));
    const session = response.headers.get("eet-sessions") ?? "";
    const query = `session=${session}&from_sample=3000&to_sample=64000`;
    const wav = await get(`audio?${query}`);
    assert.ok(wav.body.subarray(44, 44 + 122_000).equals(expected.subarray(6_000)));
    const part = await get(`audio?${query}`, { range: "bytes=50001-99999" });
    assert.equal(part.response.status, 206);
    assert.ok(part.body.equals(wav.body.subarray(50_001, 100_000)));
    const peaks = JSON.parse(
      (await get(`peaks?session=${session}&from_sample=0&to_sample=64000&width=20`)).body.toString(),
    );
    assert.deepEqual(peaks.peaks[0].slice(0, 4), [-32_000, -28_801, -28_160, -25_601]);
    const picture = await get(`spectrogram?session=${session}&from_sample=0&to_sample=64000&width=20`);
    assert.equal(picture.response.headers.get("content-type"), "image/png");
    assert.equal(picture.body.subarray(1, 4).toString(), "PNG");
  }

  it("gives what was streamed, from local files and from the object store", async () => {
    const expected = Buffer.from(bytes).fill(0, 6_400, 7_680);
    const keeping = await startServer();
    await send(keeping.url, [10, 11]);
    await allStored(keeping);
    await assertExports(expected);
    assert.equal(await keeping.stop(), 0);
    const deleting = await startServer({ S3_DELETEAFTERUPLOAD: "true" });
    await deleting.line(({ msg, segments }) => msg.startsWith("evicted:") && segments === 4);
    const left = await readdir(join(folder, "data/received/mic"));
    assert.deepEqual(
      left.filter((name) => !name.endsWith(".json")),
      [],
    );
    await assertExports(expected);
  });
});
