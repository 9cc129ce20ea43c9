import type { StreamFormat } from "@eet/protocol";
import type { BatchBounds } from "../kernel/batch-clock.ts";
import { ControlFrames } from "../kernel/control-frames.ts";
import { LimitError, type ServerError } from "../kernel/errors.ts";
import {
  type ConnectionContext,
  type ConnectionPeer,
  type ConnectionPort,
  DeviceConnection,
} from "./device-connection.ts";
import { answerPing, type WsLink, type WsLinkParts } from "./ws-link.ts";
import type { ReadCoalescer } from "./ws-read-coalescer.ts";
import { WsReads } from "./ws-reads.ts";
import { violationOf, type WsSocket } from "./ws-socket.ts";
import type { WsThrottle } from "./ws-throttle.ts";

/** Answers that a client has not read yet; they take some 40 bytes a second. */
const maxUnsentBytes = 64 * 1024;
/** Between these looks at the clock a device that floods has a second at least to read its CLOSE. */
const maxFloodSweeps = 1;

/** What a link needs besides its socket. */
export interface DeviceLinkContext extends Omit<ConnectionContext, "onHandshake"> {
  /** Called once the handshake has come. */
  readonly onHandshake: () => void;
  /** Reads the socket. */
  readonly coalescer: ReadCoalescer;
  /** Told of the bounds of each read, before and behind what it brought is taken. */
  readonly batches?: BatchBounds | undefined;
}

/** Joins a device's socket to its {@link DeviceConnection}. */
export class WsDeviceLink implements WsLink, ConnectionPort {
  readonly ended: Promise<void>;
  readonly #ws: WsSocket;
  readonly #reads: WsReads;
  readonly #connection: DeviceConnection;
  readonly #throttle: WsThrottle;
  readonly #controlFrames: ControlFrames;
  /** Looks at the clock since the device was told that it sends too many PING and PONG. */
  #sweepsSinceFlood: number | undefined;

  constructor(parts: WsLinkParts, peer: ConnectionPeer, context: DeviceLinkContext) {
    const { ws, throttle, limits } = parts;
    const onHandshake = (format: StreamFormat) => {
      throttle.setFormat(format);
      context.onHandshake();
    };
    const connection = new DeviceConnection(this, peer, { ...context, onHandshake });
    this.#ws = ws;
    this.#connection = connection;
    this.#throttle = throttle;
    this.#controlFrames = new ControlFrames(limits.maxControlFramesPerS);
    const onMessage = (message: Uint8Array, isBinary: boolean) => {
      throttle.messageBytes += message.byteLength;
      connection.onMessage(message, isBinary);
    };
    this.#reads = new WsReads(parts, limits.maxMessageBytes, (message) => onMessage(message, true), context.batches);
    context.coalescer.watch(parts.socket, this.#reads);
    // `binaryType` is "nodebuffer", so that each message is one Buffer.
    ws.on("message", (data, isBinary) => onMessage(data as Buffer, isBinary));
    const { maxControlFramesPerS } = limits;
    ws.on("ping", (data) => {
      if (this.#takeControlFrame(maxControlFramesPerS)) answerPing(ws, data);
    });
    ws.on("pong", () => this.#takeControlFrame(maxControlFramesPerS));
    ws.on("error", (error) => {
      const violation = violationOf(error);
      if (violation !== undefined) connection.onInvalidBytes(violation, error.message);
    });
    ws.onClientClose = (code, reason) => connection.onClientClose(code, reason);
    this.ended = new Promise((resolve) => {
      ws.once("close", (code, reason) => resolve(connection.onClosed(code, reason.toString())));
    });
  }

  get partialBytes(): number {
    return this.#throttle.partialBytes;
  }

  #takeControlFrame(maxPerS: number): boolean {
    if (this.#controlFrames.take()) return true;
    this.#connection.expel(new LimitError("CONTROL_LIMIT", `more than ${maxPerS} PING and PONG came in a second`));
    // Of a flood nothing more is read, not even an answer to CLOSE.
    this.#sweepsSinceFlood = 0;
    this.#throttle.pause();
    return false;
  }

  sweep(): void {
    if (this.#sweepsSinceFlood !== undefined) {
      this.#sweepsSinceFlood += 1;
      if (this.#sweepsSinceFlood > maxFloodSweeps) this.#ws.terminate();
      return;
    }
    this.#controlFrames.sweep();
    this.#throttle.sweep();
    this.#connection.onSweep(this.#reads.bytesRead, this.#throttle.isLow);
  }

  stop(): void {
    this.#connection.stop();
  }

  expel(error: ServerError): void {
    this.#connection.expel(error);
  }

  send(message: Uint8Array): boolean {
    const ws = this.#ws;
    if (ws.readyState !== ws.OPEN || ws.bufferedAmount >= maxUnsentBytes) return false;
    ws.send(message);
    return true;
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  drop(): void {
    this.#ws.terminate();
  }

  pause(): void {
    this.#throttle.pause();
  }

  resume(): void {
    this.#throttle.resume();
  }

  ping(): void {
    this.#ws.ping();
  }
}
