import Type, { type Static } from "typebox";

/** Value of a sidecar's `format` field; a reader refuses what it does not know. */
export const sidecarFormat = "eet.segment/1";

const Count = Type.Integer({ minimum: 0 });
const Milliseconds = Type.Number({ description: "ms since 1970-01-01T00:00:00Z" });
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const Gap = Type.Object({
  from_seq: Type.Integer({ description: "first missing seq, unwrapped" }),
  to_seq: Type.Integer({ description: "first seq after the gap, unwrapped" }),
  start_sample: Type.Integer({ description: "position in the session, samples per channel" }),
  samples: Count,
  estimated: Type.Boolean({ description: "the frame size varies: length taken from the frame before" }),
  cause: Type.Union([Type.Literal("not-received"), Type.Literal("device-dropped"), Type.Literal("storage-failed")]),
});

const Anchor = Type.Object({
  seq: Type.Integer({ description: "unwrapped" }),
  capture_ms: Type.Number({ description: "device wall clock of the frame's first sample, 0 = unknown" }),
  capture_us: Type.Number({ description: "device monotonic clock of the same sample" }),
});

const FileFacts = Type.Object({ bytes: Count, sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }) });

const Levels = Type.Object({
  peak_dbfs: Type.Number({ description: "-120 for digital silence" }),
  rms_dbfs: Type.Number({ description: "-120 for digital silence" }),
  clipped_samples: Count,
  silent_share: Type.Number({ minimum: 0, maximum: 1 }),
  dc_offset: Type.Number({ description: "mean sample, -1 to 1" }),
});

/**
 * Sidecar of a segment: everything needed to read its `.bin` and `.wav` without the server. Field names stand as on
 * disk. [S-1.4]
 */
export const Sidecar = Type.Object(
  {
    format: Type.Literal(sidecarFormat),
    name: Type.String({
      pattern: "^[A-Za-z0-9_-]{1,200}$",
      description: "file name of the segment without ending",
    }),
    hwid: Nullable(Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" })),
    stream_id: Count,
    session: Type.String({ pattern: "^[0-9a-z]{1,24}$" }),
    acked: Type.Optional(
      Type.Boolean({ description: "session of `eet.v1+ack`: can be resumed, holds no frame twice; missing = false" }),
    ),
    index: Count,
    audio: Type.Object({
      codec: Type.Union([Type.Literal("pcm16"), Type.Literal("adpcm")]),
      sample_rate_hz: Type.Integer(),
      channels: Type.Integer({ minimum: 1, maximum: 8 }),
      frame_samples: Type.Integer({ minimum: 0, description: "samples per channel in a full frame, 0 = varies" }),
      adpcm_layout: Nullable(Type.Union([Type.Literal("ms4"), Type.Literal("single")])),
    }),
    nibble_order: Nullable(
      Type.Object({
        order: Type.Union([Type.Literal("low"), Type.Literal("high")]),
        source: Type.Union([
          Type.Literal("config"),
          Type.Literal("exact"),
          Type.Literal("statistical"),
          Type.Literal("cached"),
          Type.Literal("default"),
        ]),
      }),
    ),
    first_seq: Type.Integer({ description: "unwrapped" }),
    last_seq: Type.Integer({ description: "unwrapped" }),
    frames: Count,
    duplicates: Type.Integer({ minimum: 0, description: "frames that repeat the seq before them; stored and decoded" }),
    dropped_duplicates: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: "frames of an acknowledged session that had come before and were dropped; missing = not known",
      }),
    ),
    start_sample: Type.Integer({ minimum: 0, description: "position in the session, samples per channel" }),
    samples: Type.Integer({ minimum: 0, description: "per channel on the time line, gaps included" }),
    wav_samples: Nullable(Type.Integer({ minimum: 0, description: "per channel in the .wav" })),
    gap_fill: Type.Union([Type.Literal("silence"), Type.Literal("skip")]),
    gaps: Type.Array(Gap),
    repaired_samples: Type.Integer({ minimum: 0, description: "odd frames: last sample restored exactly" }),
    concealed_samples: Type.Integer({
      minimum: 0,
      description: "odd frames: last sample held, the exact one is unknown",
    }),
    time: Type.Object({
      start_ms: Milliseconds,
      end_ms: Milliseconds,
      session_start_ms: Milliseconds,
      rule: Type.Union([
        Type.Literal("device-synced"),
        Type.Literal("device-unverified"),
        Type.Literal("server-arrival"),
      ]),
      device_start_ms: Type.Number({ description: "as the handshake says; 0 = not given" }),
      server_start_ms: Type.Number({ description: "arrival of the session's first frame less its length" }),
      warning: Nullable(Type.Union([Type.Literal("probably-seconds"), Type.Literal("out-of-range")])),
    }),
    received: Nullable(Type.Object({ first_ms: Milliseconds, last_ms: Milliseconds })),
    drift_ppm: Nullable(
      Type.Number({ description: "how much faster than declared the device samples, by the session so far" }),
    ),
    anchors: Type.Array(Anchor, { description: "in the order of seq" }),
    levels: Nullable(Levels),
    hum_share: Type.Optional(
      Nullable(
        Type.Number({
          minimum: 0,
          maximum: 1,
          description:
            "share of the first channel's power at 50 or 60 Hz and their harmonics, by a second of every eight; missing, null = not known",
        }),
      ),
    ),
    files: Type.Object({ bin: FileFacts, wav: Nullable(FileFacts) }),
    close_reason: Type.Union([
      Type.Literal("rotation"),
      Type.Literal("gap"),
      Type.Literal("idle"),
      Type.Literal("session-ended"),
      Type.Literal("disconnected"),
      Type.Literal("size-limit"),
      Type.Literal("storage-failed"),
      Type.Literal("recovered"),
    ]),
    next_frame: Nullable(
      Type.Object(
        { seq: Type.Integer(), predictor: Type.Integer(), step_index: Type.Integer() },
        { description: "decoder state in front of the session's next frame, when it follows without a gap" },
      ),
    ),
    recovered: Type.Boolean({ description: "closed after a crash of the server or of the machine" }),
  },
  { $id: sidecarFormat, additionalProperties: false },
);

/** A parsed sidecar. */
export type Sidecar = Static<typeof Sidecar>;
