import { connect, type Socket } from "node:net";

/** Opcodes of RFC 6455. */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One WebSocket frame from the server. */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A WebSocket client down at the bytes: it sends what the test gives and answers nothing by itself. */
export class RawClient {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #isGone = false;
  #changed = Promise.withResolvers<void>();

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.on("data", (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#notify();
    });
    // A reset is one of the ways in which the server may drop TCP.
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.#isGone = true;
      this.#notify();
    });
  }

  /** Sends an upgrade request and reads the answer's head. */
  async upgrade(path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    this.socket.write(upgradeRequest(path, headers));
    return await this.readHead();
  }

  /** Reads up to the empty line that ends the answer's head; empty when the connection ended before. */
  async readHead(): Promise<string> {
    const end = await this.#until(() => this.#received.indexOf("\r\n\r\n"));
    return end < 0 ? "" : this.#take(end + 4).toString("latin1");
  }

  /** Reads a frame; `undefined` when the connection ended instead. */
  async readFrame(): Promise<ServerFrame | undefined> {
    const headerBytes = await this.#until(() => frameHeaderBytes(this.#received));
    if (headerBytes < 0) return undefined;
    const short = (this.#received[1] ?? 0) & 0x7f;
    const payloadBytes =
      headerBytes === 2 ? short : this.#received.readUIntBE(headerBytes === 4 ? 2 : 4, headerBytes === 4 ? 2 : 6);
    const whole = headerBytes + payloadBytes;
    const isWhole = await this.#until(() => (this.#received.length >= whole ? 1 : -1));
    if (isWhole < 0) return undefined;
    const frame = this.#take(whole);
    return { opcode: (frame[0] ?? 0) & 0x0f, payload: frame.subarray(headerBytes) };
  }

  /** Reads a CLOSE frame: `1008 invalid handshake`; `undefined` when TCP ended without one. */
  async readClose(): Promise<string | undefined> {
    const frame = await this.readFrame();
    if (frame === undefined) return undefined;
    if (frame.opcode !== opcodes.close) throw new Error(`a frame with opcode ${frame.opcode} came instead of CLOSE`);
    return `${frame.payload.readUInt16BE(0)} ${frame.payload.subarray(2)}`;
  }

  /** Reads until the connection ends. */
  async readToEnd(): Promise<string> {
    await this.#until(() => -1);
    return this.#take(this.#received.length).toString();
  }

  #take(byteCount: number): Buffer {
    const taken = this.#received.subarray(0, byteCount);
    this.#received = this.#received.subarray(byteCount);
    return taken;
  }

  /** Waits until `look` gives a number that is not negative; gives -1 when the connection ended first. */
  async #until(look: () => number): Promise<number> {
    for (;;) {
      const found = look();
      if (found >= 0 || this.#isGone) return found;
      await this.#changed.promise;
    }
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** Size of the header of the server's frame that `bytes` start with; -1 while it is not all there. */
function frameHeaderBytes(bytes: Buffer): number {
  if (bytes.length < 2) return -1;
  const short = (bytes[1] ?? 0) & 0x7f;
  const headerBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
  return bytes.length >= headerBytes ? headerBytes : -1;
}

/** An upgrade request; a header given replaces the usual one, an empty value removes it. */
export function upgradeRequest(path: string, headers: Readonly<Record<string, string>> = {}): Buffer {
  const all = {
    Host: "127.0.0.1",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === "" ? [] : [`${name}: ${value}`]));
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
}

/** A client's frame; masked with zeros unless another mask is given. */
export function clientFrame(
  opcode: number,
  payload: Uint8Array,
  isFinal = true,
  mask: readonly number[] = [0, 0, 0, 0],
): Buffer {
  const first = (isFinal ? 0x80 : 0) | opcode;
  const masked = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([Buffer.of(first), lengthField(payload.length), Buffer.from(mask), masked]);
}

/** The shortest form, as RFC 6455 wants it. */
function lengthField(payloadBytes: number): Buffer {
  if (payloadBytes < 126) return Buffer.of(0x80 | payloadBytes);
  const field = Buffer.alloc(payloadBytes < 65_536 ? 3 : 9);
  field[0] = 0x80 | (payloadBytes < 65_536 ? 126 : 127);
  field.writeUIntBE(payloadBytes, field.length === 3 ? 1 : 3, field.length === 3 ? 2 : 6);
  return field;
}

/** A binary message split into frames of `pieceBytes`. */
export function fragments(message: Uint8Array, pieceBytes: number): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < message.length; at += pieceBytes) {
    const isFinal = at + pieceBytes >= message.length;
    const opcode = at === 0 ? opcodes.binary : opcodes.continuation;
    frames.push(clientFrame(opcode, message.subarray(at, at + pieceBytes), isFinal));
  }
  return Buffer.concat(frames);
}
