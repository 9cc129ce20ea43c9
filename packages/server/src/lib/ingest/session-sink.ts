import type { Hwid, StreamFormat } from "@eet/protocol";

/** What a device's handshake and URL say of the session it starts. */
export interface SessionRequest {
  /** `null` when the device connected to `/ws`. */
  readonly hwid: Hwid | null;
  readonly streamId: number;
  readonly format: StreamFormat;
  /** Device wall clock of the handshake, ms since 1970 as the device says; 0 when it does not know. */
  readonly deviceMs: number;
  /** The server's number of the connection, for logs. */
  readonly connectionId: number;
}

/** Where sessions go. Declared here and implemented by the recording side, which ingest does not know. */
export interface SessionSink {
  /**
   * Takes a session on; does no I/O.
   *
   * @throws LimitError or StorageError when it cannot be recorded now
   */
  openSession(request: SessionRequest): SessionIntake;
}

/** One session's way in. */
export interface SessionIntake {
  /**
   * Takes one whole frame message: header and payload, copied before it returns.
   *
   * @param seq - as on the wire: wraps at 2^32
   * @param sampleCount - samples per channel that the frame stands for
   * @returns false when the sender must be slowed: the frame is taken, then wait for {@link drained}
   */
  accept(message: Uint8Array, seq: number, sampleCount: number): boolean;

  /** Resolves when there is room again; never rejects. */
  drained(): Promise<void>;

  /**
   * Tells that no more frames come: what was accepted is flushed and the session's segment closed.
   *
   * @returns resolves when the `.bin` is durable; never rejects
   */
  end(): Promise<void>;

  /** Resolves with the error when this session cannot be recorded any longer; pending for ever while all is well. */
  readonly failed: Promise<Error>;
}
