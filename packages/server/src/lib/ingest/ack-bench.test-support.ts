import assert from "node:assert/strict";
import { mock } from "node:test";
import {
  type Ack,
  type DeviceMessage,
  formatDeviceMessage,
  parseServerMessage,
  type ServerMessage,
  subprotocols,
  type Welcome,
} from "@eet/protocol";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { AckIntervals } from "./ack-intervals.ts";
import { DeviceConnection } from "./device-connection.ts";
import { FakeClock, handshakeOf, pcmFrame } from "./endpoint.test-support.ts";
import { FakeDelivery, FakeSink, noProgress } from "./fake-sink.test-support.ts";

export const finish: DeviceMessage = { kind: "finish", nextSeq: 2 };
export const anchor: DeviceMessage = { kind: "anchor", seq: 0, captureMs: 5, captureUs: 6, droppedFrameCount: 0 };
export const resume = (session: bigint, oldestSeq = 0): DeviceMessage => ({
  ...{ kind: "resume", session, oldestSeq, nibbleOrder: undefined },
});

/** A connection with acknowledgements whose port writes down what it is asked and sent. */
export class AckBench {
  readonly asked: string[] = [];
  readonly sent: ServerMessage[] = [];
  readonly sink = new FakeSink();
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly ackIntervals: AckIntervals;
  readonly ackIntervalMs = 1_000;
  hasUploads = false;
  /** Whether the client reads what it is sent. */
  isRead = true;
  readonly connection: DeviceConnection;

  /** @param flushIntervalMs - of the sink; default: that of the acks */
  constructor(flushIntervalMs = 1_000) {
    this.ackIntervals = new AckIntervals(this.clock, { ackIntervalMs: this.ackIntervalMs, flushIntervalMs });
    const ask = (what: string) => () => void this.asked.push(what);
    const port = {
      send: (bytes: Uint8Array) => {
        const message = parseServerMessage(bytes);
        assert.ok(message !== undefined);
        this.sent.push(message);
        return this.isRead;
      },
      close: (code: number, reason: string) => void this.asked.push(`close ${code} ${reason}`),
      ...{ drop: ask("drop"), pause: ask("pause"), resume: ask("resume"), ping: ask("ping") },
    };
    const peer = { connectionId: 1, hwid: null, adpcmLayout: undefined, remote: "10.0.0.7:5000" };
    this.connection = new DeviceConnection(port, { ...peer, subprotocol: subprotocols.v1Ack }, this);
  }

  send(...messages: readonly (Uint8Array | DeviceMessage)[]): void {
    for (const message of messages) {
      this.connection.onMessage(message instanceof Uint8Array ? message : formatDeviceMessage(message), true);
    }
  }

  /** Passes time in the steps of the timer. */
  passMs(ms: number): void {
    for (let passedMs = 0; passedMs < ms; passedMs += 25) {
      this.clock.nowMs += 25;
      mock.timers.tick(25);
    }
  }

  get welcomes(): Welcome[] {
    return this.sent.filter((message) => message.kind === "welcome");
  }

  get acks(): Ack[] {
    return this.sent.filter((message) => message.kind === "ack");
  }

  /** The delivery that was opened last. */
  get delivery(): FakeDelivery {
    const delivery = this.sink.deliveries.at(-1);
    assert.ok(delivery !== undefined);
    return delivery;
  }
}

/** Lets everything happen that waits for nothing but promises. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));

export function streaming(): AckBench {
  const bench = new AckBench();
  bench.send(handshakeOf(), pcmFrame(0));
  return bench;
}

/** A connection whose session has frames before 5 and is resumed. */
export async function resumed(): Promise<AckBench> {
  const bench = new AckBench();
  bench.sink.resume = async (request, session) => {
    const delivery = new FakeDelivery(request, bench.sink, session);
    delivery.progress = { ...noProgress, durableNext: 4, receivedNext: 5 };
    return delivery;
  };
  bench.send(handshakeOf(), resume(77n));
  await turn();
  return bench;
}
