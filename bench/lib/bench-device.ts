import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { formatDeviceMessage, formatHandshake, type StreamFormat, subprotocols } from "@eet/protocol";
import type { AckWatch } from "./ack-watch.ts";
import { maskedMessage } from "./masked-message.ts";
import { ServerFrames } from "./server-frames.ts";

const closeOpcode = 8;

/** One device on a plain socket. */
export class BenchDevice {
  readonly #socket: Socket;
  readonly #frames = new ServerFrames();
  readonly #acks: AckWatch | undefined;
  /** The connection has ended. */
  isClosed = false;

  private constructor(socket: Socket, acks: AckWatch | undefined) {
    this.#socket = socket;
    this.#acks = acks;
    socket.on("data", (bytes) => this.#onData(bytes)).on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /**
   * @param acks - told of acknowledgements; without it the connection has none
   * @param token - shown as `Authorization: Bearer`; left out: none
   */
  static async open(
    port: number,
    index: number,
    format: StreamFormat,
    acks?: AckWatch,
    token?: string,
  ): Promise<BenchDevice> {
    const socket = connect(port, "127.0.0.1").setNoDelay(true);
    await once(socket, "connect");
    const subprotocol = acks === undefined ? "" : `Sec-WebSocket-Protocol: ${subprotocols.v1Ack}\r\n`;
    const authorization = token === undefined ? "" : `Authorization: Bearer ${token}\r\n`;
    socket.write(
      `GET /ws/${hwidOf(index)} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${subprotocol}${authorization}\r\n`,
    );
    const [answer] = await once(socket, "data");
    if (!String(answer).startsWith("HTTP/1.1 101")) throw new Error(`the server refused: ${String(answer)}`);
    const device = new BenchDevice(socket, acks);
    device.write(maskedMessage(2, formatHandshake({ streamId: index, format, timestampMs: BigInt(Date.now()) })));
    return device;
  }

  /** @param message - a whole WebSocket frame */
  write(message: Buffer): void {
    this.#socket.write(message);
  }

  /** Writes whole WebSocket frames; settles once the system has taken them, or the connection has ended. */
  written(messages: Buffer): Promise<void> {
    return new Promise((resolve) => this.#socket.write(messages, () => resolve()));
  }

  #onData(bytes: Buffer): void {
    // Without acknowledgements nothing but the closing handshake ever comes.
    if (this.#acks === undefined) return;
    for (const { opcode, payload } of this.#frames.push(bytes)) {
      if (opcode === 2) this.#acks.onMessage(payload, performance.now());
      if (opcode === closeOpcode) this.#sendClose();
    }
  }

  #sendClose(): void {
    this.write(maskedMessage(closeOpcode, Uint8Array.of(0x03, 0xe8)));
  }

  /** Ends as a device does: FINI where there are acknowledgements, CLOSE where there are none. */
  async finish(frameCount: number): Promise<void> {
    if (this.isClosed) return;
    const closed = once(this.#socket, "close");
    if (this.#acks === undefined) this.#sendClose();
    else this.write(maskedMessage(2, formatDeviceMessage({ kind: "finish", nextSeq: frameCount })));
    await closed;
  }
}

/** Id of a device of a load. */
export function hwidOf(index: number): string {
  return `bench-${index}`;
}
