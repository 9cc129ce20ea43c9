import { RoomGate } from "./room-gate.ts";
import type { Session } from "./session.ts";
import { type RecordingRequest, type SessionHost, startSession } from "./session-start.ts";

/** What an intake needs of the recorder that made it. */
export interface IntakeHost extends SessionHost {
  /** Forgets an intake that takes no more. */
  forget(intake: Intake): void;
}

/**
 * The way in for the frames of a connection without acknowledgements. A device that numbers anew within its connection
 * gets a new session. [P-1.10]
 */
export class Intake {
  readonly #request: RecordingRequest;
  readonly #host: IntakeHost;
  readonly #failed = Promise.withResolvers<Error>();
  /** All that are not ended yet: the one that takes frames and those before it. */
  readonly #sessions = new Set<Session>();
  readonly #gate = new RoomGate(() => this.#waitingBytes);
  #session: Session | undefined;

  constructor(request: RecordingRequest, host: IntakeHost) {
    this.#request = request;
    this.#host = host;
  }

  /** Resolves with the error when the disk refuses whatever is tried; pending as long as all is well. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /**
   * Takes one whole frame message and copies it.
   *
   * @param seq - as on the wire
   * @param sampleCount - samples per channel that the frame stands for
   * @returns false when the sender must be slowed until {@link drained}
   */
  accept(message: Uint8Array, seq: number, sampleCount: number): boolean {
    this.#session ??= this.#open(sampleCount, this.#request.deviceMs);
    if (!this.#session.accept(message, seq, sampleCount)) {
      void this.#endSession(this.#session);
      // The handshake's time was that of the first session's start; this one's is known by its arrival only.
      this.#session = this.#open(sampleCount, 0);
      this.#session.accept(message, seq, sampleCount);
    }
    return this.#gate.hasRoom;
  }

  get #waitingBytes(): number {
    let bytes = 0;
    for (const session of this.#sessions) bytes += session.waitingBytes;
    return bytes;
  }

  #open(sampleCount: number, deviceMs: number): Session {
    const start = { session: this.#host.newSessionId(), isAcked: false, deviceMs, sampleCount };
    const session = startSession(this.#host, this.#request, start, {
      onReleased: () => this.#gate.look(),
      onProgress: () => {},
      onFailed: (error) => this.fail(error),
    });
    this.#sessions.add(session);
    return session;
  }

  /** Resolves when there is room again; never rejects. */
  drained(): Promise<void> {
    return this.#gate.drained();
  }

  /** Gives up: {@link failed} resolves, and whoever feeds this intake has to end it. */
  fail(error: Error): void {
    this.#failed.resolve(error);
  }

  async #endSession(session: Session): Promise<void> {
    await session.end();
    this.#host.remove(session);
    this.#sessions.delete(session);
  }

  /** No more frames. @returns when all that was accepted is on stable storage; never rejects */
  async end(): Promise<void> {
    this.#session = undefined;
    await Promise.all([...this.#sessions].map((session) => this.#endSession(session)));
    this.#host.forget(this);
    this.#gate.open();
  }
}
