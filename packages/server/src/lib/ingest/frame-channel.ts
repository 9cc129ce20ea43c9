/**
 * Longest time for which a socket is not read. A paused socket answers no ping, and clients give up 20 s after theirs,
 * so it stays well below the 10 s of [P-3].
 */
export const maxPauseMs = 8_000;

/**
 * What a connection's messages go to once its handshake is known: version 1 has one kind of channel, `eet.v1+ack`
 * another.
 */
export interface FrameChannel {
  readonly frameCount: number;
  /** Bytes of all frames, headers included. */
  readonly byteCount: number;
  /** Length of the audio, seconds. */
  readonly audioS: number;
  /** Resolves with the error when the session cannot go on; pending for ever while all is well. */
  readonly failed: Promise<Error>;
  /** Resolves when the device has said that it is done, and all it sent is durable. */
  readonly finished: Promise<void>;

  /**
   * Takes one binary message behind the handshake. The bytes are not used after it returns.
   *
   * @returns false when the sender must be slowed: wait for {@link drained}
   * @throws ProtocolError, after which nothing more is taken; LimitError or StorageError
   */
  take(message: Uint8Array): boolean;
  /** Resolves when there is room again; never rejects. */
  drained(): Promise<void>;
  /** Longest time for which its socket may stay paused at the moment. */
  readonly maxPauseMs: number;
  /** Why a sender that was slowed for too long is let go. */
  stallError(waitMs: number): Error;
  /**
   * Looks at the clock; called about once a second.
   *
   * @param isTooFast - whether the device had better send no faster than audio is made
   * @returns why the connection cannot go on, if so
   */
  sweep(isTooFast: boolean): Error | undefined;
  /** The server is about to close: brings to rest what was taken. @returns when it is, or is not worth waiting for */
  settle(): Promise<void>;
  /** Says what there is to say before a CLOSE. */
  conclude(): void;
  /** No more messages come. @returns when what was taken is in good hands; never rejects */
  end(): Promise<void>;
}
