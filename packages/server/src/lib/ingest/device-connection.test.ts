import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits, parseServerMessage, type ServerMessage } from "@eet/protocol";
import { LimitError, StorageError } from "../kernel/errors.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { AckIntervals } from "./ack-intervals.ts";
import { type ConnectionPeer, DeviceConnection } from "./device-connection.ts";
import { adpcmFormat, FakeClock, handshakeOf, pcmFormat, pcmFrame } from "./endpoint.test-support.ts";
import { type FakeIntake, FakeSink } from "./fake-sink.test-support.ts";
import { maxPauseMs } from "./frame-channel.ts";

/** A connection whose port writes down what it is asked. */
class Bench {
  readonly asked: string[] = [];
  readonly sink = new FakeSink();
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly ackIntervals = new AckIntervals(this.clock, { ackIntervalMs: 1_000, flushIntervalMs: 1_000 });
  readonly ackIntervalMs = 1_000;
  readonly hasUploads = false;
  readonly sent: ServerMessage[] = [];
  readonly connection: DeviceConnection;

  constructor(peer: Partial<ConnectionPeer> = {}) {
    const ask = (what: string) => () => void this.asked.push(what);
    const port = {
      send: (message: Uint8Array) => {
        const parsed = parseServerMessage(message);
        if (parsed !== undefined) this.sent.push(parsed);
        return true;
      },
      close: (code: number, reason: string) => void this.asked.push(`close ${code} ${reason}`),
      drop: ask("drop"),
      pause: ask("pause"),
      resume: ask("resume"),
      ping: ask("ping"),
    };
    const usual = { connectionId: 1, hwid: null, adpcmLayout: undefined, subprotocol: "", remote: "10.0.0.7:5000" };
    this.connection = new DeviceConnection(port, { ...usual, ...peer }, this);
  }

  send(...messages: readonly Uint8Array[]): void {
    for (const message of messages) this.connection.onMessage(message, true);
  }

  passMs(ms: number, bytesRead = 0): void {
    this.clock.nowMs += ms;
    this.connection.onSweep(bytesRead);
  }

  get intake(): FakeIntake {
    return this.sink.sessions[0]!;
  }
}

function streaming(): Bench {
  const bench = new Bench();
  bench.send(handshakeOf(), pcmFrame(0));
  return bench;
}

/** A connection that waits for room since its second frame. */
function paused(): Bench {
  const bench = streaming();
  bench.sink.hasRoom = false;
  bench.send(pcmFrame(1));
  return bench;
}

describe("DeviceConnection", () => {
  it("opens a session with what handshake and URL say [P-1.1]", () => {
    const bench = new Bench({ connectionId: 5 });
    bench.send(handshakeOf(adpcmFormat));
    assert.deepEqual(bench.intake.request, {
      hwid: null,
      streamId: 7,
      format: adpcmFormat,
      deviceMs: 1_700_000_000_000,
      connectionId: 5,
    });
  });

  it("hands over each frame with seq and sample count [P-1.2]", () => {
    const bench = streaming();
    bench.send(pcmFrame(9, 40));
    assert.deepEqual(bench.intake.frames, [
      { message: pcmFrame(0), seq: 0, sampleCount: 320 },
      { message: pcmFrame(9, 40), seq: 9, sampleCount: 20 },
    ]);
    assert.deepEqual(bench.asked, []);
  });

  it("goes by the configured layout of multichannel ADPCM [P-1.7]", () => {
    const bench = new Bench({ adpcmLayout: "ms4" });
    bench.send(handshakeOf({ ...adpcmFormat, channels: 8 }));
    const message = new Uint8Array(12 + 32 + 1280);
    message.set([0x46, 0x50, 0x44, 0x41, 0x20, 0x05]);
    bench.send(message);
    assert.equal(bench.intake.frames[0]?.sampleCount, 320);
  });

  it("closes on a violation, ends the session once and takes nothing after it [P-1.9]", async () => {
    const bench = streaming();
    bench.send(new Uint8Array(5), pcmFrame(1), new Uint8Array(5));
    await bench.connection.onClosed(1008, "");
    assert.deepEqual(bench.asked, ["close 1008 invalid audio frame"]);
    assert.deepEqual(bench.intake.seqs, [0]);
    assert.equal(bench.intake.endCount, 1);
  });

  it("drops without CLOSE for what a new try may repair [P-1.9]", () => {
    const refused = new Bench();
    refused.sink.refusal = new StorageError("STORAGE_FULL", "512 MiB are free, 512 MiB are kept");
    refused.send(handshakeOf(), pcmFrame(0));
    assert.deepEqual(refused.asked, ["drop"]);
    const limited = new Bench();
    limited.sink.refusal = new LimitError("CONNECTION_LIMIT", "no files are left");
    limited.send(handshakeOf(), handshakeOf());
    assert.deepEqual(limited.asked, ["drop"]);
  });

  it("contains a defect of the sink: the connection is dropped and the log tells of it", async () => {
    const bench = new Bench();
    const defect = new TypeError("boom");
    bench.sink.refusal = defect;
    bench.send(handshakeOf());
    await bench.connection.onClosed(1006, "");
    assert.deepEqual(bench.asked, ["drop"]);
    const line = await bench.log.line("INTERNAL");
    assert.equal(line.level, "error");
    assert.equal(line.fields["err"], defect);
  });

  it("drops when the recording side gives the session up", async () => {
    const bench = streaming();
    bench.intake.fail(new StorageError("STORAGE_IO", "fdatasync: EIO"));
    await bench.intake.failed;
    assert.deepEqual(bench.asked, ["drop"]);
    await bench.connection.onClosed(1006, "");
    assert.equal((await bench.log.line("STORAGE_IO")).level, "warn");
    assert.equal(bench.intake.endCount, 1);
  });

  it("drops a connection without a handshake at 10 s, not earlier [P-1.9]", () => {
    const bench = new Bench();
    bench.passMs(limits.handshakeTimeoutMs - 1, 100);
    assert.deepEqual(bench.asked, []);
    bench.passMs(1, 200);
    assert.deepEqual(bench.asked, ["drop"]);
    bench.send(handshakeOf());
    assert.deepEqual(bench.sink.sessions, []);
  });

  it("lets a connection with a handshake be silent for longer than that", () => {
    const bench = streaming();
    bench.passMs(limits.handshakeTimeoutMs);
    assert.deepEqual(bench.asked, []);
  });

  it("pings after 25 s of silence and drops after 75 s [P-3.3]", async () => {
    const bench = streaming();
    bench.passMs(0, 700);
    bench.passMs(limits.pingAfterMs, 700);
    assert.deepEqual(bench.asked, ["ping"]);
    bench.passMs(limits.livenessTimeoutMs - limits.pingAfterMs - 1, 700);
    assert.deepEqual(bench.asked, ["ping", "ping"]);
    bench.passMs(1, 700);
    bench.passMs(1_000, 700);
    assert.deepEqual(bench.asked, ["ping", "ping", "drop"]);
  });

  it("pauses once when there is no room and goes on when there is", async () => {
    const bench = paused();
    bench.send(pcmFrame(2), pcmFrame(3));
    assert.deepEqual(bench.asked, ["pause"]);
    assert.deepEqual(bench.intake.seqs, [0, 1, 2, 3]);
    const drained = bench.intake.drained();
    bench.sink.release();
    await drained;
    assert.deepEqual(bench.asked, ["pause", "resume"]);
    bench.sink.hasRoom = false;
    bench.send(pcmFrame(4));
    assert.deepEqual(bench.asked, ["pause", "resume", "pause"]);
  });

  it("drops when the disk stalls for 8 s, before clients miss their pong [P-3]", async () => {
    assert.ok(maxPauseMs <= 10_000);
    const bench = paused();
    bench.passMs(maxPauseMs - 1);
    assert.deepEqual(bench.asked, ["pause"]);
    bench.passMs(1);
    bench.passMs(1);
    assert.deepEqual(bench.asked, ["pause", "drop"]);
    await bench.connection.onClosed(1006, "");
    assert.equal((await bench.log.line("STORAGE_STALLED")).level, "warn");
  });

  it("does not count the silence of a paused socket", async () => {
    const bench = paused();
    for (let pause = 0; pause < 12; pause += 1) {
      bench.passMs(maxPauseMs - 1);
      const drained = bench.intake.drained();
      bench.sink.release();
      await drained;
      bench.sink.hasRoom = false;
      bench.send(pcmFrame(2));
    }
    assert.deepEqual(new Set(bench.asked), new Set(["pause", "resume"]));
  });

  it("reads on after a violation, so that the closing handshake can end", async () => {
    const bench = paused();
    bench.send(new Uint8Array(1));
    assert.deepEqual(bench.asked, ["pause", "resume", "close 1008 invalid audio frame"]);
    const drained = bench.intake.drained();
    bench.sink.release();
    await drained;
    assert.equal(bench.asked.length, 3);
  });

  it("drops at a stop and takes what is still in the socket's buffer [P-1.9]", async () => {
    const bench = streaming();
    bench.connection.stop();
    bench.send(pcmFrame(1), pcmFrame(2));
    assert.equal(bench.intake.endCount, 0);
    await bench.connection.onClosed(1006, "");
    assert.deepEqual(bench.asked, ["drop"]);
    assert.deepEqual(bench.intake.seqs, [0, 1, 2]);
    assert.equal(bench.intake.endCount, 1);
    assert.equal((await bench.log.line("SHUTTING_DOWN")).level, "warn");
  });

  it("does not wait at a stop for the rest of a closing handshake", () => {
    const bench = streaming();
    bench.send(new Uint8Array(1));
    bench.connection.stop();
    assert.deepEqual(bench.asked, ["close 1008 invalid audio frame", "drop"]);
  });

  for (const subprotocol of ["", "eet.v1+ack"]) {
    it(`leaves a client at a stop that has closed itself the time to hear the answer (${subprotocol || "plain"})`, async (t) => {
      t.mock.timers.enable({ apis: ["setTimeout"] });
      const bench = new Bench({ subprotocol });
      bench.send(handshakeOf(), pcmFrame(0));
      await bench.connection.onClientClose(1000, "done");
      bench.connection.stop();
      assert.deepEqual(bench.asked, []);
      t.mock.timers.tick(3_000);
      assert.deepEqual(bench.asked, ["drop"], "one that does not hang up");
      await bench.connection.onClosed(1006, "");
      const line = await bench.log.line("CLIENT_CLOSED");
      assert.equal(line.level, "info");
      assert.equal(line.fields["detail"], 'the client closed with 1000 "done"');
    });
  }

  it("drops a client that has closed when what it sent does not come to rest [P-1.9]", async () => {
    const bench = streaming();
    bench.sink.flush = new Promise(() => {});
    void bench.connection.onClientClose(1000, "");
    bench.intake.fail(new StorageError("STORAGE_FULL", "no room"));
    await bench.intake.failed;
    assert.deepEqual(bench.asked, ["drop"]);
    void bench.connection.onClosed(1006, "");
    assert.equal((await bench.log.line("STORAGE_FULL")).level, "warn");
  });

  it("waits for the session's last flush when the socket is gone", async () => {
    const bench = streaming();
    const flush = Promise.withResolvers<void>();
    bench.sink.flush = flush.promise;
    let isOver = false;
    const over = bench.connection.onClosed(1000, "").then(() => {
      isOver = true;
    });
    await bench.intake.ended();
    assert.equal(isOver, false);
    flush.resolve();
    await over;
    assert.equal(isOver, true);
  });

  it("logs one line when the handshake is in and one at the end", async () => {
    const bench = new Bench({ subprotocol: "eet.v1" });
    bench.send(handshakeOf(), pcmFrame(0), pcmFrame(1));
    bench.clock.nowMs += 1_234;
    await bench.connection.onClosed(1000, "bye");
    assert.deepEqual(bench.log.lines, [
      {
        level: "info",
        fields: {
          connectionId: 1,
          hwid: null,
          streamId: 7,
          ...pcmFormat,
          remote: "10.0.0.7:5000",
          subprotocol: "eet.v1",
        },
        message: "device streams",
      },
      {
        level: "info",
        fields: {
          connectionId: 1,
          hwid: null,
          remote: "10.0.0.7:5000",
          frameCount: 2,
          audioS: 0.04,
          byteCount: 1304,
          durationMs: 1234,
          code: "CLIENT_CLOSED",
          detail: 'the client closed with 1000 "bye"',
        },
        message: "connection ended",
      },
    ]);
  });
});
