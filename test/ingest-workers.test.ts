// A server whose devices are taken by processes of their own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { openFrameStream } from "@eet/client";
import { formatFrame, formatHandshake, type StreamFormat } from "@eet/protocol";
import { openTokenBook, silentLog, systemClock } from "@eet/server";
import { WebSocket } from "ws";
import { AckFleet } from "./support/ack-fleet.ts";
import { Authority, writeServerFiles } from "./support/certificates.ts";
import { checkDelivery } from "./support/delivery-checker.ts";
import { DeviceFleet, fleetPayload } from "./support/device-fleet.ts";
import { isRunning, killWorker, workerPids } from "./support/ingest-workers.ts";
import { LiveViewer } from "./support/live-viewer.ts";
import { OpenServer } from "./support/open-server.ts";
import { findFaults, findLeftovers, readSegments, splitFrames } from "./support/recordings.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";
import { makeTone, pcmPayloads } from "./support/tone.ts";

const format: StreamFormat = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 };
const handshake = formatHandshake({ streamId: 7, format, timestampMs: 0n });
const twoWorkers = ["--ingest-workers", "2", "--finish-workers", "1", "--flush-ms", "100", "--ack-ms", "50"];
const short = [...twoWorkers, "--rotate-s", "1"];

/** Frames by device, which must be those that it sent, from the first on. */
async function countFrames(received: string, hwids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  assert.deepEqual(await findLeftovers(received), []);
  assert.deepEqual(await findFaults(received), []);
  const counts = new Map<string, number>();
  for (const hwid of hwids) {
    let count = 0;
    for (const { path } of await readSegments(join(received, hwid))) {
      for (const { seq, payload } of splitFrames(await readFile(`${path}.bin`))) {
        assert.equal(seq, count, `${path}: in order, each once`);
        assert.ok(payload.equals(fleetPayload(hwid, seq)), `${path}: payload of seq ${seq}`);
        count += 1;
      }
    }
    counts.set(hwid, count);
  }
  return counts;
}

async function readMetrics(port: number): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

/** A WebSocket frame as a client sends it, with a mask of zeros. */
function clientFrame(message: Uint8Array): Buffer {
  const head = Buffer.from([0x82, 0xfe, message.byteLength >> 8, message.byteLength & 255, 0, 0, 0, 0]);
  return Buffer.concat([head, message]);
}

describe("a server with ingest workers", () => {
  it("records plain streams in them, and stops with every frame that it took in a closed segment [P-1.9]", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path, flags: short });
    assert.equal(workerPids(server).length, 2);
    await using fleet = await DeviceFleet.open(server.url, "mic", 12);
    await fleet.ticked(75);
    const metrics = await readMetrics(server.port);
    assert.equal(metrics.get("eet_connections"), 12);
    assert.equal(metrics.get('eet_limit_used{limit="CONNECTION_LIMIT"}'), 12);
    for (const worker of [0, 1]) {
      assert.ok((metrics.get(`eet_ingest_worker_resident_memory_bytes{worker="${worker}"}`) ?? 0) > 2 ** 24);
      assert.ok((metrics.get(`eet_ingest_worker_cpu_seconds_total{worker="${worker}"}`) ?? 0) > 0);
    }
    // What is handed over is not here any more.
    assert.ok((metrics.get('eet_limit_used{limit="SOCKET_LIMIT"}') ?? 12) < 12);
    assert.equal(await server.stop(), 0, server.errors);
    const endings = await fleet.ended();
    assert.deepEqual(new Set(endings.map(({ kind }) => kind)), new Set(["dropped"]));
    const ends = server.lines.filter(({ msg }) => msg === "connection ended");
    const taken = new Map(ends.map((line) => [line["hwid"], line["frameCount"]]));
    assert.deepEqual(await countFrames(`${folder.path}/data/received`, fleet.hwids), taken);
    assert.deepEqual(new Set(ends.map((line) => line["code"])), new Set(["SHUTTING_DOWN"]));
    assert.equal(server.problems.length, ends.length, "no other warnings in the log");
    assert.equal(server.errors, "");
  });

  it("loses no byte that comes behind the upgrade request, wherever it is cut", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path, flags: twoWorkers });
    const frames = Array.from({ length: 40 }, (_, seq) => clientFrame(formatFrame("pcm16", seq, new Uint8Array(640))));
    const close = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);
    const behind = Buffer.concat([clientFrame(handshake), ...frames, close]);
    for (const cut of [0, 1, 7, 1_000, behind.length]) {
      const hwid = `early-${cut}`;
      const request = [
        `GET /ws/${hwid} HTTP/1.1`,
        ...["Host: x", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
        ...["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""],
      ].join("\r\n");
      const socket = connect(server.port, "127.0.0.1");
      socket.setNoDelay(true);
      socket.write(Buffer.concat([Buffer.from(request), behind.subarray(0, cut)]));
      socket.write(behind.subarray(cut));
      socket.resume();
      const ended = await server.line((line) => line.msg === "connection ended" && line["hwid"] === hwid);
      assert.deepEqual([ended["code"], ended["frameCount"]], ["CLIENT_CLOSED", 40]);
      socket.destroy();
    }
  });

  it("resumes the sessions of devices that come back [P-2.4]", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path, flags: short });
    using fleet = new AckFleet({ name: "cut", deviceCount: 8, seed: 1, habits: { cut: 0.01, skip: 0.001 } });
    fleet.aim(server.url);
    await fleet.until("30 sessions were resumed", () => fleet.sum("resumed") >= 30);
    await fleet.finish();
    assert.deepEqual([fleet.faults, fleet.forgotten, fleet.sum("unknown")], [[], [], 0]);
    assert.equal(await server.stop(), 0, server.errors);
    const findings = await checkDelivery(fleet.devices, {
      received: `${folder.path}/data/received`,
      isClosed: true,
    });
    assert.deepEqual(findings.faults, []);
  });

  it("starts a worker again that is killed: nothing acknowledged is lost, nothing is there twice [P-2.6]", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path, flags: short });
    using fleet = new AckFleet({ name: "kept", deviceCount: 8, seed: 2 });
    fleet.aim(server.url);
    const areStreaming = () => fleet.devices.every(({ isStreaming }) => isStreaming);
    for (const place of [0, 1]) {
      await fleet.until("all stream", areStreaming);
      await fleet.caughtUp();
      await killWorker(server, place);
    }
    await fleet.until("all stream again", areStreaming);
    await fleet.caughtUp();
    const metrics = await readMetrics(server.port);
    assert.equal(metrics.get("eet_ingest_worker_crashes_total"), 2);
    assert.equal(metrics.get('eet_ingest_workers{state="running"}'), 2);
    assert.equal(metrics.get("eet_connections"), 8);
    await fleet.finish();
    assert.deepEqual([fleet.faults, fleet.forgotten], [[], []]);
    assert.equal(await server.stop(), 0, server.errors);
    const received = `${folder.path}/data/received`;
    assert.deepEqual((await checkDelivery(fleet.devices, { received, isClosed: true })).faults, []);
    assert.deepEqual(await findLeftovers(received), []);
    for (const { madeNext, oldestSeq, hwid } of fleet.devices)
      assert.equal(oldestSeq, madeNext, `${hwid} delivered all`);
  });

  it("refuses the devices of a worker that is being started again, and is degraded meanwhile", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({
      folder: folder.path,
      flags: ["--ingest-workers", "1", "--flush-ms", "100"],
    });
    await using fleet = await DeviceFleet.open(server.url, "mic", 1);
    await fleet.ticked(75);
    const health = async () => (await (await fetch(`http://127.0.0.1:${server.port}/healthz`)).json()) as object;
    const isUp = killWorker(server, 0);
    await server.line(({ msg }) => msg.startsWith("an ingest worker ended"));
    const refused = new WebSocket(`${server.url}/mic-0`);
    refused.on("error", () => {});
    const [[, { statusCode }], down] = await Promise.all([once(refused, "unexpected-response"), health()]);
    assert.deepEqual([statusCode, down], [503, { ...down, status: "degraded", connections: 0, sessions: 0 }]);
    await isUp;
    assert.equal(Object.entries(await health()).find(([name]) => name === "status")?.[1], "ok");
    // A plain session cannot go on: it ends where it was last heard.
    await server.line(({ msg }) => msg === "sessions that were left open have ended");
  });

  it("replaces a worker that hangs, and nothing acknowledged is lost [P-2.6]", async () => {
    await using folder = await makeTemporaryFolder();
    const flags = { "ingest-workers": "2", "flush-ms": "100", "ack-ms": "50", "rotate-s": "1" };
    await using server = await OpenServer.open(folder.path, flags, undefined, {}, { maxWorkerSilenceMs: 3_000 });
    using fleet = new AckFleet({ name: "stuck", deviceCount: 8, seed: 4 });
    fleet.aim(server.url);
    const areStreaming = () => fleet.devices.every(({ isStreaming }) => isStreaming);
    await fleet.until("all stream", areStreaming);
    await fleet.caughtUp();
    const [pid = 0] = workerPids(server);
    process.kill(pid, "SIGSTOP");
    await server.line("an ingest worker has stopped working, nothing was heard of it: it is killed");
    await server.until("another takes its place", () => workerPids(server)[0] !== pid);
    assert.equal(isRunning(pid), false);
    await fleet.until("all stream again", areStreaming);
    await fleet.caughtUp();
    await fleet.finish();
    assert.deepEqual([fleet.faults, fleet.forgotten], [[], []]);
    const hung = server.lines.filter(({ msg }) => msg.startsWith("an ingest worker has stopped working"));
    assert.deepEqual(
      hung.map((line) => [line["worker"], line["pid"]]),
      [[0, pid]],
    );
    await server.close();
    const received = `${folder.path}/data/received`;
    assert.deepEqual((await checkDelivery(fleet.devices, { received, isClosed: true })).faults, []);
  });

  it("takes its workers along when it is killed, and the next server takes up what they left", async () => {
    await using folder = await makeTemporaryFolder();
    using fleet = new AckFleet({ name: "orphan", deviceCount: 4, seed: 3 });
    const first = await ServerProcess.start({ folder: folder.path, flags: short });
    fleet.aim(first.url);
    await fleet.until("all stream", () => fleet.devices.every(({ isStreaming }) => isStreaming));
    await fleet.caughtUp();
    fleet.aim(undefined);
    await first.kill();
    await using second = await ServerProcess.start({ folder: folder.path, flags: short });
    assert.deepEqual(workerPids(first).filter(isRunning), []);
    fleet.aim(second.url);
    await fleet.finish();
    assert.deepEqual([fleet.faults, fleet.forgotten], [[], []]);
    await second.recovered();
    assert.equal(await second.stop(), 0, second.errors);
    const received = `${folder.path}/data/received`;
    assert.deepEqual((await checkDelivery(fleet.devices, { received, isClosed: true })).faults, []);
  });

  it("waits with its workers for its own stop when a terminal signals to all of them", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path, flags: short });
    await using fleet = await DeviceFleet.open(server.url, "tty", 4);
    await fleet.ticked(20);
    for (const pid of workerPids(server)) process.kill(pid, "SIGINT");
    server.signal("SIGINT");
    assert.equal(await server.exited, 0, server.errors);
    await fleet.ended();
    const counts = await countFrames(`${folder.path}/data/received`, fleet.hwids);
    assert.ok([...counts.values()].every((count) => count > 0));
  });

  it("ends well when a terminal signals to all of them while it begins", async () => {
    await using folder = await makeTemporaryFolder();
    const cli = fileURLToPath(new URL("../packages/cli/src/main.ts", import.meta.url));
    const server = spawn(process.execPath, [cli, "serve", "--port", "0", "--ingest-workers", "1"], {
      ...{ cwd: folder.path, env: { PATH: process.env["PATH"], HOME: folder.path } },
      // A process group of its own, as a terminal makes one for each command.
      ...{ detached: true, stdio: ["ignore", "pipe", "inherit"] },
    });
    assert.ok(server.stdout !== null && server.pid !== undefined);
    await once(server.stdout, "data");
    process.kill(-server.pid, "SIGINT");
    server.stdout.resume();
    assert.deepEqual(await once(server, "close"), [0, null]);
  });

  it("counts connections over all of them, and lets others in when one has ended [P-2.8]", async () => {
    await using folder = await makeTemporaryFolder();
    const limits = { "max-connections": "4", "max-connections-per-device": "2" };
    await using server = await OpenServer.open(folder.path, { "ingest-workers": "2", ...limits });
    const sockets: WebSocket[] = [];
    const statusOf = async (hwid: string) => {
      const socket = new WebSocket(`${server.url}/${hwid}`);
      sockets.push(socket);
      socket.on("error", () => {});
      const answered = once(socket, "unexpected-response").then(([, { statusCode }]) => statusCode);
      return await Promise.race([once(socket, "open").then(() => 101), answered]);
    };
    for (const hwid of ["a", "a", "b"]) assert.equal(await statusOf(hwid), 101);
    assert.equal(await statusOf("a"), 429);
    assert.equal(await statusOf("c"), 101);
    assert.equal(await statusOf("d"), 503);
    sockets[0]?.close();
    await server.ended("a", "CLIENT_CLOSED");
    // The end is told behind the line.
    await fetch(`http://127.0.0.1:${server.port}/healthz`);
    assert.equal(await statusOf("a"), 101);
    for (const socket of sockets) socket.terminate();
  });

  it("ends connections within a second of their token's revocation [P-3.1]", async () => {
    await using folder = await makeTemporaryFolder();
    using book = openTokenBookOf(folder.path);
    const made = book.book.create({ kind: "device", name: "", hwidPattern: "*" });
    await using server = await OpenServer.open(folder.path, { "ingest-workers": "2" });
    await server.line("tokens are asked for");
    const headers = { authorization: `Bearer ${made.secret}` };
    const open = async (hwid: string, protocols: string[]) => {
      const socket = new WebSocket(`${server.url}/${hwid}`, protocols, { headers });
      await once(socket, "open");
      socket.send(handshake);
      return { closed: once(socket, "close") as Promise<[number]> };
    };
    const opened = [await open("a", []), await open("b", ["eet.v1+ack"])];
    const startMs = performance.now();
    const [token] = book.book.list();
    book.book.revoke(token?.id ?? "");
    const codes = (await Promise.all(opened.map(({ closed }) => closed))).map(([code]) => code);
    assert.ok(performance.now() - startMs < 1_000, `it took ${performance.now() - startMs} ms`);
    assert.deepEqual(codes, [1006, 4401]);
  });

  it("shows a device's frames to those who look on, also behind a worker's end", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path, flags: twoWorkers });
    await using viewer = await LiveViewer.open(server.port);
    await viewer.request({ type: "listen", id: 1, hwid: "mic" });
    const payloads = pcmPayloads(makeTone(440, 16_000, 3_200, 0.5), 320);
    const play = async (sampleCount: number) => {
      const device = await openFrameStream({ url: server.url, hwid: "mic", streamId: 0, format, timestampMs: 0 });
      for (const payload of payloads) await device.send(payload);
      await viewer.until("all is heard", () => viewer.heardCount >= sampleCount);
      await device.close();
    };
    await play(3_200);
    for (const place of [0, 1]) await killWorker(server, place);
    await play(6_400);
  });

  it("takes devices itself where TLS is spoken, and says why where workers are wanted", async () => {
    await using folder = await makeTemporaryFolder();
    const authority = await Authority.make("authority");
    const tls = await writeServerFiles(folder.path, await authority.server());
    for (const [wanted, lineCount] of [
      ["2", 1],
      ["auto", 0],
    ] as const) {
      const more = { automaticWorkers: 2 };
      await using server = await OpenServer.open(
        folder.path,
        { "ingest-workers": wanted, ...tls },
        undefined,
        {},
        more,
      );
      const why = server.lines.filter(({ msg }) => msg.startsWith("no ingest workers: connections by TLS"));
      assert.equal(why.length, lineCount, wanted);
      assert.deepEqual(workerPids(server), []);
    }
  });

  it("has as many of them as it is given where the settings leave it to the machine, by itself none", async () => {
    await using folder = await makeTemporaryFolder();
    for (const automaticWorkers of [undefined, 0, 2]) {
      const more = automaticWorkers === undefined ? {} : { automaticWorkers };
      await using server = await OpenServer.open(folder.path, {}, undefined, {}, more);
      assert.equal(workerPids(server).length, automaticWorkers ?? 0);
    }
  });
});

function openTokenBookOf(folder: string) {
  const book = openTokenBook(join(folder, "data"), { clock: systemClock, log: silentLog });
  return { book, [Symbol.dispose]: () => book.close() };
}
