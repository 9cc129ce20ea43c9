/** One open WebSocket, as the endpoint keeps it. */
export interface WsLink {
  /** Looks at the clock; called about once a second. */
  sweep(): void;
  /** Drops TCP without a CLOSE frame, after what was read is handled. [P-1.9] */
  stop(): void;
  /** Resolves when the socket is gone and what came over it is durable; never rejects. */
  readonly ended: Promise<void>;
}
