import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WallMs } from "../kernel/clock.ts";
import type { ConnectionEvent } from "../kernel/connection-events.ts";
import { silentLog } from "../kernel/log.ts";
import { AckIntervals } from "./ack-intervals.ts";
import { DeviceConnection } from "./device-connection.ts";
import { FakeClock, handshakeOf, pcmFrame } from "./endpoint.test-support.ts";
import { FakeSink } from "./fake-sink.test-support.ts";

const wallMs = 1_700_000_000_000;

/** A clock whose wall time somebody sets. */
class SetClock extends FakeClock {
  setByMs = 0;

  override wallMs(): WallMs {
    return (super.wallMs() + this.setByMs) as WallMs;
  }
}

/** A connection whose messages to the serving side are kept. */
function openConnection(clock = new FakeClock()) {
  const events: ConnectionEvent[] = [];
  const port = { send: () => true, close() {}, drop() {}, pause() {}, resume() {}, ping() {} };
  const peer = {
    connectionId: 4,
    hwid: null,
    adpcmLayout: undefined,
    subprotocol: "",
    remote: "10.0.0.7:5000",
  };
  const connection = new DeviceConnection(port, peer, {
    clock,
    log: silentLog,
    sink: new FakeSink(),
    ackIntervals: new AckIntervals(clock, { ackIntervalMs: 1_000, flushIntervalMs: 1_000 }),
    ackIntervalMs: 1_000,
    hasUploads: false,
    onConnection: (event) => events.push(event),
  });
  const passMs = (ms: number) => {
    clock.nowMs += ms;
    connection.onSweep(clock.nowMs);
  };
  return { connection, events, passMs };
}

describe("ConnectionEvent", () => {
  it("tells of a connection from its handshake to its end", async () => {
    const { connection, events, passMs } = openConnection();
    assert.deepEqual(events, []);
    connection.onMessage(handshakeOf(), true);
    connection.onMessage(pcmFrame(0), true);
    passMs(1_000);
    await connection.onClosed(1006, "");
    const known = { connectionId: 4, hwid: null };
    assert.deepEqual(events, [
      { type: "device.connected", ...known, streamId: 7, atMs: wallMs + 1_000 },
      { type: "device.disconnected", ...known, atMs: wallMs + 2_000, reason: "CLIENT_LOST" },
    ]);
  });

  it("tells when frames stop and when they come again", () => {
    const { connection, events, passMs } = openConnection();
    connection.onMessage(handshakeOf(), true);
    connection.onMessage(pcmFrame(0), true);
    passMs(1_000);
    passMs(10_000);
    passMs(1_000);
    connection.onMessage(pcmFrame(1), true);
    passMs(1_000);
    assert.deepEqual(events.slice(1), [
      { type: "device.silent", connectionId: 4, hwid: null, sinceMs: wallMs + 2_000 },
      { type: "device.sends", connectionId: 4, hwid: null, atMs: wallMs + 14_000 },
    ]);
  });

  it("takes no step of the wall clock for silence, nor hides silence by one", () => {
    const clock = new SetClock();
    const { connection, events, passMs } = openConnection(clock);
    connection.onMessage(handshakeOf(), true);
    connection.onMessage(pcmFrame(0), true);
    passMs(1_000);
    clock.setByMs = 3_600_000;
    passMs(1_000);
    assert.equal(events.length, 1);
    clock.setByMs = -3_600_000;
    passMs(9_000);
    const sinceMs = wallMs + 2_000 - 3_600_000;
    assert.deepEqual(events.slice(1), [{ type: "device.silent", connectionId: 4, hwid: null, sinceMs }]);
  });

  it("says nothing of a connection without a handshake", async () => {
    const { connection, events } = openConnection();
    await connection.onClosed(1000, "bye");
    assert.deepEqual(events, []);
  });
});
