import type { MonotonicMs } from "../kernel/clock.ts";
import type { CloseReason } from "../kernel/segment-record.ts";
import type { Delivery } from "./delivery.ts";
import type { Session } from "./session.ts";
import type { SessionObserver } from "./session-context.ts";

/** How long a session waits for a new connection before its segment is closed. [S-1.3] */
const resumeGraceMs = 5_000;

/** An acknowledged session that is being recorded, and the connection that holds it at the moment, if one does. */
export class HeldSession implements SessionObserver {
  readonly session: Session;
  /** Unwrapped seq before which every frame is verified in the object store; `undefined` when nothing is. */
  uploadedNext: number | undefined;
  readonly #onEnded: () => void;
  #holder: Delivery | undefined;
  #freeSinceMs: MonotonicMs | undefined;
  #ending: Promise<void> | undefined;

  /**
   * @param start - starts or resumes the session, observed by this
   * @param onEnded - called once all of it is durable
   */
  constructor(start: (observer: SessionObserver) => Session, onEnded: () => void) {
    this.session = start(this);
    this.#onEnded = onEnded;
  }

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Whether a connection holds it that came after this one. */
  isHeldBehind(connectionId: number): boolean {
    return this.#holder !== undefined && this.#holder.connectionId > connectionId;
  }

  /** Gives the session to a connection; the one that held it before loses it. [P-2.4] */
  giveTo(holder: Delivery): void {
    const older = this.#holder;
    this.#holder = holder;
    this.#freeSinceMs = undefined;
    older?.supersede();
  }

  /** A connection lets go; does nothing for one that has lost the session already. */
  takeBack(holder: Delivery, nowMs: MonotonicMs): void {
    if (this.#holder !== holder) return;
    this.#holder = undefined;
    this.#freeSinceMs = nowMs;
  }

  /** Ends the session when no connection has come back for it in time. */
  endIfForgotten(nowMs: MonotonicMs): void {
    if (this.#freeSinceMs !== undefined && nowMs - this.#freeSinceMs >= resumeGraceMs) void this.end("disconnected");
  }

  /** Closes the last segment. @returns when everything is on stable storage; never rejects */
  end(reason: CloseReason): Promise<void> {
    this.#ending ??= this.session.end(reason).then(this.#onEnded);
    return this.#ending;
  }

  /** Tells the connection that the session cannot be recorded any longer. */
  fail(error: Error): void {
    this.#holder?.fail(error);
  }

  onReleased(): void {
    this.#holder?.onReleased();
  }

  onProgress(): void {
    this.#holder?.onSessionProgress();
  }

  onFailed(error: Error): void {
    this.fail(error);
  }
}
