import { ProtocolError } from "@eet/protocol";
import type { MonotonicMs } from "../kernel/clock.ts";
import { StorageError } from "../kernel/errors.ts";
import type { ResumePoint, SessionRecord } from "../kernel/segment-record.ts";
import { Delivery, type DeliveryHost } from "./delivery.ts";
import { HeldSession } from "./held-session.ts";
import { sessionIdOf, wireSessionOf } from "./session-id.ts";
import { type RecordingRequest, resumeSession, type SessionHost, startSession } from "./session-start.ts";

/** An ended session, as the rest of the server knows it. */
export interface EndedSession {
  readonly point: ResumePoint;
  /** Unwrapped seq before which every frame is verified in the object store; `undefined` when nothing is. */
  readonly uploadedNext: number | undefined;
}

/** What acknowledged sessions need besides what all need. */
export interface DeliveriesHost extends SessionHost {
  /** How long a session without a connection can be resumed. [P-2.4] */
  readonly resumeTtlMs: number;
  /** False while the frame log cannot be written. */
  readonly isCommitting: () => boolean;
  /**
   * Looks an ended session up; waits for what is still being brought to rest of it.
   *
   * @returns `undefined` when it is not known, or not known well enough to go on
   */
  readonly findEnded: (session: string) => Promise<EndedSession | undefined>;
}

/** When a session ended, on a clock that nobody sets, and what the wall clock was ahead of that then. */
interface Ending {
  readonly endMs: MonotonicMs;
  readonly wallAheadMs: number;
}

/** The acknowledged sessions: those that are recorded, and the way back to those that have ended. [P-2.4] */
export class Deliveries implements DeliveryHost {
  readonly #host: DeliveriesHost;
  readonly #requests = new WeakMap<Delivery, RecordingRequest>();
  readonly #held = new Map<string, HeldSession>();
  /** By session: the last resumption under way, so that two of the same go one after the other. */
  readonly #resuming = new Map<string, Promise<unknown>>();
  /** Sessions that began while they were looked up: what was found may be of before. */
  readonly #begun = new Set<string>();
  /** Sessions that ended in this run, in that order. */
  readonly #endings = new Map<string, Ending>();
  /** Sessions that were given up: what the disk has of them only the next start finds out. */
  readonly #givenUp = new Set<string>();

  constructor(host: DeliveriesHost) {
    this.#host = host;
  }

  get isCommitting(): boolean {
    return this.#host.isCommitting();
  }

  /** A new session for one connection. */
  open(request: RecordingRequest): Delivery {
    const delivery = new Delivery(wireSessionOf(this.#host.newSessionId()), connectionOf(request), this);
    this.#requests.set(delivery, request);
    return delivery;
  }

  /**
   * @returns `undefined` when the session is not known for that hwid, has expired or has another format [P-2.4]
   * @throws StorageError when it was given up and nothing can be stored yet [P-2.8]; ProtocolError `SUPERSEDED` when a
   *   connection has it that is newer than this one
   */
  resume(request: RecordingRequest, wireSession: bigint): Promise<Delivery | undefined> {
    const id = sessionIdOf(wireSession);
    if (id === undefined) return Promise.resolve(undefined);
    const before = this.#resuming.get(id) ?? Promise.resolve();
    const resuming = before.then(() => this.#resumeNow(id, request));
    const settled = resuming.catch(() => {});
    this.#resuming.set(id, settled);
    void settled.then(() => {
      if (this.#resuming.get(id) !== settled) return;
      this.#resuming.delete(id);
      this.#begun.delete(id);
    });
    return resuming;
  }

  async #resumeNow(id: string, request: RecordingRequest): Promise<Delivery | undefined> {
    const held = this.#held.get(id);
    if (held !== undefined) {
      if (!isSame(held.session.record, request)) return undefined;
      if (held.session.hasFailed) return this.#startOver();
      // What was sent over a link that stalled may come when the device has long come back over another one.
      if (held.isHeldBehind(connectionOf(request)))
        throw new ProtocolError("SUPERSEDED", "a newer connection has the session already");
      if (!held.isEnding) return new Delivery(wireSessionOf(id), connectionOf(request), this, held);
      await held.end("session-ended");
    }
    this.#begun.delete(id);
    if (this.#givenUp.has(id)) return this.#startOver();
    const ended = await this.#host.findEnded(id);
    // Named, but not begun when the search began: its first frame may have come meanwhile, and its end.
    if (this.#begun.delete(id)) return this.#resumeNow(id, request);
    if (ended === undefined || !isSame(ended.point.record, request)) return undefined;
    if (this.#ageMs(id, ended.point) > this.#host.resumeTtlMs) return undefined;
    const resumed = this.#add(id, (observer) => resumeSession(this.#host, request, ended.point, observer));
    resumed.uploadedNext = ended.uploadedNext;
    return new Delivery(wireSessionOf(id), connectionOf(request), this, resumed);
  }

  /**
   * A session that was given up goes on in a new one, once that can be stored: while the disk takes nothing that would
   * help nobody, and a restart in the meantime may still find the old one whole.
   *
   * @throws StorageError STORAGE_IO while nothing can be stored
   */
  #startOver(): undefined {
    if (!this.isCommitting)
      throw new StorageError("STORAGE_IO", "the disk takes nothing: the device is to keep its frames");
    return undefined;
  }

  hold(delivery: Delivery, sampleCount: number): HeldSession {
    const request = this.#requests.get(delivery);
    const id = sessionIdOf(delivery.session);
    if (request === undefined || id === undefined) throw new TypeError("the delivery is not one of these");
    if (this.#resuming.has(id)) this.#begun.add(id);
    const start = { session: id, isAcked: true, deviceMs: request.deviceMs, sampleCount };
    return this.#add(id, (observer) => startSession(this.#host, request, start, observer));
  }

  release(delivery: Delivery, held: HeldSession): void {
    held.takeBack(delivery, this.#host.clock.monotonicMs());
  }

  #add(id: string, start: ConstructorParameters<typeof HeldSession>[0]): HeldSession {
    const held = new HeldSession(start, () => {
      this.#held.delete(id);
      this.#host.remove(held.session);
      if (held.session.hasFailed) this.#givenUp.add(id);
      this.#noteEnd(id);
    });
    this.#held.set(id, held);
    return held;
  }

  #noteEnd(id: string): void {
    const { clock, resumeTtlMs } = this.#host;
    const endMs = clock.monotonicMs();
    this.#endings.delete(id);
    this.#endings.set(id, { endMs, wallAheadMs: clock.wallMs() - endMs });
    for (const [oldest, ending] of this.#endings) {
      if (endMs - ending.endMs <= resumeTtlMs) break;
      this.#endings.delete(oldest);
    }
  }

  /** Time since the last sign of life. Of a session of an earlier run only the wall clock tells it, right or wrong. */
  #ageMs(id: string, { lastActiveMs }: ResumePoint): number {
    const { clock } = this.#host;
    const ending = this.#endings.get(id);
    const nowMs = ending === undefined ? clock.wallMs() : clock.monotonicMs() + ending.wallAheadMs;
    return nowMs - lastActiveMs;
  }

  isHeld(session: string): boolean {
    return this.#held.has(session);
  }

  /** The object store holds every frame of a session before `nextSeq`, unwrapped. */
  noteUploaded(session: string, nextSeq: number): void {
    const held = this.#held.get(session);
    if (held === undefined) return;
    held.uploadedNext = Math.max(nextSeq, held.uploadedNext ?? 0);
    held.onProgress();
  }

  /** Tells all connections to look at what can be told: the frame log fails, or works again. */
  tellAll(): void {
    for (const held of this.#held.values()) held.onProgress();
  }

  /** Ends the sessions whose connection has not come back. */
  endForgotten(nowMs: MonotonicMs): void {
    for (const held of this.#held.values()) held.endIfForgotten(nowMs);
  }

  /** Gives up on all connections; the sessions stay. */
  failAll(error: Error): void {
    for (const held of this.#held.values()) held.fail(error);
  }

  /** Ends all sessions. @returns when every frame is on stable storage; never rejects */
  async close(): Promise<void> {
    await Promise.all([...this.#held.values()].map((held) => held.end("disconnected")));
  }
}

function connectionOf({ connectionId = 0 }: RecordingRequest): number {
  return connectionId;
}

/** Frames of another stream or format must not end up in a session. */
function isSame(record: SessionRecord, { hwid, streamId, format }: RecordingRequest): boolean {
  const known = record.format;
  return (
    record.hwid === hwid &&
    record.streamId === streamId &&
    known.codec === format.codec &&
    known.sampleRateHz === format.sampleRateHz &&
    known.channels === format.channels &&
    known.frameSampleCount === format.frameSampleCount
  );
}
