import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { startRecordingServer } from "../../../../../test/support/recording-server.ts";
import { AckServer } from "../../../../client/src/lib/ack-server.test-support.ts";
import { runEet } from "../command-harness.test-support.ts";

const note = "eet stream: note: the server does not acknowledge: frames are sent, what is delivered cannot be told\n";

async function makeDeadUrl(): Promise<string> {
  await using server = await AckServer.start();
  return server.url;
}

describe("eet stream", () => {
  it("falls back to version 1 when twice no welcome comes within 3 s, and says so once [P-2.1]", async () => {
    await using server = await startRecordingServer();
    const { exitCode, out, err } = await runEet(["stream", "--url", server.url, "--streams", "2"]);
    assert.equal(exitCode, 0);
    assert.deepEqual(
      err.split("\n").filter((line) => line.includes("note")),
      [note.trimEnd()],
    );
    assert.match(out, /^2 of 2 streams complete: 1000 frames, 320000 samples, 20\.00 s of audio in [\d.]+ s\n$/);
    assert.deepEqual(
      server.connections.map(({ subprotocols }) => subprotocols),
      [...Array(4).fill("eet.v1+ack,eet.v1"), "eet.v1", "eet.v1"],
    );
  });

  it("says of a server that selects no subprotocol that it does not acknowledge [P-2.1]", async () => {
    await using server = await startRecordingServer(
      () => {},
      () => false,
    );
    const { exitCode, out, err } = await runEet(["stream", "--url", server.url, "--json"]);
    assert.deepEqual([exitCode, err], [0, note]);
    const { streams, durableS, audioS } = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "");
    assert.deepEqual([streams[0].delivery, durableS, audioS], ["plain", null, 10]);
  });

  it("offers no subprotocol with --plain", async () => {
    await using server = await startRecordingServer();
    const { exitCode, err } = await runEet(["stream", "--plain", "--url", server.url]);
    assert.equal(exitCode, 0, err);
    assert.equal(server.connections[0]?.subprotocols, undefined);
  });

  it("fails at once when nothing listens, but tries on when it is told for how long", async () => {
    const url = await makeDeadUrl();
    const hasty = await runEet(["stream", "--url", url, "--streams", "25"]);
    assert.equal(hasty.exitCode, 1);
    const lines = hasty.err.trimEnd().split("\n");
    assert.equal(lines.length, 11);
    assert.match(lines[0] ?? "", /^eet stream: stream 1: no connection \(.*ECONNREFUSED.*\): check the URL/);
    const patient = await runEet(["stream", "--url", url, "--give-up-s", "1"]);
    assert.equal(patient.exitCode, 1);
    assert.match(
      patient.err,
      /stream 1: no connection came about in the time given: .*ECONNREFUSED.* \(0 frames had been sent, 500 are not acknowledged\)\n$/,
    );
  });

  it("never shows the token", async () => {
    await using server = await AckServer.start();
    server.refusesWith = 401;
    for (const args of [["--json"], [], ["--plain"]]) {
      const { exitCode, out, err } = await runEet(["stream", "--url", server.url, "--token", "s3cr3t", ...args]);
      assert.equal(exitCode, 1);
      assert.match(
        err,
        /status 401.*: give a valid token.*\n.*`eet token create --hwid ID`.*EET_TOKEN, or by --token\n$/,
      );
      assert.doesNotMatch(out + err, /s3cr3t/);
    }
  });

  it("shows in its table and its summary what is durable and how often it reconnected", async () => {
    await using server = await AckServer.start();
    const running = runEet(["stream", "--url", server.url, "--hwid", "mic", "--seconds", "1"], { isTty: true });
    const first = await server.next();
    await first.welcome();
    assert.equal((await first.toldAll(52)).at(-1), "FINI 50");
    first.ack(10);
    first.socket.terminate();
    const second = await server.next();
    await second.welcome({ isResumed: true, nextSeq: 10 });
    assert.equal((await second.toldAll(42)).at(-1), "FINI 50");
    second.ack(50);
    second.socket.close(1000);
    const { exitCode, out, err } = await running;
    assert.equal(exitCode, 0);
    assert.match(out, /1\.00 s of audio in .* s, 1\.00 s durable, 1 reconnect\n$/);
    const lines = stripVTControlCharacters(err).split("\n");
    assert.ok(
      lines.some((line) => /^1 +mic +complete +1\.0 +1\.0 +- +0\.0 +1$/.test(line)),
      err,
    );
    for (const line of lines) assert.ok(line.length <= 80, line);
  });

  it("stops reading when it is interrupted and waits until everything is durable", async () => {
    await using server = await AckServer.start();
    const interruption = new AbortController();
    const args = ["--url", server.url, "--realtime", "--loop", "--frame-ms", "1000"];
    const running = runEet(["stream", ...args], { interruption: interruption.signal });
    const peer = await server.next();
    await peer.welcome();
    await peer.toldAll(2);
    interruption.abort();
    assert.equal(await peer.told(), "FINI 1");
    peer.ack(1);
    peer.socket.close(1000);
    const { exitCode, err } = await running;
    assert.equal(exitCode, 0);
    assert.match(err, /eet stream: stopping: waits until everything is durable; Ctrl-C again ends at once\n/);
  });

  it("says what was not acknowledged when it is ended at once", async () => {
    await using server = await AckServer.start();
    const interruption = new AbortController();
    const abandonment = new AbortController();
    const signals = { interruption: interruption.signal, abandonment: abandonment.signal };
    const running = runEet(["stream", "--url", server.url], signals);
    const peer = await server.next();
    await peer.welcome();
    await peer.toldAll(502);
    peer.ack(100);
    abandonment.abort();
    peer.ack(500);
    peer.socket.close(1000);
    const { err } = await running;
    assert.match(err, /eet stream: ended at once: \d+\.\d s \(\d00 frames\) were not acknowledged\n/);
  });
});
