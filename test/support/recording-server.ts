import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type Handshake, parseHandshake } from "@eet/protocol";
import { type WebSocket, WebSocketServer } from "ws";

/** What one client sent. */
export interface RecordedConnection {
  /** As requested: path and query. */
  readonly path: string;
  readonly subprotocols: string | undefined;
  /** Messages as they came; the first is the handshake. */
  readonly messages: Uint8Array[];
  readonly handshake: Handshake;
  /** Payloads of the frames, in order. */
  readonly payloads: Uint8Array[];
  /** Code of the CLOSE that ended it, 1006 for none. */
  readonly closed: Promise<number>;
}

/** A bare WebSocket server that keeps all it is sent: what clients are tested against. */
export interface RecordingServer extends AsyncDisposable {
  readonly url: string;
  readonly connections: RecordedConnection[];
}

/**
 * Starts one on a free port.
 *
 * @param onConnection - makes a server misbehave
 * @param selects - the subprotocol; default: the first that is offered
 */
export async function startRecordingServer(
  onConnection: (socket: WebSocket, request: IncomingMessage) => void = () => {},
  selects = ([first]: Set<string>): string | false => first ?? false,
): Promise<RecordingServer> {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    perMessageDeflate: false,
    handleProtocols: selects,
  });
  const connections: RecordedConnection[] = [];
  server.on("connection", (socket, request) => {
    connections.push(record(socket, request));
    onConnection(socket, request);
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`,
    connections,
    [Symbol.asyncDispose]: () => {
      for (const socket of server.clients) socket.terminate();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function record(socket: WebSocket, request: IncomingMessage): RecordedConnection {
  const messages: Uint8Array[] = [];
  socket.on("message", (data: Buffer) => messages.push(data));
  return {
    path: request.url ?? "",
    subprotocols: request.headers["sec-websocket-protocol"],
    messages,
    get handshake() {
      return parseHandshake(messages[0] ?? new Uint8Array());
    },
    get payloads() {
      return messages.slice(1).map((message) => message.subarray(12));
    },
    closed: new Promise((resolve) => socket.once("close", resolve)),
  };
}
