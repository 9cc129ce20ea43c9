import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { formatFrame, formatHandshake } from "@eet/protocol";
import fc from "fast-check";
import WebSocket from "ws";
import { faultRounds, faultSeed } from "./support/fault-seed.ts";
import { parseRawAnswer, rawRequest, sendRaw } from "./support/raw-requests.ts";
import { findFaults, readSegments, splitFrames } from "./support/recordings.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const requestCount = faultRounds(300);
/** Requests on the way at once; each batch is followed by frames of the honest device. */
const batchLength = 30;
const framesPerBatch = 10;
/** What docs/errors.md and the OpenAPI document have, and the upgrade to WebSocket. */
const documented: ReadonlySet<number> = new Set([
  ...[101, 200, 201, 204, 206, 304],
  ...[400, 403, 404, 405, 408, 409, 413, 415, 416, 421, 426, 431, 503],
]);
const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const payloadOf = (seq: number) => new Uint8Array(640).fill(seq & 127);
const errorLevel = 50;

/** What is wrong with the answer to a request; `undefined`: nothing. */
function findFault(text: string): string | undefined {
  const answer = parseRawAnswer(text);
  // Dropping the line is an answer to what is no HTTP.
  if (answer === undefined) return undefined;
  const { status, type, body } = answer;
  if (!documented.has(status)) return `the status ${status} is not documented: ${text.slice(0, 300)}`;
  if (status < 400 || body === "") return undefined;
  if (type !== "application/problem+json" && status !== 503) return `${status} comes as ${type}: ${body.slice(0, 300)}`;
  return /"code":"[A-Z_]+"/.test(body) || status === 503 ? undefined : `${status} names no code: ${body.slice(0, 300)}`;
}

describe("whatever comes over a socket", () => {
  it("is answered as documented, while an honest device loses nothing", async (t) => {
    t.diagnostic(`FAULT_SEED=${faultSeed}`);
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path, flags: ["--rotate-s", "1"] });
    const device = new WebSocket(`${server.url}/honest`, { perMessageDeflate: false });
    await once(device, "open");
    device.send(formatHandshake({ streamId: 1, format, timestampMs: 0n }));
    let seq = 0;
    const send = (frameCount: number) => {
      for (const end = seq + frameCount; seq < end; seq += 1) device.send(formatFrame("pcm16", seq, payloadOf(seq)));
    };
    // Something to ask for.
    send(120);
    await server.line((line) => line.msg === "segment closed");

    const requests = fc.sample(rawRequest, { numRuns: requestCount, seed: faultSeed });
    const statuses = new Map<number, number>();
    for (let at = 0; at < requests.length; at += batchLength) {
      const batch = requests.slice(at, at + batchLength);
      const answers = await Promise.all(batch.map((text) => sendRaw(server.port, text)));
      for (const [index, text] of answers.entries()) {
        assert.equal(findFault(text), undefined, `to ${JSON.stringify(batch[index]?.slice(0, 600))}`);
        const status = parseRawAnswer(text)?.status ?? 0;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      send(framesPerBatch);
    }
    t.diagnostic(`answers: ${[...statuses].map(([status, count]) => `${count} x ${status}`).join(", ")}`);
    for (const status of [400, 405]) assert.ok(statuses.has(status), `${status} came`);
    const sound = await sendRaw(server.port, "GET /api/v1/devices/honest HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert.equal(parseRawAnswer(sound)?.status, 200);

    device.close(1000);
    assert.equal((await once(device, "close"))[0], 1000);
    assert.equal(await server.stop(), 0, server.errors);
    assert.deepEqual(
      server.problems.filter((line) => Number(line["level"]) >= errorLevel),
      [],
    );
    const received = `${folder.path}/data/received`;
    assert.deepEqual(await findFaults(received), []);
    const honest = (await readSegments(received)).filter(({ sidecar }) => sidecar.hwid === "honest");
    const files = await Promise.all(honest.map(({ path }) => readFile(`${path}.bin`)));
    const frames = files.flatMap((file) => splitFrames(file));
    assert.deepEqual(
      frames.map((frame) => frame.seq),
      Array.from({ length: seq }, (_, index) => index),
    );
    assert.ok(frames.every((frame) => frame.payload.equals(payloadOf(frame.seq))));
  });
});
