import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as passed } from "node:timers/promises";

/** How bytes travel in one direction. */
export interface PipeConditions {
  /** Each piece is held back for so long; asked for each. Default: not at all. */
  readonly delayMs?: () => number;
  /** Pieces of at most so many bytes, each written in a turn of its own; default: as they come. */
  readonly pieceBytes?: number;
}

/** What becomes of bytes: they travel, wait for better times, or are gone for good. */
type PipeMode = "pass" | "stall" | "swallow";

/** One direction of a connection through the proxy. */
export class ProxyPipe {
  conditions: PipeConditions = {};
  /** What was swallowed. */
  readonly swallowed: Buffer[] = [];
  /** Bytes that were passed on. */
  passedBytes = 0;
  readonly #from: Socket;
  readonly #to: Socket;
  #mode: PipeMode = "pass";
  #resumed = Promise.withResolvers<void>();
  #interruption: { readonly byteCount: number; readonly interrupt: () => Promise<void> } | undefined;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    void this.#pump();
  }

  /** Nothing travels any more, and nothing is lost: the sender meets a full socket. */
  stall(): void {
    if (this.#mode === "pass") this.#mode = "stall";
  }

  /** Ends a stall. */
  pass(): void {
    if (this.#mode !== "stall") return;
    this.#mode = "pass";
    this.#resume();
  }

  /** From now on all bytes, and the end of the connection, are taken and never passed on. */
  swallow(): void {
    this.#mode = "swallow";
    this.#resume();
  }

  /** Does something once exactly so many bytes have been passed on, before the next one is. */
  interruptAt(byteCount: number, interrupt: () => Promise<void>): void {
    this.#interruption = { byteCount, interrupt };
  }

  #resume(): void {
    this.#resumed.resolve();
    this.#resumed = Promise.withResolvers();
  }

  async #pump(): Promise<void> {
    try {
      for await (const chunk of this.#from.iterator({ destroyOnReturn: false })) await this.#carry(chunk);
      // Where the end is not passed on, it is answered at least.
      if (this.#mode === "swallow") this.#from.end();
      else this.#to.end();
    } catch {
      // A connection that breaks on one side breaks on the other, unless nothing is passed on any more.
      if (this.#mode !== "swallow") this.#to.destroy();
    }
  }

  async #carry(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + this.#nextPieceBytes());
      at += piece.length;
      const { delayMs, pieceBytes } = this.conditions;
      if (delayMs !== undefined) await passed(delayMs());
      else if (pieceBytes !== undefined) await nextTurn();
      while (this.#mode === "stall") await this.#resumed.promise;
      if ((this.#mode as PipeMode) === "swallow") this.swallowed.push(piece);
      else await this.#write(piece);
    }
  }

  #nextPieceBytes(): number {
    const { pieceBytes = Number.MAX_SAFE_INTEGER } = this.conditions;
    const untilInterruption =
      this.#interruption === undefined ? pieceBytes : this.#interruption.byteCount - this.passedBytes;
    return Math.max(1, Math.min(pieceBytes, untilInterruption));
  }

  async #write(piece: Buffer): Promise<void> {
    if (!this.#to.write(piece)) await once(this.#to, "drain");
    this.passedBytes += piece.length;
    const interruption = this.#interruption;
    if (interruption === undefined || this.passedBytes < interruption.byteCount) return;
    this.#interruption = undefined;
    await interruption.interrupt();
  }
}

/** A connection through the proxy. */
export class ProxyLink {
  readonly toServer: ProxyPipe;
  readonly toClient: ProxyPipe;
  /** Resolves when the server's side has ended. */
  readonly serverEnded: Promise<void>;
  readonly #client: Socket;
  readonly #server: Socket;

  constructor(client: Socket, server: Socket) {
    this.#client = client;
    this.#server = server;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => {});
    }
    this.serverEnded = new Promise((resolve) => {
      for (const event of ["end", "close"]) server.once(event, () => resolve());
    });
    this.toServer = new ProxyPipe(client, server);
    this.toClient = new ProxyPipe(server, client);
  }

  get isOpen(): boolean {
    return !this.#client.destroyed && !this.#server.destroyed;
  }

  /** Breaks the connection on both sides, with RST. */
  reset(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  /** From now on nothing is passed on, not even that one side has ended: both believe that the other is still there. */
  halfOpen(): void {
    this.toServer.swallow();
    this.toClient.swallow();
  }

  /** The device gives up; the server is told only if bytes travel. */
  resetClient(): void {
    this.#client.resetAndDestroy();
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }
}

/** A TCP proxy in process, in front of a server on the loopback, that treats its connections badly. */
export class TcpProxy implements AsyncDisposable {
  /** All connections so far, in order. */
  readonly links: ProxyLink[] = [];
  /** Told of each new connection before a byte travels. */
  onLink: ((link: ProxyLink) => void) | undefined;
  readonly #server: Server;
  readonly #targetPort: number;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) => this.#accept(client));
  }

  static async open(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** `ws://127.0.0.1:{port}/ws` */
  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ws`;
  }

  get openLinks(): readonly ProxyLink[] {
    return this.links.filter(({ isOpen }) => isOpen);
  }

  #accept(client: Socket): void {
    const server = connect({ port: this.#targetPort, host: "127.0.0.1", allowHalfOpen: true });
    const link = new ProxyLink(client, server);
    this.links.push(link);
    this.onLink?.(link);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.links) link.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
