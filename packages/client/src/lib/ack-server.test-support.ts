import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Ack, formatServerMessage, parseDeviceMessage, type Welcome } from "@eet/protocol";
import { type WebSocket, WebSocketServer } from "ws";

/** Things that come one after the other, to be awaited. */
class Arrivals<T> {
  readonly all: T[] = [];
  #takenCount = 0;
  #wake = () => {};

  add(item: T): void {
    this.all.push(item);
    this.#wake();
  }

  /** The first one that was not taken yet. */
  async next(): Promise<T> {
    while (this.all.length <= this.#takenCount) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#takenCount += 1;
    return this.all[this.#takenCount - 1] as T;
  }
}

export const sessionName = 0x1122334455667788n;

/** A welcome that answers RSUM and begins a session. */
export function makeWelcome(fields: Partial<Welcome> = {}): Welcome {
  return {
    kind: "welcome",
    nextSeq: 0,
    session: sessionName,
    serverMs: 1_700_000_000_123,
    ackIntervalMs: 1_000,
    isResumed: false,
    answersResume: true,
    hasUploads: false,
    maxMessageBytes: 1_048_576,
    resumeTtlS: 86_400,
    ...fields,
  };
}

/** An acknowledgement of everything before `durableNext`. */
export function makeAck(durableNext: number, fields: Partial<Ack> = {}): Ack {
  return {
    kind: "ack",
    durableNext,
    receivedNext: durableNext,
    uploadedNext: 0,
    isNotPersisting: false,
    isSlowDown: false,
    hasDuplicates: false,
    ...fields,
  };
}

/** The server's end of one connection; it does what the test tells it. */
export class AckPeer {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  readonly messages = new Arrivals<Buffer>();
  /** Code of the CLOSE that ended it, 1006 for none. */
  readonly closed: Promise<number>;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.socket = socket;
    this.request = request;
    socket.on("message", (data: Buffer) => this.messages.add(data));
    socket.on("error", () => {});
    this.closed = once(socket, "close").then(([code]) => Number(code));
  }

  /** The next message. */
  next(): Promise<Buffer> {
    return this.messages.next();
  }

  /** Takes handshake and RSUM. @returns the RSUM */
  async greeted() {
    await this.next();
    return parseDeviceMessage(await this.next());
  }

  /** Takes handshake and RSUM, and welcomes. @returns the RSUM */
  async welcome(fields: Partial<Welcome> = {}) {
    const resume = await this.greeted();
    this.socket.send(formatServerMessage(makeWelcome(fields)));
    return resume;
  }

  ack(durableNext: number, fields: Partial<Ack> = {}): void {
    this.socket.send(formatServerMessage(makeAck(durableNext, fields)));
  }

  /** The next message as text: `ANCR 5 dropped 0`, `FINI 7`, or `frame 5`. */
  async told(): Promise<string> {
    return describeMessage(await this.next());
  }

  /** The next `count` messages as text. */
  async toldAll(count: number): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < count) texts.push(await this.told());
    return texts;
  }
}

/** One message of a device as text. */
export function describeMessage(message: Buffer): string {
  const magic = message.subarray(0, 4).toString("latin1");
  if (magic === "PCMF" || magic === "FPDA") return `frame ${message.readUInt32LE(8)}`;
  const parsed = parseDeviceMessage(message);
  switch (parsed.kind) {
    case "anchor":
      return `ANCR ${parsed.seq} dropped ${parsed.droppedFrameCount}`;
    case "finish":
      return `FINI ${parsed.nextSeq}`;
    case "resume":
      return `RSUM ${parsed.session} ${parsed.oldestSeq}`;
  }
}

/** A bare server that selects `eet.v1+ack` and leaves the rest to the test. */
export class AckServer implements AsyncDisposable {
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #peers = new Arrivals<AckPeer>();
  /** Status to refuse upgrades with; 0: they are taken. */
  refusesWith = 0;

  private constructor(selects: (offered: Set<string>) => string | false) {
    this.#sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols: selects });
    this.#http = createServer().on("upgrade", (request, socket, head) => {
      if (this.refusesWith > 0) {
        socket.end(`HTTP/1.1 ${this.refusesWith} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#peers.add(new AckPeer(webSocket, request));
      });
    });
  }

  /** @param selects - the subprotocol; default: the first that is offered */
  static async start(selects = ([first]: Set<string>): string | false => first ?? false): Promise<AckServer> {
    const server = new AckServer(selects);
    await once(server.#http.listen(0, "127.0.0.1"), "listening");
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/ws`;
  }

  /** Connections so far. */
  get connectionCount(): number {
    return this.#peers.all.length;
  }

  /** The next connection. */
  next(): Promise<AckPeer> {
    return this.#peers.next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}
