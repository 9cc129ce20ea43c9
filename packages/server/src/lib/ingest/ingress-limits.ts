/** What one connection may bring. */
export interface IngressLimits {
  /** How many times as fast as its format says a device is read, for long; 0: as fast as it sends. */
  readonly maxRateFactor: number;
  /** WebSocket frames in a second, about. */
  readonly maxFramesPerS: number;
  readonly maxControlFramesPerS: number;
  /** Of one message. */
  readonly maxMessageBytes: number;
  /** WebSocket frames of one message. */
  readonly maxFragments: number;
  /** Of a message to the echo. */
  readonly maxEchoBytes: number;
}

/** As without any settings. */
export const defaultIngressLimits: IngressLimits = {
  maxRateFactor: 100,
  maxFramesPerS: 20_000,
  maxControlFramesPerS: 100,
  maxMessageBytes: 1_048_576,
  maxFragments: 2_048,
  maxEchoBytes: 1_048_576,
};
