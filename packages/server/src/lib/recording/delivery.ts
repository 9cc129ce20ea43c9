import { type Anchor, ProtocolError } from "@eet/protocol";
import type { HeldSession } from "./held-session.ts";
import { RoomGate } from "./room-gate.ts";

/** How far an acknowledged session has come. Seqs are unwrapped and exclusive. */
export interface DeliveryProgress {
  readonly durableNext: number;
  readonly receivedNext: number;
  readonly uploadedNext: number;
  readonly isPersisting: boolean;
  readonly isBehind: boolean;
  readonly duplicateCount: number;
}

/** What a delivery needs of the room that made it. */
export interface DeliveryHost {
  /** Starts the session of a delivery whose first frame comes. */
  hold(delivery: Delivery, sampleCount: number): HeldSession;
  /** Takes a session back that its connection lets go of. */
  release(delivery: Delivery, held: HeldSession): void;
  /** False while what is durable cannot be told from what is not. */
  readonly isCommitting: boolean;
}

interface Waiter {
  readonly durableNext: number;
  readonly resolve: () => void;
}

const nothing: DeliveryProgress = {
  ...{ durableNext: 0, receivedNext: 0, uploadedNext: 0, duplicateCount: 0 },
  ...{ isPersisting: true, isBehind: false },
};

/**
 * One connection's hold of an acknowledged session: the way in for its frames, and what became of them. The session of
 * a new one starts with its first frame. [P-2]
 */
export class Delivery {
  /** Names the session in messages. */
  readonly session: bigint;
  /** The server's number of the connection, higher for a newer one. */
  readonly connectionId: number;
  /** Told whenever {@link progress} may have changed. */
  onProgress: (() => void) | undefined;
  readonly #host: DeliveryHost;
  readonly #failed = Promise.withResolvers<Error>();
  readonly #gate = new RoomGate(() => this.#held?.session.waitingBytes ?? 0);
  #held: HeldSession | undefined;
  #waiters: Waiter[] = [];
  #isLost = false;
  #firstAnchor: Anchor | undefined;

  /** @param held - the session that is resumed */
  constructor(session: bigint, connectionId: number, host: DeliveryHost, held?: HeldSession) {
    this.session = session;
    this.connectionId = connectionId;
    this.#host = host;
    this.#held = held;
    held?.giveTo(this);
  }

  /** Resolves with the error when the session cannot be recorded any longer, or belongs to another connection now. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  get progress(): DeliveryProgress {
    if (this.#held === undefined) return nothing;
    const { session, uploadedNext } = this.#held;
    const { durableNext, receivedNext, duplicateCount, firstSeq } = session;
    return {
      durableNext,
      receivedNext,
      uploadedNext: Math.min(uploadedNext ?? firstSeq, durableNext),
      isPersisting: session.isPersisting && this.#host.isCommitting,
      isBehind: this.#gate.isFilling,
      duplicateCount,
    };
  }

  /**
   * Takes one whole frame message and copies it.
   *
   * @param seq - as on the wire
   * @param sampleCount - samples per channel that the frame stands for
   * @returns false when the sender must be slowed until {@link drained}
   * @throws ProtocolError `FRAME_SEQ_JUMP`
   */
  accept(message: Uint8Array, seq: number, sampleCount: number): boolean {
    // What another connection has taken over must not get frames from two.
    if (this.#isLost) return true;
    const { session } = this.#hold(sampleCount);
    session.accept(message, seq, sampleCount);
    return this.#gate.hasRoom;
  }

  #hold(sampleCount: number): HeldSession {
    if (this.#held !== undefined) return this.#held;
    const held = this.#host.hold(this, sampleCount);
    this.#held = held;
    held.giveTo(this);
    if (this.#firstAnchor !== undefined) held.session.anchor(this.#firstAnchor);
    return held;
  }

  /** Ties the next frame to the device's clocks. */
  anchor(anchor: Anchor): void {
    if (this.#held === undefined) this.#firstAnchor = anchor;
    else if (!this.#isLost) this.#held.session.anchor(anchor);
  }

  /** Resolves when there is room again; never rejects. */
  drained(): Promise<void> {
    return this.#gate.drained();
  }

  /** {@link flush} will be called within so many ms: until then nothing needs to be made durable by itself. */
  expectFlush(withinMs: number): void {
    if (!this.#isLost) this.#held?.session.expectFlush(withinMs);
  }

  /** Makes what was accepted durable at once. @returns when it is; never rejects */
  flush(): Promise<void> {
    if (this.#held === undefined || this.#isLost) return Promise.resolve();
    this.#held.session.flush();
    return this.#durable();
  }

  /** The last frame has come. @returns when all is durable; never rejects */
  async finish(): Promise<void> {
    if (this.#held === undefined || this.#isLost) return;
    await this.#held.end("session-ended");
    await this.#durable();
  }

  #durable(): Promise<void> {
    const { durableNext, receivedNext } = this.progress;
    if (this.#isLost || durableNext >= receivedNext) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ durableNext: receivedNext, resolve }));
  }

  /** Lets go of the session, which stays open for a new connection for some seconds. [S-1.3] */
  end(): Promise<void> {
    if (this.#held !== undefined) this.#host.release(this, this.#held);
    this.#lose();
    return Promise.resolve();
  }

  /** Another connection has taken the session over. [P-2.4] */
  supersede(): void {
    this.fail(new ProtocolError("SUPERSEDED", "a newer connection has resumed the session"));
    this.#lose();
  }

  #lose(): void {
    this.#isLost = true;
    this.#gate.open();
    for (const { resolve } of this.#waiters) resolve();
    this.#waiters = [];
  }

  /** Gives up: {@link failed} resolves, and whoever feeds this delivery has to end it. */
  fail(error: Error): void {
    this.#failed.resolve(error);
  }

  /** Memory was given free. */
  onReleased(): void {
    this.#gate.look();
  }

  /** The session has come further, or cannot. */
  onSessionProgress(): void {
    const { durableNext } = this.progress;
    const done = this.#waiters.filter((waiter) => waiter.durableNext <= durableNext);
    if (done.length > 0) this.#waiters = this.#waiters.filter((waiter) => waiter.durableNext > durableNext);
    for (const { resolve } of done) resolve();
    this.onProgress?.();
  }
}
