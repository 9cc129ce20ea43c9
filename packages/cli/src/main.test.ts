import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { type RecordedConnection, startRecordingServer } from "../../../test/support/recording-server.ts";
import { AckServer } from "../../client/src/lib/ack-server.test-support.ts";
import { makeSweep, makeWav } from "./lib/stream/wav-bytes.test-support.ts";

const mainPath = fileURLToPath(new URL("main.ts", import.meta.url));
const needsProc = process.platform === "linux" ? false : "reads /proc";

function receivedPcm({ payloads }: RecordedConnection): Int16Array {
  return new Int16Array(Uint8Array.from(Buffer.concat(payloads)).buffer);
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Starts the real command. */
function spawnEet(t: TestContext, args: readonly string[]): Child {
  const child = spawn(process.execPath, [mainPath, "stream", ...args], { stdio: "pipe" });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

async function outcomeOf(child: Child) {
  const [[exitCode], out, err] = await Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]);
  return { exitCode, out, err };
}

/** Memory that the command has in use once an amount that it tells of itself has not grown for a second. */
async function rssOnceFull(child: Child, amountOf: (record: Readonly<Record<string, number>>) => number | undefined) {
  let amount = 0;
  for await (const line of createInterface(child.stdout)) {
    const next = amountOf(JSON.parse(line)) ?? 0;
    if (next > 0 && next === amount) break;
    amount = next;
  }
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]);
}

describe("main of eet", () => {
  it("does not outgrow its memory when the server does not read", { skip: needsProc }, async (t) => {
    await using server = await startRecordingServer((socket) => socket.once("message", () => socket.pause()));
    const child = spawnEet(t, ["--plain", "--url", server.url, "--loop", "--codec", "pcm", "--json", "--streams", "4"]);
    const rssKib = await rssOnceFull(child, ({ frameCount }) => frameCount);
    assert.ok(rssKib < 256 * 1024, `${rssKib} KiB`);
  });

  it("does not outgrow its memory when the server does not acknowledge what it reads", {
    skip: needsProc,
  }, async (t) => {
    await using server = await AckServer.start();
    const child = spawnEet(t, ["--url", server.url, "--loop", "--codec", "pcm", "--json", "--streams", "4"]);
    for (let count = 0; count < 4; count += 1) {
      const peer = await server.next();
      await peer.welcome();
    }
    const rssKib = await rssOnceFull(child, ({ bufferedBytes }) => bufferedBytes);
    assert.ok(rssKib < 256 * 1024, `${rssKib} KiB`);
  });

  it("streams what another program pipes into the real command", async (t) => {
    const samples = makeSweep(16_000);
    await using server = await startRecordingServer();
    const child = spawnEet(t, ["--plain", "--wav", "-", "--codec", "pcm", "--url", server.url]);
    child.stdin.end(makeWav(samples, { claimedDataBytes: 0x7fff_fff0 }));
    const { exitCode, err } = await outcomeOf(child);
    assert.equal(exitCode, 0, err);
    assert.deepEqual(receivedPcm(server.connections[0]!), samples);
  });

  it("streams headerless samples as they are described", async (t) => {
    const samples = makeSweep(4001);
    await using server = await startRecordingServer();
    const flags = ["--plain", "--raw", "--rate", "8000", "--channels", "2", "--codec", "pcm"];
    const child = spawnEet(t, ["--wav", "-", ...flags, "--url", server.url]);
    child.stdin.end(Buffer.from(samples.buffer));
    assert.equal((await outcomeOf(child)).exitCode, 0);
    const connection = server.connections[0]!;
    assert.deepEqual([connection.handshake.format.sampleRateHz, connection.handshake.format.channels], [8000, 2]);
    // The last sample has no partner in the other channel.
    assert.deepEqual(receivedPcm(connection), samples.subarray(0, 4000));
  });

  it("ends a live stream cleanly on SIGINT, with success", async (t) => {
    const gotAudio = Promise.withResolvers<void>();
    await using server = await startRecordingServer((socket) => {
      socket.once("message", () => socket.once("message", () => gotAudio.resolve()));
    });
    const child = spawnEet(t, ["--plain", "--wav", "-", "--raw", "--url", server.url]);
    child.stdin.write(new Uint8Array(6400));
    await gotAudio.promise;
    child.kill("SIGINT");
    const { exitCode, out } = await outcomeOf(child);
    assert.equal(exitCode, 0);
    assert.match(out, /^1 of 1 streams complete: 10 frames/);
    assert.equal(await server.connections[0]!.closed, 1000);
  });

  it("waits on SIGINT until everything is durable, saying so, and ends at once on the second", async (t) => {
    await using server = await AckServer.start();
    const child = spawnEet(t, ["--wav", "-", "--raw", "--url", server.url]);
    child.stdin.write(new Uint8Array(6400));
    const peer = await server.next();
    await peer.welcome();
    assert.deepEqual((await peer.toldAll(11)).at(-1), "frame 9");
    peer.ack(4);
    child.kill("SIGINT");
    assert.equal(await peer.told(), "FINI 10");
    child.kill("SIGINT");
    const { exitCode, err } = await outcomeOf(child);
    assert.equal(exitCode, 130);
    assert.match(err, /stopping: waits until everything is durable; Ctrl-C again ends at once\n/);
    assert.match(err, /ended at once: 0\.1 s \(6 frames\) were not acknowledged\n$/);
  });

  it("does not wait for standard input to end when the server cannot be reached", async (t) => {
    const server = await startRecordingServer();
    await server[Symbol.asyncDispose]();
    const child = spawnEet(t, ["--wav", "-", "--raw", "--url", server.url]);
    assert.equal((await outcomeOf(child)).exitCode, 1);
  });
});
