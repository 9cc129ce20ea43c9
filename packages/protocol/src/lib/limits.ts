/** Bounds of the wire protocol. Units stand last in the names. */
export const limits = {
  /** Size of the handshake; bytes past it are ignored. [P-1.1] */
  handshakeBytes: 32,
  /** Size of the header in front of each frame's payload. [P-1.2] */
  frameHeaderBytes: 12,
  /** Size of the decoder state in front of ADPCM codes. [P-1.4] */
  adpcmHeaderBytes: 4,
  /** Bytes by which an ADPCM payload may exceed a full frame. [P-1.4] */
  adpcmSlackBytes: 16,
  minSampleRateHz: 4_000,
  maxSampleRateHz: 192_000,
  maxChannels: 8,
  maxStepIndex: 88,
  /** Largest WebSocket message. */
  maxMessageBytes: 1_048_576,
  /** Most WebSocket frames that one message may be split into. */
  maxFragmentCount: 2_048,
  maxHwidLength: 64,
  /** A connection without a handshake after this time is dropped. */
  handshakeTimeoutMs: 10_000,
  /** Silence after which the server pings. [P-3.3] */
  pingAfterMs: 25_000,
  /** Silence after which the server drops the connection. [P-3.3] */
  livenessTimeoutMs: 75_000,
  /** Acks come at most this often unless the server is configured otherwise. [P-2.6] */
  ackIntervalMs: 1_000,
  /** How long a session without a connection can be resumed. [P-2.4] */
  resumeTtlS: 24 * 60 * 60,
  /** Without a welcome after this time the server does not speak `eet.v1+ack`. [P-2.1] */
  welcomeTimeoutMs: 3_000,
  /** Port that devices expect. [P-1.8] */
  defaultPort: 5096,
} as const;
