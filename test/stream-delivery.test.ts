import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { countUp, makeNumberedAudio, readNumberedSessions } from "./support/numbered-audio.ts";
import { findFaults, findLeftovers, readSegments } from "./support/recordings.ts";
import { runEet } from "./support/run-command.ts";
import { S3Stub } from "./support/s3-stub.ts";
import { ServerProcess } from "./support/server-process.ts";
import { StreamProcess } from "./support/stream-process.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const serverFlags = ["--rotate-s", "1", "--flush-ms", "100", "--ack-ms", "100"];
const rawFlags = ["--raw", "--codec", "pcm"];

let folder: TemporaryFolder;
let received: string;
const running: AsyncDisposable[] = [];

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  received = join(folder.path, "data/received");
});

afterEach(async () => {
  for (const one of running.splice(0)) await one[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** @param port - default: a free one */
async function startServer(port = 0, environment: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const flags = [...serverFlags, "--port", String(port)];
  const server = await ServerProcess.start({ folder: folder.path, flags, environment });
  running.push(server);
  return server;
}

function startStream(args: readonly string[]): StreamProcess {
  const stream = StreamProcess.start(args);
  running.push(stream);
  return stream;
}

/** Headerless audio of so many numbered frames. @returns its path */
async function writeAudio(frameCount: number): Promise<string> {
  const path = join(folder.path, "in.raw");
  await writeFile(path, makeNumberedAudio(0, frameCount));
  return path;
}

/** Stops the server and looks at what one device left: all frames once, in order, in one acknowledged session. */
async function checkRecording(server: ServerProcess, hwid: string, frameCount: number): Promise<void> {
  await server.recovered();
  assert.equal(await server.stop(), 0, server.errors);
  assert.deepEqual(await findFaults(received), []);
  assert.deepEqual(await findLeftovers(received), []);
  const sessions = await readNumberedSessions(received, hwid);
  assert.deepEqual(
    sessions.map(({ isAcked, numbers }) => ({ isAcked, numbers })),
    [{ isAcked: true, numbers: countUp(frameCount) }],
  );
}

describe("eet stream", () => {
  it("delivers with acknowledgements by default, with a device id or without [P-2.1]", async () => {
    const server = await startServer();
    const path = await writeAudio(500);
    for (const device of [
      ["--hwid", "kitchen"],
      ["--stream-id-base", "9"],
    ]) {
      const { exitCode, out, err } = await runEet([
        "stream",
        "--url",
        server.url,
        "--wav",
        path,
        ...rawFlags,
        ...device,
      ]);
      assert.equal(exitCode, 0, err);
      assert.match(
        out,
        /^1 of 1 streams complete: 500 frames, 160000 samples, 10\.00 s of audio in .* s, 10\.00 s durable\n$/,
      );
    }
    await checkRecording(server, "kitchen", 500);
    const segments = await readSegments(received);
    assert.deepEqual(
      new Set(segments.map(({ sidecar }) => [sidecar.acked, sidecar.close_reason].join())),
      new Set(["true,rotation", "true,session-ended"]),
    );
  });

  it("sends version 1 with --plain: nothing is acknowledged", async () => {
    const server = await startServer();
    const path = await writeAudio(50);
    const args = ["--plain", "--url", server.url, "--hwid", "kitchen", "--wav", path, ...rawFlags];
    const { exitCode, out, err } = await runEet(["stream", ...args]);
    assert.equal(exitCode, 0, err);
    assert.match(out, /^1 of 1 streams complete: 50 frames, 16000 samples, 1\.00 s of audio in \d+\.\d\d s\n$/);
    assert.equal(await server.stop(), 0, server.errors);
    const [session] = await readNumberedSessions(received, "kitchen");
    assert.deepEqual([session?.isAcked, session?.numbers], [false, countUp(50)]);
  });

  it("shows how far the object store has it while it goes on", async () => {
    const store = await S3Stub.start();
    try {
      const server = await startServer(0, {
        ...{ AWS_ENDPOINT_URL_S3: store.url, AWS_BUCKET: store.bucket, AWS_REGION: store.region },
        ...{ AWS_ACCESS_KEY_ID: "AKSTUB", AWS_SECRET_ACCESS_KEY: "SKSTUB" },
        ...{ S3_ENABLED: "true", S3_FORCEPATHSTYLE: "true" },
      });
      const stream = startStream(["--url", server.url, "--hwid", "kitchen", "--realtime", "--loop"]);
      const { uploadedS, durableS, audioS } = await stream.until(
        "a segment is uploaded",
        (record) => record.uploadedS !== null && record.uploadedS >= 1,
      );
      assert.ok(uploadedS !== null && durableS !== null && uploadedS <= durableS && durableS <= audioS);
      stream.signal("SIGINT");
      assert.equal(await stream.exited, 0, stream.errors);
      assert.equal(stream.last?.durableS, stream.last?.audioS);
      assert.equal(await server.stop(), 0, server.errors);
    } finally {
      await store.stop();
    }
  });

  for (const [how, end] of [
    ["stopped", (server: ServerProcess) => server.stop()],
    ["killed", (server: ServerProcess) => server.kill()],
  ] as const) {
    it(`goes on when the server is ${how} in the middle and started again: nothing lost, nothing twice [P-2.4] [P-2.7]`, async () => {
      const first = await startServer();
      const path = await writeAudio(250);
      const stream = startStream(["--url", first.url, "--hwid", "kitchen", "--realtime", "--wav", path, ...rawFlags]);
      await stream.until("something is durable", ({ durableS }) => durableS !== null && durableS > 0.5);
      await end(first);
      await stream.until(
        "the stream waits",
        ({ streams }) => streams[0]?.outage?.reason.includes("ECONNREFUSED") === true,
      );
      const second = await startServer(first.port);
      assert.equal(await stream.exited, 0, stream.errors);
      const { durableS, audioS, reconnectCount, complete } = stream.last ?? {};
      assert.deepEqual([durableS, audioS, reconnectCount, complete], [5, 5, 1, 1]);
      await checkRecording(second, "kitchen", 250);
      assert.deepEqual(second.problems, []);
    });
  }

  it("gives up after the time it is given, saying what is not acknowledged", async () => {
    const server = await startServer();
    const stream = startStream(["--url", server.url, "--realtime", "--loop", "--give-up-s", "1"]);
    await stream.until("something is durable", ({ durableS }) => durableS !== null && durableS > 0);
    await server.kill();
    assert.equal(await stream.exited, 1);
    assert.match(
      stream.errors,
      /stream 1: no connection came about in the time given: .*ECONNREFUSED.* \(\d+ frames had been sent, \d+ are not acknowledged\)\n$/,
    );
  });

  it("keeps audio in the spool when it is ended without a server, and delivers it in the next run", async () => {
    const away = await startServer();
    await away.kill();
    const path = await writeAudio(250);
    const spool = join(folder.path, "spool");
    const flags = ["--url", away.url, "--hwid", "kitchen", ...rawFlags, "--spool", spool];
    const offline = startStream([...flags, "--wav", path]);
    await offline.until("all of it is in the spool", (record) => record.spool?.audioS === 5);
    offline.signal("SIGINT");
    await offline.said("stopping: waits until everything is durable");
    offline.signal("SIGINT");
    assert.equal(await offline.exited, 130);
    assert.match(offline.errors, /ended at once: 5\.0 s \(250 frames\) stay in .*spool for the next run\n$/);

    const server = await startServer(away.port);
    const { exitCode, out, err } = await runEet(["stream", ...flags, "--wav", "-"], { input: Buffer.alloc(0) });
    assert.equal(exitCode, 0, err);
    assert.match(err, /^eet stream: note: earlier runs left 5\.0 s, they are sent as well\n/);
    assert.match(out, /^1 of 1 streams complete: 0 frames/);
    await checkRecording(server, "kitchen", 250);
  });

  it("delivers several streams from one spool, with what an earlier run of more streams left", async () => {
    const away = await startServer();
    await away.kill();
    const path = await writeAudio(100);
    const flags = [
      "--url",
      away.url,
      "--hwid",
      "mic",
      "--wav",
      path,
      ...rawFlags,
      "--spool",
      join(folder.path, "spool"),
    ];
    const failed = await runEet(["stream", ...flags, "--streams", "3", "--give-up-s", "1"]);
    assert.equal(failed.exitCode, 1);
    assert.match(
      failed.err,
      /stream 3 \(mic-3\): no connection came about .* 100 are not acknowledged and stay in the spool\)\n$/,
    );

    const server = await startServer(away.port);
    const { exitCode, out } = await runEet(["stream", ...flags, "--streams", "2", "--json"]);
    assert.equal(exitCode, 0, out);
    const { spool, durableS } = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "");
    assert.deepEqual([spool.frameCount, spool.earlierS, durableS], [0, 0, 4]);
    await server.recovered();
    assert.equal(await server.stop(), 0, server.errors);
    for (const [hwid, count] of [
      ["mic-1", 2],
      ["mic-2", 2],
      ["mic-3", 1],
    ] as const) {
      const sessions = await readNumberedSessions(received, hwid);
      assert.deepEqual(
        sessions.map(({ numbers }) => numbers),
        Array.from({ length: count }, () => countUp(100)),
        hwid,
      );
    }
  });

  it("refuses a spool that another process has", async () => {
    const away = await startServer();
    await away.kill();
    const flags = ["--url", away.url, "--spool", join(folder.path, "spool")];
    const first = startStream(flags);
    await first.until("it has the spool", ({ spool }) => spool !== null);
    const { exitCode, err } = await runEet(["stream", ...flags]);
    assert.equal(exitCode, 1);
    assert.match(
      err,
      /^eet stream: the spool .* is in use by pid \d+ on .*: end that process, or give this one a folder of its own\n$/,
    );
  });
});
