import { connect, type Socket } from "node:net";
import { setTimeout as passed } from "node:timers/promises";

/** What servers answered, and how often: `431 HEADERS_TOO_LARGE`, `close 1009`, `101`, `dropped`. */
export type Answers = Record<string, number>;

const maxAnswerBytes = 64 * 1024;
/** A server on a busy machine takes its time. */
const maxWaitMs = 60_000;

/** Connections from addresses of the loopback that no honest device has, and what came back on them. */
export class Attacker {
  readonly answers: Answers = {};
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #nextAddress = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /** Opens a connection; what it brings is counted when it ends. Resolves when it stands or is refused. */
  open(bytes?: Uint8Array): Promise<Socket> {
    this.#nextAddress = (this.#nextAddress + 1) % 200;
    const localAddress = `127.0.0.${2 + this.#nextAddress}`;
    const socket = connect({ port: this.#port, host: "127.0.0.1", localAddress });
    this.#sockets.add(socket);
    const chunks: Buffer[] = [];
    let byteCount = 0;
    socket.on("data", (chunk: Buffer) => {
      byteCount += chunk.byteLength;
      // Enough to see what it is: streams have no end.
      if (byteCount > maxAnswerBytes) return;
      chunks.push(chunk);
      // The server would wait for the answer to its CLOSE.
      if (namesOf(Buffer.concat(chunks)).some((name) => name.startsWith("close "))) socket.destroy();
    });
    socket.on("error", () => {});
    socket.once("close", () => {
      this.#sockets.delete(socket);
      for (const name of namesOf(Buffer.concat(chunks))) this.answers[name] = (this.answers[name] ?? 0) + 1;
    });
    if (bytes !== undefined) socket.write(bytes);
    return new Promise((resolve) => {
      socket.once("connect", () => resolve(socket));
      socket.once("close", () => resolve(socket));
    });
  }

  /** Opens many connections, some at a time. */
  async openMany(count: number, bytesOf: (index: number) => Uint8Array | undefined, atOnce = 100): Promise<Socket[]> {
    const sockets: Socket[] = [];
    for (let first = 0; first < count; first += atOnce) {
      const indexes = Array.from({ length: Math.min(atOnce, count - first) }, (_, index) => first + index);
      sockets.push(...(await Promise.all(indexes.map((index) => this.open(bytesOf(index))))));
    }
    return sockets;
  }

  /** Waits until the server has ended all that is open, for a while at most. */
  ended(): Promise<void> {
    return until(() => this.#sockets.size === 0);
  }

  /** Waits until the server has said something to each, or ended it, for a while at most. */
  answered(sockets: readonly Socket[]): Promise<void> {
    return until(() => sockets.every((socket) => socket.bytesRead > 0 || socket.destroyed));
  }

  /** Waits until the server has ended one of them, for a while at most. */
  someEnded(sockets: readonly Socket[]): Promise<void> {
    return until(() => sockets.some((socket) => socket.destroyed));
  }

  /** Ends all that is open. */
  async leave(): Promise<void> {
    const closed = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (const endMs = performance.now() + maxWaitMs; !isSo() && performance.now() < endMs; ) await passed(20);
}

/** What an answer amounts to. */
function namesOf(bytes: Buffer): readonly string[] {
  if (bytes.byteLength === 0) return ["dropped"];
  const text = bytes.toString("latin1");
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? "none";
  const code = /"code":"([A-Z_]+)"/.exec(text)?.[1];
  const injected = /^x-injected:/im.test(text.split("\r\n\r\n")[0] ?? "") ? ["injected"] : [];
  if (status !== "101") return [code === undefined ? status : `${status} ${code}`, ...injected];
  const extension = /^sec-websocket-extensions:/im.test(text) ? ["extension"] : [];
  const close = findClose(bytes.subarray(bytes.indexOf("\r\n\r\n") + 4));
  return [close === undefined ? "101" : `close ${close}`, ...extension, ...injected];
}

/** The code of the CLOSE frame among short frames of a server. */
function findClose(bytes: Buffer): number | undefined {
  for (let at = 0; at + 4 <= bytes.byteLength; at += 2 + (bytes.readUInt8(at + 1) & 127)) {
    if ((bytes.readUInt8(at) & 15) === 8) return bytes.readUInt16BE(at + 2);
  }
  return undefined;
}
