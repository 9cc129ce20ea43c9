import type { Socket } from "node:net";
import {
  type ConnectionContext,
  type ConnectionPeer,
  type ConnectionPort,
  DeviceConnection,
} from "./device-connection.ts";
import type { WsLink } from "./ws-link.ts";
import { violationOf, type WsSocket } from "./ws-socket.ts";

/** Joins a device's socket to its {@link DeviceConnection}. */
export class WsDeviceLink implements WsLink, ConnectionPort {
  readonly ended: Promise<void>;
  readonly #ws: WsSocket;
  readonly #socket: Socket;
  readonly #connection: DeviceConnection;

  /**
   * @param ws - just upgraded, with no message emitted yet
   * @param socket - the TCP or TLS socket underneath
   */
  constructor(ws: WsSocket, socket: Socket, peer: ConnectionPeer, context: ConnectionContext) {
    const connection = new DeviceConnection(this, peer, context);
    this.#ws = ws;
    this.#socket = socket;
    this.#connection = connection;
    // `binaryType` is "nodebuffer", so that each message is one Buffer.
    ws.on("message", (data, isBinary) => connection.onMessage(data as Buffer, isBinary));
    ws.on("error", (error) => {
      const violation = violationOf(error);
      if (violation !== undefined) connection.onInvalidBytes(violation, error.message);
    });
    this.ended = new Promise((resolve) => {
      ws.once("close", (code, reason) => resolve(connection.onClosed(code, reason.toString())));
    });
  }

  sweep(): void {
    this.#connection.onSweep(this.#socket.bytesRead);
  }

  stop(): void {
    this.#connection.stop();
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  drop(): void {
    this.#ws.terminate();
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  ping(): void {
    this.#ws.ping();
  }
}
