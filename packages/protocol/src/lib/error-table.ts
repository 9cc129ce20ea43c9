/** One row of the table of wire violations. */
export interface WireErrorRow {
  /** One line, present tense, no full stop. */
  readonly title: string;
  /**
   * Status of the CLOSE frame on a version 1 connection; `undefined`: TCP is dropped without one [P-1.9], or the row is
   * for `eet.v1+ack` only.
   */
  readonly closeCode?: number;
  /** Reason text of the CLOSE frame; fixed, since devices in the field compare it. [P-1.9] */
  readonly closeReason?: string;
  /** Status on an `eet.v1+ack` connection. [P-2.8] */
  readonly ackCloseCode: number;
  readonly retry: "never" | "after-fix" | "backoff";
  /** What to do, as an imperative sentence. */
  readonly fix: string;
}

const handshake = {
  closeCode: 1008,
  closeReason: "invalid handshake",
  ackCloseCode: 4400,
  retry: "after-fix",
} as const;
const frame = { closeCode: 1008, closeReason: "invalid audio frame", ackCloseCode: 4422, retry: "after-fix" } as const;
/** Messages that only `eet.v1+ack` has; on other connections they are no frames. */
const ackOnly = { ackCloseCode: 4422, retry: "after-fix" } as const;
const size = { closeCode: 1008, closeReason: "frame payload size invalid", retry: "after-fix" } as const;

/** Every way in which a device can violate the wire protocol. */
export const wireErrors = {
  HANDSHAKE_TOO_SHORT: {
    ...handshake,
    title: "The first message is shorter than a handshake",
    fix: "Send the 32-byte handshake as one binary message before anything else.",
  },
  HANDSHAKE_MAGIC: {
    ...handshake,
    title: "The first message is not a handshake",
    fix: "Start the first message with the bytes 43 50 44 41; audio frames come after it.",
  },
  HANDSHAKE_VERSION: {
    ...handshake,
    title: "The handshake has an unknown version or header length",
    fix: "Send version 1 with header_len 32.",
  },
  HANDSHAKE_SAMPLE_RATE: {
    ...handshake,
    ackCloseCode: 4415,
    title: "The sample rate is out of range",
    fix: "Record at 4000 to 192000 Hz.",
  },
  HANDSHAKE_CHANNELS: {
    ...handshake,
    ackCloseCode: 4415,
    title: "The channel count is out of range",
    fix: "Send 1 to 8 channels.",
  },
  HANDSHAKE_CODEC: {
    ...handshake,
    ackCloseCode: 4415,
    title: "The codec is unknown",
    fix: "Use codec 0 (PCM16) or 1 (IMA ADPCM).",
  },
  HANDSHAKE_TIMEOUT: {
    ackCloseCode: 4408,
    title: "No handshake came in time",
    retry: "backoff",
    fix: "Send the handshake within 10 seconds of connecting.",
  },
  BINARY_REQUIRED: {
    closeCode: 1003,
    closeReason: "binary required",
    ackCloseCode: 4422,
    title: "A text message came where only binary ones are allowed",
    retry: "after-fix",
    fix: "Send handshake and frames as binary messages (opcode 2).",
  },
  FRAME_TOO_SHORT: {
    ...frame,
    title: "An audio frame is shorter than its header",
    fix: "Send the 12-byte header {magic, length, seq} in front of each payload.",
  },
  FRAME_MAGIC: {
    ...frame,
    title: "A message is not an audio frame",
    fix: "Start frames with 46 50 44 41 (ADPCM) or 50 43 4D 46 (PCM); a handshake is sent once only.",
  },
  FRAME_LENGTH: {
    ...frame,
    title: "The length field differs from the payload's size",
    fix: "Set length to the message's size minus 12, and send one frame per message.",
  },
  FRAME_CODEC: {
    closeCode: 1008,
    closeReason: "frame codec mismatch",
    ackCloseCode: 4422,
    title: "A frame's codec is not the handshake's",
    retry: "after-fix",
    fix: "Send frames of the codec that the handshake declares.",
  },
  FRAME_STEP_INDEX: {
    ...frame,
    title: "An ADPCM frame has a step index above 88",
    fix: "Send the encoder's state before the frame: i16 predictor, u8 step index (0 to 88), u8 0.",
  },
  FRAME_PAYLOAD_SIZE: {
    ...size,
    ackCloseCode: 4422,
    title: "A frame's payload has a size that its format cannot have",
    fix: "Send PCM payloads in multiples of channels*2 bytes and ADPCM payloads of at least 4 bytes.",
  },
  FRAME_TOO_LONG: {
    ...size,
    ackCloseCode: 4413,
    title: "A frame holds more samples than the handshake declares",
    fix: "Declare the largest frame in frame_samples, or 0 when it varies.",
  },
  MESSAGE_TOO_BIG: {
    closeCode: 1009,
    closeReason: "too big",
    ackCloseCode: 1009,
    title: "A message is larger than the server takes",
    retry: "after-fix",
    fix: "Send messages of at most 1 MiB in at most 2048 fragments; smaller frames do.",
  },
  MESSAGE_INVALID: {
    closeCode: 1002,
    closeReason: "",
    ackCloseCode: 1002,
    title: "The bytes are not valid WebSocket frames",
    retry: "after-fix",
    fix: "Mask client frames and leave reserved bits clear (RFC 6455).",
  },
  CONTROL_LENGTH: {
    ...ackOnly,
    title: "A control message has a payload of another size",
    fix: "Send RSUM with 12, ANCR with 24 and FINI with 0 bytes of payload.",
  },
  RESUME_LATE: {
    ...ackOnly,
    title: "RSUM came twice or behind an audio frame",
    fix: "Send RSUM right behind the handshake, once, and frames after the WELC that answers it.",
  },
  FRAME_AFTER_FINISH: {
    ...ackOnly,
    title: "A message came behind FINI",
    fix: "Send FINI behind the last frame; start a new connection for more.",
  },
  FRAME_SEQ_JUMP: {
    ...ackOnly,
    title: "A frame's seq is days ahead of the one before it",
    fix: "Count frames in steps of one; start a new session rather than jump.",
  },
  SUPERSEDED: {
    ackCloseCode: 4409,
    title: "A newer connection has taken the session over",
    retry: "never",
    fix: "Nothing is lost. Make sure that only one instance of the device runs.",
  },
  LIVENESS_TIMEOUT: {
    ackCloseCode: 4408,
    title: "No byte came for 75 seconds",
    retry: "backoff",
    fix: "Answer pings, or send at least one frame a minute.",
  },
} as const satisfies Record<string, WireErrorRow>;

/** Code of a wire violation, a key of {@link wireErrors}. */
export type WireErrorCode = keyof typeof wireErrors;
