import { formatServerMessage, parseDeviceMessage, serialDistance } from "@eet/protocol";
import { makeAck, makeWelcome } from "./ack-server.test-support.ts";
import type { CloseResult } from "./close-result.ts";
import type { FakeClock } from "./fake-clock.test-support.ts";
import type { ConnectTransport, TransportEvents, TransportRequest } from "./transport.ts";

/** A frame that the server took. */
export interface StoredFrame {
  /** Unwrapped. */
  readonly seq: number;
  /** First u32 of the payload. */
  readonly id: number;
}

/** One recording. */
export class ModelSession {
  readonly name: bigint;
  readonly path: string;
  readonly durable: StoredFrame[] = [];
  /** Dropped frames as the device declared them last. */
  declaredDrops = 0;
  volatile: StoredFrame[] = [];
  nextSeq: number | undefined;
  durableNext = 0;
  duplicateCount = 0;

  constructor(name: bigint, path: string) {
    this.name = name;
    this.path = path;
  }

  accept(message: Buffer): void {
    const wireSeq = message.readUInt32LE(8);
    const seq = this.nextSeq === undefined ? wireSeq : this.nextSeq + serialDistance(this.nextSeq, wireSeq);
    if (this.nextSeq === undefined) this.durableNext = seq;
    if (this.nextSeq !== undefined && seq < this.nextSeq) {
      this.duplicateCount += 1;
      return;
    }
    this.volatile.push({ seq, id: message.readUInt32LE(12) });
    this.nextSeq = seq + 1;
  }

  /** Makes what was accepted durable. */
  sync(): void {
    this.durable.push(...this.volatile);
    this.volatile = [];
    this.durableNext = this.nextSeq ?? 0;
  }

  /** Loses what was not durable. */
  crash(): void {
    this.volatile = [];
    if (this.nextSeq !== undefined) this.nextSeq = this.durableNext;
  }
}

interface Latency {
  /** Longest time of a message on its way, ms. */
  readonly maxMs: number;
  readonly random: () => number;
}

/** One connection as the server sees it. Messages stay in order, and each takes its time. */
class ModelConnection {
  readonly #server: ModelServer;
  readonly #events: TransportEvents;
  readonly request: TransportRequest;
  readonly waiting: Buffer[] = [];
  #clientIsGone = false;
  #serverIsGone = false;
  #upMs = 0;
  #downMs = 0;
  session: ModelSession | undefined;
  toldNext: number | undefined;
  #isGreeted = false;

  constructor(server: ModelServer, request: TransportRequest, events: TransportEvents) {
    this.#server = server;
    this.request = request;
    this.#events = events;
    this.#down(() => events.onOpen("eet.v1+ack"));
  }

  get isOver(): boolean {
    return this.#serverIsGone;
  }

  /** The client sends. */
  up(message: Uint8Array): void {
    this.waiting.push(Buffer.from(message));
    this.#upMs = this.#server.schedule(this.#upMs, () => this.takeOne());
  }

  /** The client lets go: what it sent may still come. */
  leave(): void {
    this.#clientIsGone = true;
  }

  takeOne(): void {
    const message = this.waiting.shift();
    if (message === undefined || this.#serverIsGone) return;
    if (!this.#isGreeted) {
      this.#isGreeted = true;
      this.send(formatServerMessage(makeWelcome({ answersResume: false, session: 1n })));
      return;
    }
    this.#take(message);
  }

  /** Takes what is still on its way, and then no more. */
  supersede(): void {
    while (this.waiting.length > 0) this.takeOne();
    this.end({ kind: "closed-by-server", code: 4409, reason: "" });
  }

  send(bytes: Uint8Array): void {
    this.#down(() => this.#events.onMessage(bytes));
  }

  /** The server ends it: what is on its way to the client arrives first. */
  end(result: CloseResult): void {
    if (this.#serverIsGone) return;
    this.#serverIsGone = true;
    this.waiting.length = 0;
    this.#down(() => {
      this.#clientIsGone = true;
      this.#events.onClosed(result);
    }, true);
  }

  /** The network fails: the client learns it at once, the server may go on with what is on its way. */
  break(): void {
    if (this.#clientIsGone) return;
    this.#clientIsGone = true;
    this.#events.onClosed({ kind: "dropped", cause: undefined });
  }

  #down(run: () => void, isEnd = false): void {
    this.#downMs = this.#server.schedule(this.#downMs, () => {
      if (!this.#clientIsGone && (isEnd || !this.#serverIsGone || !this.#clientIsGone)) run();
    });
  }

  #take(message: Buffer): void {
    const server = this.#server;
    const magic = message.toString("latin1", 0, 4);
    if (magic === "PCMF") {
      this.session?.accept(message);
      return;
    }
    const control = parseDeviceMessage(message);
    if (control.kind === "resume") {
      this.session = server.resume(this, control.session);
    } else if (control.kind === "anchor") {
      if (this.session) this.session.declaredDrops = control.droppedFrameCount;
    } else {
      this.session?.sync();
      this.tell(true);
      this.end({ kind: "closed-by-server", code: 1000, reason: "" });
    }
  }

  /** Acknowledges what is durable, if that has moved. */
  tell(isForced = false): void {
    const { session } = this;
    if (session?.nextSeq === undefined || this.#serverIsGone) return;
    if (!isForced && this.toldNext === session.durableNext) return;
    this.toldNext = session.durableNext;
    this.send(formatServerMessage(makeAck(session.durableNext)));
  }
}

/** A server in memory, on a clock of the test's, that fails when it is told to. */
export class ModelServer {
  readonly #clock: FakeClock;
  readonly #latency: Latency;
  readonly sessions: ModelSession[] = [];
  readonly #known = new Map<bigint, ModelSession>();
  readonly #connections = new Set<ModelConnection>();
  #nextName = 100n;
  forgotCount = 0;
  /** Connections are refused. */
  isDown = false;

  constructor(clock: FakeClock, latency: Latency) {
    this.#clock = clock;
    this.#latency = latency;
  }

  readonly connect: ConnectTransport = (request, events) => {
    if (this.isDown) {
      const stop = this.#clock.startTimer(1, () => events.onClosed({ kind: "unreachable", cause: undefined }));
      return { bufferedBytes: 0, send: () => {}, close: () => {}, drop: stop };
    }
    const connection = new ModelConnection(this, request, events);
    this.#connections.add(connection);
    return {
      bufferedBytes: 0,
      send: (message) => connection.up(message),
      close: () => connection.end({ kind: "clean" }),
      drop: () => connection.leave(),
    };
  };

  /** Runs something after a random time, not before `afterMs`. @returns when */
  schedule(afterMs: number, run: () => void): number {
    const { maxMs, random } = this.#latency;
    const dueMs = Math.max(afterMs, this.#clock.wallMs() + random() * maxMs);
    this.#clock.startTimer(dueMs - this.#clock.wallMs(), run);
    return dueMs;
  }

  resume(connection: ModelConnection, name: bigint): ModelSession {
    let session = this.#known.get(name);
    const isResumed = session !== undefined;
    for (const other of [...this.#connections]) {
      if (other.isOver) this.#connections.delete(other);
      else if (other !== connection && other.session !== undefined && other.session === session) other.supersede();
    }
    if (session === undefined) {
      session = new ModelSession(this.#nextName, new URL(connection.request.url).pathname);
      this.#nextName += 1n;
      this.#known.set(session.name, session);
      this.sessions.push(session);
    }
    const nextSeq = session.nextSeq ?? 0;
    connection.send(formatServerMessage(makeWelcome({ nextSeq, isResumed, session: session.name })));
    return session;
  }

  /** The group sync, and an acknowledgement to each connection. */
  sync(): void {
    for (const session of this.sessions) session.sync();
    for (const connection of this.#connections) connection.tell();
  }

  /** Acknowledgements that say nothing new, or nonsense. */
  babble(durableNext: number): void {
    for (const connection of this.#connections) {
      if (!connection.isOver && connection.session) connection.send(formatServerMessage(makeAck(durableNext)));
    }
  }

  breakConnections(): void {
    for (const connection of this.#connections) connection.break();
  }

  closeConnections(code: number): void {
    for (const connection of this.#connections) connection.end({ kind: "closed-by-server", code, reason: "" });
  }

  /** Loses what is not durable, and all connections. */
  crash(): void {
    for (const connection of [...this.#connections]) {
      connection.break();
      connection.end({ kind: "dropped", cause: undefined });
    }
    this.#connections.clear();
    for (const session of this.sessions) session.crash();
  }

  /** Sessions cannot be resumed any more; what they recorded stays. */
  forget(): void {
    this.forgotCount += 1;
    this.#known.clear();
    this.closeConnections(1001);
  }
}
