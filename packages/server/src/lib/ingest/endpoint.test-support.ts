import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import { formatFrame, formatHandshake, type StreamFormat } from "@eet/protocol";
import { WebSocket } from "ws";
import type { Clock, MonotonicMs, WallMs } from "../kernel/clock.ts";
import { noteForwardedAddress } from "../kernel/forwarded-client.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { DeviceLinks, type DeviceLinksOptions } from "./device-links.ts";
import { FakeSink } from "./fake-sink.test-support.ts";
import { RawClient } from "./raw-client.test-support.ts";
import { WsEndpoint, type WsEndpointOptions } from "./ws-endpoint.ts";

export const pcmFormat: StreamFormat = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 };
export const adpcmFormat: StreamFormat = { ...pcmFormat, codec: "adpcm" };

/** A handshake of the given format. */
export function handshakeOf(format: StreamFormat = pcmFormat): Uint8Array {
  return formatHandshake({ streamId: 7, format, timestampMs: 1_700_000_000_000n });
}

/** A full PCM frame of {@link pcmFormat}: 20 ms. */
export function pcmFrame(seq: number, payloadBytes = 640): Uint8Array {
  return formatFrame("pcm16", seq, new Uint8Array(payloadBytes).fill(seq));
}

/** A clock that stands still unless it is told. */
export class FakeClock implements Clock {
  nowMs = 1_000;

  wallMs(): WallMs {
    return (1_700_000_000_000 + this.nowMs) as WallMs;
  }

  monotonicMs(): MonotonicMs {
    return this.nowMs as MonotonicMs;
  }
}

/** A running endpoint with fakes around it and clients that end with the test. */
export interface TestEndpoint {
  readonly endpoint: WsEndpoint;
  readonly sink: FakeSink;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  /** The server's sides of all TCP connections, in the order they came. */
  readonly serverSockets: readonly Socket[];
  /** Passes time and lets the connections look at the clock. */
  passMs(ms: number): void;
  rawClient(): RawClient;
  /** A client of the `ws` package, not connected yet. */
  client(path: string, protocols?: readonly string[], options?: WebSocket.ClientOptions): WebSocket;
  /** A connected client. */
  openClient(path: string): Promise<WebSocket>;
}

export async function startEndpoint(
  t: TestContext,
  given: Partial<Omit<WsEndpointOptions, "devices"> & DeviceLinksOptions> = {},
): Promise<TestEndpoint> {
  const sink = new FakeSink();
  const clock = new FakeClock();
  const log = new MemoryLog();
  const ofDevices = { ackIntervalMs: 1_000, flushIntervalMs: 1_000, coalesceMs: 0, hasUploads: false };
  const options = { ...{ sink, clock, log, maxConnections: 100, ...ofDevices }, ...given };
  const devices = new DeviceLinks(options);
  const endpoint = new WsEndpoint({ ...options, devices });
  devices.start();
  const server = createServer();
  const serverSockets: Socket[] = [];
  const clientSockets: Socket[] = [];
  server.on("connection", (socket) => serverSockets.push(socket));
  // As a trusted proxy says; before the endpoint looks.
  server.on("upgrade", (request) => {
    const address = request.headers["x-forwarded-for"];
    if (typeof address === "string") noteForwardedAddress(request, address);
  });
  endpoint.attach(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  t.after(async () => {
    await endpoint.stop();
    for (const socket of [...clientSockets, ...serverSockets]) socket.destroy();
    server.close();
    await once(server, "close");
  });
  const client = (path: string, protocols: readonly string[] = [], clientOptions: WebSocket.ClientOptions = {}) =>
    new WebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols], clientOptions);
  return {
    endpoint,
    sink,
    clock,
    log,
    serverSockets,
    client,
    passMs(ms) {
      clock.nowMs += ms;
      devices.sweep();
      endpoint.sweep();
    },
    rawClient() {
      const raw = new RawClient(port);
      clientSockets.push(raw.socket);
      return raw;
    },
    async openClient(path) {
      const opened = client(path);
      await once(opened, "open");
      return opened;
    },
  };
}

/** Waits for the end of a client's connection: `1008 invalid handshake`. */
export async function closeOf(client: WebSocket): Promise<string> {
  const [code, reason] = await once(client, "close");
  return `${code} ${reason}`.trim();
}
