import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { effect } from "@preact/signals";
import { type WebSocket as ServerSocket, WebSocketServer } from "ws";
import { LiveSocket, type LiveState } from "./live-socket.ts";

/** A server that takes a viewer, or refuses it as one that has too many. */
async function openServer() {
  const http = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  let refusalCount = 0;
  const state: { isFull: boolean; refused(): void } = { isFull: false, refused: () => undefined };
  http.on("upgrade", (request, socket, head) => {
    if (!state.isFull) {
      sockets.handleUpgrade(request, socket, head, (client) => sockets.emit("connection", client, request));
      return;
    }
    socket.end("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
    refusalCount += 1;
    state.refused();
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    state,
    sockets,
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    refusals: (count: number) =>
      new Promise<void>((resolve) => {
        state.refused = () => {
          if (refusalCount >= count) resolve();
        };
        state.refused();
      }),
    [Symbol.asyncDispose]: async () => {
      for (const client of sockets.clients) client.terminate();
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
}

const listener = { onMessage: () => undefined, onBinary: () => undefined };
const ask = { type: "device", hwid: "a" } as const;

interface Asked {
  readonly type: string;
  readonly id: number;
  readonly hwid?: string;
}

/** Lets a viewer ask, and waits until it asks for something. */
function welcome(client: ServerSocket, isMeant: (asked: Asked) => boolean): Promise<Asked> {
  return new Promise((resolve) => {
    client.on("message", (data) => {
      const asked: Asked = JSON.parse(String(data));
      if (isMeant(asked)) resolve(asked);
    });
    client.send(JSON.stringify({ type: "hello", version: 1, server_ms: 0, heartbeat_ms: 10_000 }));
  });
}

describe("LiveSocket", () => {
  it("gives no id that is in use, however many there were", async () => {
    await using server = await openServer();
    const socket = new LiveSocket(server.url);
    // Nothing is sent while nobody looks.
    socket.setHidden(true);
    const lasting = socket.subscribe(ask, listener);
    for (let turn = 0; turn < 65_534; turn += 1) socket.subscribe(ask, listener).close();
    const last = socket.subscribe({ ...ask, hwid: "last" }, listener);
    socket.setHidden(false);
    const [client] = (await once(server.sockets, "connection")) as [ServerSocket];
    const asked: Asked[] = [];
    await welcome(client, (one) => asked.push(one) === 2);
    assert.deepEqual(
      asked.map(({ hwid }) => hwid),
      ["a", "last"],
    );
    assert.notEqual(asked[0]?.id, asked[1]?.id);
    for (const each of [lasting, last]) each.close();
    socket.setHidden(true);
  });

  it("waits until a server that refuses it takes it", async () => {
    await using server = await openServer();
    server.state.isFull = true;
    const socket = new LiveSocket(server.url);
    const seen: LiveState[] = [];
    const isOpen = Promise.withResolvers<void>();
    const stop = effect(() => {
      seen.push(socket.state.value);
      if (socket.state.value === "open") isOpen.resolve();
    });
    const subscription = socket.subscribe(ask, listener);
    await server.refusals(2);
    assert.deepEqual(seen, ["idle", "connecting", "waiting"]);
    server.state.isFull = false;
    const [client] = (await once(server.sockets, "connection")) as [ServerSocket];
    assert.equal((await welcome(client, () => true)).type, "device");
    await isOpen.promise;
    assert.deepEqual(seen.slice(3), ["open"]);
    stop();
    subscription.close();
    socket.setHidden(true);
  });
});
