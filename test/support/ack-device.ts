import {
  type Ack,
  formatFrame,
  formatHandshake,
  type ServerMessage,
  serialDistance,
  type Welcome,
} from "@eet/protocol";
import { AckConnection, type AckEnding } from "./ack-connection.ts";
import { Conditions } from "./conditions.ts";
import { type DeliveryRecord, formatOf, makePayload, type WitnessedSession } from "./delivery-record.ts";
import { seededRandom } from "./seeded-random.ts";

/** What waits in a socket at most. */
const maxWaitingBytes = 64 * 1024;
/** Upper bound of the wait before a new try: full jitter, far shorter than a real device's. */
const maxRetryMs = 100;
/** Endings after which a device does not come back. [P-2.8] */
const finalEndings: ReadonlySet<AckEnding> = new Set([1000, 1002, 1003, 1009, 4400, 4409, 4413, 4415, 4422]);

interface HeldFrame {
  /** Unwrapped. */
  readonly seq: number;
  /** Frames that the device had dropped before this one was made, since it was switched on. */
  readonly droppedTotal: number;
  sentMs: number;
}

export interface AckDeviceOptions {
  readonly hwid: string;
  /** Unique among all devices of a test: its payloads carry it. */
  readonly deviceNumber: number;
  readonly seed: number;
  /** Default 0. */
  readonly firstSeq?: number;
  /** Shown with each connection; left out: none. */
  readonly token?: string;
  /** Told of every new ending: a device that sees a surprising one stops by itself. */
  readonly onEnding?: (how: AckEnding) => void;
}

/**
 * A deliberately simple client of `eet.v1+ack`: keeps each frame until it is acknowledged, comes back for ever, and
 * notes what it was promised. It is a witness, so it shares nothing with the SDK. [P-2]
 */
export class AckDevice implements DeliveryRecord {
  readonly hwid: string;
  readonly deviceNumber: number;
  readonly format;
  readonly sessions: WitnessedSession[] = [];
  /** What the server did that it must not do. */
  readonly faults: string[] = [];
  /** Sessions with acknowledged frames that the server did not know any more. */
  readonly forgotten: string[] = [];
  /** From the last sending of a frame to the ACKF that covers it. */
  readonly ackLatenciesMs: number[] = [];
  /** Count by ending. */
  readonly endings = new Map<AckEnding, number>();
  readonly counts = {
    asked: 0,
    resumed: 0,
    unknown: 0,
    notPersisting: 0,
    slowDown: 0,
    duplicates: 0,
    acks: 0,
    cuts: 0,
  };
  /** The last that came. */
  welcome: Welcome | undefined;
  lastAck: Ack | undefined;
  readonly #random: () => number;
  readonly #token: string | undefined;
  readonly #onEnding: ((how: AckEnding) => void) | undefined;
  readonly #conditions = new Conditions(() => this.describe());
  readonly #connections = new Set<AckConnection>();
  #current: AckConnection | undefined;
  #held: HeldFrame[] = [];
  #madeNext: number;
  #droppedTotal = 0;
  /** Of {@link #droppedTotal} when the session began. */
  #droppedBase = 0;
  #url: string | undefined;
  /** FINI was sent in it: the server may have forgotten it. */
  #finishedSession: WitnessedSession | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #state: "running" | "finishing" | "done" | "stopped" = "running";

  constructor({ hwid, deviceNumber, seed, firstSeq = 0, token, onEnding }: AckDeviceOptions) {
    this.hwid = hwid;
    this.deviceNumber = deviceNumber;
    this.format = formatOf(deviceNumber);
    this.#random = seededRandom(seed);
    this.#madeNext = firstSeq;
    this.#token = token;
    this.#onEnding = onEnding;
  }

  get session(): WitnessedSession | undefined {
    return this.sessions.at(-1);
  }

  /** Frames that are not acknowledged. */
  get heldCount(): number {
    return this.#held.length;
  }

  /** Behind the last frame that was made. */
  get madeNext(): number {
    return this.#madeNext;
  }

  /** The session is settled on the newest connection. */
  get isStreaming(): boolean {
    return this.#current?.isOpen === true && this.#current.cursor !== undefined;
  }

  /** The server has taken everything and said so after FINI. */
  get isDone(): boolean {
    return this.#state === "done";
  }

  get isStopped(): boolean {
    return this.#state === "stopped";
  }

  /** Connections that are not closed yet, superseded ones included. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Where the server is from now on, `ws://.../ws`; `undefined`: nowhere. What is connected stays so. */
  aim(url: string | undefined): void {
    this.#url = url;
    if (this.#current?.isConnecting === true) this.#current.drop();
    this.#retry();
  }

  /** Makes frames; they are sent when there is a connection. */
  make(count = 1): void {
    for (let made = 0; made < count; made++) {
      this.#held.push({ seq: this.#madeNext++, droppedTotal: this.#droppedTotal, sentMs: 0 });
    }
    this.pump();
  }

  /** Makes frames and drops them before they are sent; the next one is announced by ANCR. */
  skip(count: number): void {
    this.#madeNext += count;
    this.#droppedTotal += count;
  }

  /** Sends what the sockets take now. */
  pump(): void {
    for (const connection of this.#connections) this.#send(connection);
  }

  /** Cuts the TCP connection; the device comes back by itself. */
  cut(): void {
    if (this.#current === undefined) return;
    this.counts.cuts += 1;
    this.#current.drop();
  }

  /** Connects once more while the older connection goes on sending. [P-2.4] */
  connectAgain(): void {
    if (this.#url !== undefined) this.#connect(this.#url);
  }

  /** From now on nothing is heard on the connections that there are, but frames go on. */
  deafen(): void {
    this.#url = undefined;
    for (const connection of this.#connections) connection.isDeaf = true;
  }

  /** No more frames are made: FINI follows the last one. @returns when the server has closed after it */
  finish(): Promise<void> {
    if (this.#state === "running") this.#state = "finishing";
    this.pump();
    return this.until("FINI is answered", () => this.isDone);
  }

  /** Waits until every frame made so far is acknowledged. */
  delivered(deadlineMs?: number): Promise<void> {
    return this.until("everything is acknowledged", () => this.#held.length === 0, deadlineMs);
  }

  /** Waits until something holds of this device. @param what - completes "it did not come that ..." */
  until(what: string, isSo: () => boolean, deadlineMs?: number): Promise<void> {
    return this.#conditions.until(what, isSo, deadlineMs);
  }

  /** Ends everything. */
  stop(): void {
    this.#state = "stopped";
    clearTimeout(this.#retryTimer);
    for (const connection of this.#connections) connection.drop();
    this.#conditions.end("the device has stopped");
  }

  /** One line for messages. */
  describe(): string {
    const { hwid, session, endings } = this;
    const known = session && `session ${session.session} [${session.firstSeq}, ${session.sentNext})`;
    const held = `${this.#held.length} held up to ${this.#madeNext}, durable up to ${session?.durableNext}`;
    const ends = [...endings].map(([how, count]) => `${count} x ${how}`).join(", ");
    return `${hwid} ${this.#state}, ${this.isStreaming ? "streaming" : "not streaming"}, ${known}, ${held}, endings: ${ends}`;
  }

  onOpen(connection: AckConnection): void {
    if (connection.subprotocol !== "eet.v1+ack") this.#blame(`the server chose "${connection.subprotocol}"`);
    connection.send(formatHandshake({ streamId: this.deviceNumber, format: this.format, timestampMs: 0n }));
    // Half of the devices ask at once, the others when they are greeted.
    if (this.session !== undefined && this.deviceNumber % 2 === 0) this.#ask(connection, this.session);
  }

  onMessage(connection: AckConnection, message: ServerMessage): void {
    if (connection.isDeaf || this.#state === "stopped") return;
    if (message.kind === "ack") this.#onAck(connection, message);
    else this.#onWelcome(connection, message);
    this.pump();
    this.#conditions.check();
  }

  onClosed(connection: AckConnection, how: AckEnding): void {
    this.#connections.delete(connection);
    this.endings.set(how, (this.endings.get(how) ?? 0) + 1);
    this.#onEnding?.(how);
    if (connection === this.#current) {
      this.#current = undefined;
      this.#onLost(connection, how);
    }
    this.#conditions.check();
  }

  #onLost(connection: AckConnection, how: AckEnding): void {
    if (connection.hasFinished && this.#held.length === 0) {
      if (this.#state === "finishing") this.#state = "done";
      return;
    }
    if (finalEndings.has(how)) {
      this.#blame(`the connection ended with ${how}`);
      this.stop();
    } else this.#retry();
  }

  #retry(): void {
    clearTimeout(this.#retryTimer);
    const url = this.#url;
    if (url === undefined || this.#current !== undefined || this.#state === "stopped" || this.isDone) return;
    this.#retryTimer = setTimeout(() => this.#connect(url), this.#random() * maxRetryMs);
  }

  #connect(url: string): void {
    const connection = new AckConnection(`${url}/${this.hwid}`, this, this.#token);
    this.#connections.add(connection);
    this.#current = connection;
  }

  #ask(connection: AckConnection, { session }: WitnessedSession): void {
    connection.hasAsked = true;
    this.counts.asked += 1;
    const oldestSeq = this.oldestSeq >>> 0;
    connection.tell({ kind: "resume", session, oldestSeq, nibbleOrder: undefined });
  }

  /** Of the frames that are held; behind the last one when none is. */
  get oldestSeq(): number {
    return this.#held[0]?.seq ?? this.#madeNext;
  }

  #onWelcome(connection: AckConnection, welcome: Welcome): void {
    const { session } = this;
    if (session !== undefined && !connection.hasAsked) {
      this.#ask(connection, session);
      return;
    }
    // The first welcome answers the handshake alone.
    if (connection.hasAsked !== welcome.answersResume) return;
    this.welcome = welcome;
    if (connection.cursor !== undefined) this.#blame("a second welcome came");
    if (welcome.session === 0n) this.#blame("session 0 was welcomed");
    if (welcome.isResumed && session !== undefined) this.#goOn(connection, session, welcome);
    else this.#begin(connection, welcome);
  }

  #goOn(connection: AckConnection, session: WitnessedSession, welcome: Welcome): void {
    this.counts.resumed += 1;
    if (welcome.session !== session.session) this.#blame(`${session.session} was resumed as ${welcome.session}`);
    const { durableNext } = session;
    const next = unwrap(this.oldestSeq, welcome.nextSeq);
    if (next < durableNext && durableNext > session.firstSeq) {
      this.#blame(`resumed at ${next}: ${durableNext} was acknowledged`);
    }
    if (next > session.sentNext) this.#blame(`resumed at ${next}: ${session.sentNext} was never sent`);
    const resendsAll = this.#random() < 0.3;
    connection.cursor = resendsAll ? this.oldestSeq : Math.max(next, this.oldestSeq);
  }

  #begin(connection: AckConnection, welcome: Welcome): void {
    if (connection.hasAsked) this.counts.unknown += 1;
    const { session } = this;
    if (session !== undefined && session.durableNext > session.firstSeq && this.#finishedSession !== session) {
      const upTo = `acknowledged up to ${session.durableNext}`;
      this.forgotten.push(`${this.hwid}: session ${session.session}, ${upTo}, was not resumed`);
    }
    if (welcome.isResumed) this.#blame("a session was resumed that nobody asked for");
    if (welcome.nextSeq !== 0) this.#blame(`a new session expects ${welcome.nextSeq}`);
    const next = this.oldestSeq;
    const dropped = new Set<number>();
    this.sessions.push({ session: welcome.session, firstSeq: next, sentNext: next, durableNext: next, dropped });
    connection.cursor = next;
  }

  /** The first frame of a session sets its origin. [P-2.3] */
  #setOrigin(session: WitnessedSession, { seq, droppedTotal }: HeldFrame): void {
    Object.assign(session, { firstSeq: seq, sentNext: seq, durableNext: seq });
    this.#droppedBase = droppedTotal;
  }

  #send(connection: AckConnection): void {
    const { cursor } = connection;
    const { session } = this;
    if (cursor === undefined || session === undefined || !connection.isOpen || connection.hasFinished) return;
    const first = this.#held.findIndex(({ seq }) => seq >= cursor);
    for (let index = first; index >= 0 && index < this.#held.length; index++) {
      if (connection.waitingBytes > maxWaitingBytes) return;
      this.#sendFrame(connection, session, this.#held[index]!);
    }
    if (this.#state !== "finishing" || connection.waitingBytes > maxWaitingBytes) return;
    connection.tell({ kind: "finish", nextSeq: this.#madeNext >>> 0 });
    connection.hasFinished = true;
    this.#finishedSession = session;
  }

  #sendFrame(connection: AckConnection, session: WitnessedSession, frame: HeldFrame): void {
    const { seq, droppedTotal } = frame;
    if (session.sentNext === session.firstSeq) this.#setOrigin(session, frame);
    const droppedFrameCount = droppedTotal - this.#droppedBase;
    if (droppedFrameCount > connection.declaredDropCount || connection.sentCount % 50 === 10) {
      connection.tell({ kind: "anchor", seq: seq >>> 0, captureMs: 0, captureUs: seq * 20_000, droppedFrameCount });
      connection.declaredDropCount = droppedFrameCount;
    }
    for (let skipped = session.sentNext; skipped < seq; skipped++) session.dropped.add(skipped);
    session.sentNext = Math.max(session.sentNext, seq + 1);
    frame.sentMs = performance.now();
    connection.send(formatFrame(this.format.codec, seq, makePayload(this.format, this.deviceNumber, seq)));
    connection.cursor = seq + 1;
    connection.sentCount += 1;
  }

  #onAck(connection: AckConnection, ack: Ack): void {
    this.lastAck = ack;
    this.counts.acks += 1;
    if (ack.isNotPersisting) this.counts.notPersisting += 1;
    if (ack.isSlowDown) this.counts.slowDown += 1;
    if (ack.hasDuplicates) this.counts.duplicates += 1;
    const { session } = this;
    if (session === undefined) this.#blame("an ack came before a session");
    else if (session.sentNext > session.firstSeq) this.#take(connection, ack, session);
  }

  #take(connection: AckConnection, ack: Ack, session: WitnessedSession): void {
    const durableNext = unwrap(session.durableNext, ack.durableNext);
    const receivedNext = unwrap(session.durableNext, ack.receivedNext);
    const before = connection.durableNext ?? durableNext;
    if (durableNext < before) this.#blame(`durable_next went back from ${before} to ${durableNext}`);
    connection.durableNext = durableNext;
    if (receivedNext < durableNext) this.#blame(`durable up to ${durableNext}, received up to ${receivedNext}`);
    if (receivedNext > session.sentNext) this.#blame(`received up to ${receivedNext}: sent up to ${session.sentNext}`);
    // What an older connection says may come behind what a newer one said.
    session.durableNext = Math.max(session.durableNext, durableNext);
    const coveredCount = countWhile(this.#held, ({ seq }) => seq < durableNext);
    const nowMs = performance.now();
    for (const { sentMs } of this.#held.splice(0, coveredCount)) this.ackLatenciesMs.push(nowMs - sentMs);
  }

  #blame(fault: string): void {
    this.faults.push(`${this.hwid}: ${fault}`);
  }
}

/** The unwrapped seq nearest to one that is known. */
function unwrap(near: number, wireSeq: number): number {
  return near + serialDistance(near, wireSeq);
}

function countWhile<T>(items: readonly T[], isSo: (item: T) => boolean): number {
  const index = items.findIndex((item) => !isSo(item));
  return index < 0 ? items.length : index;
}
