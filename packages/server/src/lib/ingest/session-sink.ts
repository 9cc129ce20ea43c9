import type { Anchor, Hwid, StreamFormat } from "@eet/protocol";

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
  /** How the device says it packs its ADPCM. [P-1.5] */
  readonly nibbleOrder?: "low" | "high" | undefined;
}

/** Where sessions go. Declared here and implemented by the recording side, which ingest does not know. */
export interface SessionSink {
  /**
   * Takes a session on; does no I/O.
   *
   * @throws LimitError or StorageError when it cannot be recorded now
   */
  openSession(request: SessionRequest): SessionIntake;

  /**
   * Takes a new acknowledged session on; does no I/O.
   *
   * @throws LimitError or StorageError when it cannot be recorded now
   */
  openDelivery(request: SessionRequest): Delivery;

  /**
   * Goes on with an acknowledged session. Who holds it meanwhile is told by its {@link Delivery.failed}, and all that it
   * had handed over comes before what the new one hands over. [P-2.4]
   *
   * @param session - as a welcome named it
   * @returns `undefined` when the session is not known for that hwid, has expired or has another format
   * @throws LimitError or StorageError when it cannot be told yet, or not recorded now
   */
  resumeDelivery(request: SessionRequest, session: bigint): Promise<Delivery | undefined>;
}

/** How far an acknowledged session has come. Seqs are unwrapped and exclusive. */
export interface DeliveryProgress {
  /** Every frame before it is on stable storage, or will never come. */
  readonly durableNext: number;
  readonly receivedNext: number;
  /** Every frame before it is verified in the object store. */
  readonly uploadedNext: number;
  /** False while the disk refuses what is to be stored. */
  readonly isPersisting: boolean;
  /** More waits for the disk than should. */
  readonly isBehind: boolean;
  /** Frames dropped so far because they had come before. */
  readonly duplicateCount: number;
}

/** One connection's hold of an acknowledged session: the way in for its frames, and what became of them. [P-2] */
export interface Delivery extends SessionIntake {
  /** Names the session in messages; not 0. */
  readonly session: bigint;
  readonly progress: DeliveryProgress;
  /** Told whenever {@link progress} may have changed; at most one. */
  onProgress: (() => void) | undefined;
  /** Ties the next frame to the device's clocks. */
  anchor(anchor: Anchor): void;
  /** {@link flush} will be called within so many ms: until then nothing needs to be made durable by itself. */
  expectFlush(withinMs: number): void;
  /** Makes what was accepted durable at once. @returns when it is, and `progress` says so; never rejects */
  flush(): Promise<void>;
  /** The device has sent its last frame: closes the segment. @returns when all is durable, and `progress` says so; never rejects */
  finish(): Promise<void>;
  /** Lets go of the session, which stays open for a new connection for some seconds. [S-1.3] */
  end(): Promise<void>;
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
