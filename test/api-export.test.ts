import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, get, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { ApiServer } from "./support/api-server.ts";
import { Conditions } from "./support/conditions.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const startMs = Date.UTC(2026, 2, 1, 12);
const maxExportCount = 16;
const maxReaderIdleMs = 1_000;
/** More than all buffers between two sockets hold: a day, of which little is recorded. */
const dayPath = "/api/v1/devices/kitchen/audio?from=2026-03-01T12:00:00Z&to=2026-03-02T12:00:00Z&format=raw";
const secondPath = "/api/v1/devices/kitchen/audio?from=2026-03-01T12:00:00Z&to=2026-03-01T12:00:01Z&format=raw";

let folder: TemporaryFolder;
let server: ApiServer;
const lines: Readonly<Record<string, unknown>>[] = [];
const conditions = new Conditions(() => `${lines.length} lines were logged`);

before(async () => {
  folder = await makeTemporaryFolder();
  const note = (fields: Readonly<Record<string, unknown>>, msg: string) => {
    lines.push({ ...fields, msg });
    conditions.check();
  };
  const log = { debug: note, info: note, warn: note, error: note };
  server = await ApiServer.open(folder.path, {}, {}, { maxReaderIdleMs, log });
  await server.record({ hwid: "kitchen", startMs, frameCount: 100 });
});
after(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** Reads no more than the head. */
async function beginExport(): Promise<ClientRequest> {
  const request = get(`${server.url}${dayPath}`);
  request.on("error", () => {});
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.on("error", () => {});
  assert.equal(response.statusCode, 200);
  return request;
}

/** A socket that asks, and never reads. @returns what resolves when the server has cut it off */
async function beginStalling(path: string): Promise<{ readonly socket: Socket; readonly ended: Promise<unknown> }> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.pause();
  await once(socket, "connect");
  const ended = once(socket, "error");
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  return { socket, ended };
}

/** Asks until there is a place, 10 s at most. */
async function exportSecond(): Promise<Response> {
  let answer = await server.fetch(secondPath);
  for (const endMs = Date.now() + 10_000; answer.status === 503 && Date.now() < endMs; ) {
    await answer.arrayBuffer();
    answer = await server.fetch(secondPath);
  }
  return answer;
}

async function metric(name: string): Promise<number> {
  const text = await (await server.fetch("/metrics")).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
}

const isCutOff = (line: Readonly<Record<string, unknown>>) =>
  line["msg"] === "a client that takes nothing of its answer is cut off";

describe("GET /api/v1/devices/{hwid}/audio", () => {
  it("bounds how many exports run at once, and frees the place of a client that goes away", async () => {
    const exports: ClientRequest[] = [];
    for (let count = 0; count < maxExportCount; count += 1) exports.push(await beginExport());
    const refused = await server.fetch(secondPath);
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "5"]);
    assert.equal(JSON.parse(await refused.text()).code, "EXPORT_LIMIT");
    assert.equal(await metric("eet_exports"), maxExportCount);
    for (const request of exports) request.destroy();
    const answer = await exportSecond();
    assert.equal(answer.status, 200);
    assert.equal((await answer.arrayBuffer()).byteLength, 32_000);
  });

  it("cuts off clients that take nothing, logs and counts them, and gives their places to others", async () => {
    const before = await metric("eet_stalled_readers_total");
    const cutOffBefore = lines.filter(isCutOff).length;
    const stalled = await Promise.all(Array.from({ length: maxExportCount }, () => beginStalling(dayPath)));
    await conditions.until(
      "all that stall are cut off",
      () => lines.filter(isCutOff).length === cutOffBefore + maxExportCount,
    );
    const line = lines.findLast(isCutOff) ?? {};
    assert.equal(line["path"], "/api/v1/devices/kitchen/audio");
    assert.ok(Number(line["waitingBytes"]) > 0);
    assert.equal(await metric("eet_stalled_readers_total"), before + maxExportCount);
    assert.equal((await exportSecond()).status, 200);
    assert.equal(await metric("eet_exports"), 0);
    for (const { socket } of stalled) socket.resume();
    await Promise.all(stalled.map(({ ended }) => ended));
  });

  it("lets one go on that reads slowly but steadily", async () => {
    const before = lines.filter(isCutOff).length;
    const { socket } = await beginStalling(dayPath);
    let takenBytes = 0;
    for (const endMs = Date.now() + 4 * maxReaderIdleMs; Date.now() < endMs; ) {
      takenBytes += socket.read(Math.min(socket.readableLength, 1024 * 1024))?.length ?? 0;
      socket.read(0);
      await pause(50);
    }
    assert.ok(takenBytes > 1024 * 1024);
    assert.equal(lines.filter(isCutOff).length, before);
    assert.ok(!socket.destroyed);
    socket.destroy();
  });
});
