import type { Clock } from "../kernel/clock.ts";
import type { DeviceProfile, RecordFormat, SessionRecord } from "../kernel/segment-record.ts";
import { Rotation } from "./rotation.ts";
import { Session, type SessionContext } from "./session.ts";
import { decideStartTime } from "./start-time.ts";

/** Bytes that one connection may have waiting for the disk before its sender is slowed. */
const pauseAboveBytes = 1024 * 1024;
/** A slowed sender goes on below this. */
const resumeBelowBytes = 512 * 1024;

/** A connection that wants to record; the shape that ingest asks with. */
export interface RecordingRequest {
  readonly hwid: string | null;
  readonly streamId: number;
  readonly format: RecordFormat;
  /** The handshake's timestamp, ms since 1970; 0 = unknown. */
  readonly deviceMs: number;
}

/** What an intake needs of the recorder that made it. */
export interface IntakeHost {
  readonly clock: Clock;
  readonly context: SessionContext;
  readonly rotateS: number;
  readonly rotateAlign: boolean;
  readonly profileOf: (hwid: string | null) => DeviceProfile;
  readonly newSessionId: () => string;
  /** Counts a session in. */
  add(session: Session): void;
  /** Ends a session and counts it out; never rejects. */
  end(session: Session): Promise<void>;
  /** Forgets an intake that takes no more. */
  remove(intake: Intake): void;
}

/**
 * The way in for one connection's frames. A device that numbers anew within its connection gets a new session.
 * [P-1.10]
 */
export class Intake {
  readonly #request: RecordingRequest;
  readonly #host: IntakeHost;
  readonly #failed = Promise.withResolvers<Error>();
  /** All that are not ended yet: the one that takes frames and those before it. */
  readonly #sessions = new Set<Session>();
  #session: Session | undefined;
  #drained: PromiseWithResolvers<void> | undefined;

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
    return this.#waitingBytes < pauseAboveBytes;
  }

  get #waitingBytes(): number {
    let bytes = 0;
    for (const session of this.#sessions) bytes += session.waitingBytes;
    return bytes;
  }

  #open(sampleCount: number, deviceMs: number): Session {
    const { clock, context, rotateS, rotateAlign, profileOf, newSessionId } = this.#host;
    const { hwid, streamId, format } = this.#request;
    const start = decideStartTime(deviceMs, clock.wallMs(), (sampleCount * 1000) / format.sampleRateHz);
    const record: SessionRecord = {
      session: newSessionId(),
      hwid,
      streamId,
      format,
      start,
      profile: profileOf(hwid),
    };
    const rotation = new Rotation(format, { rotateS, alignedStartMs: rotateAlign ? start.startMs : undefined });
    const session = new Session(record, rotation, context, {
      onReleased: () => this.#release(),
      onFailed: (error) => this.fail(error),
    });
    this.#host.add(session);
    this.#sessions.add(session);
    return session;
  }

  #release(): void {
    if (this.#drained === undefined || this.#waitingBytes >= resumeBelowBytes) return;
    this.#drained.resolve();
    this.#drained = undefined;
  }

  /** Resolves when there is room again; never rejects. */
  drained(): Promise<void> {
    this.#drained ??= Promise.withResolvers<void>();
    const { promise } = this.#drained;
    this.#release();
    return promise;
  }

  /** Gives up: {@link failed} resolves, and whoever feeds this intake has to end it. */
  fail(error: Error): void {
    this.#failed.resolve(error);
  }

  async #endSession(session: Session): Promise<void> {
    await this.#host.end(session);
    this.#sessions.delete(session);
  }

  /** No more frames. @returns when all that was accepted is on stable storage; never rejects */
  async end(): Promise<void> {
    this.#session = undefined;
    await Promise.all([...this.#sessions].map((session) => this.#endSession(session)));
    this.#host.remove(this);
    this.#drained?.resolve();
  }
}
