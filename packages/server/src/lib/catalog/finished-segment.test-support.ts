import { createHash } from "node:crypto";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import { type Sidecar, sidecarFormat } from "../kernel/sidecar.ts";

/** 2026-01-01T00:00:00Z: start of every session made here. */
export const sessionStartMs = Date.UTC(2026, 0, 1);

/** The parts of a segment that tests vary. */
export interface SegmentDraft {
  readonly hwid?: string | null;
  readonly session?: string;
  readonly index?: number;
  /** Content of the files: another one gives other hashes. */
  readonly content?: string;
  readonly hasWav?: boolean;
  readonly sidecar?: Partial<Sidecar>;
}

/** Lower-case hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A finished 10 s segment at 16 kHz mono. */
export function finishedSegment(draft: SegmentDraft = {}): FinishedSegment {
  const { hwid = "mic-1", session = "s1", index = 0, content = "a", hasWav = true } = draft;
  const startMs = sessionStartMs + index * 10_000;
  const name = `stream_7_${hwid === null ? "" : `${hwid}_`}20260101_${session}-${index}`;
  const sidecar: Sidecar = {
    format: sidecarFormat,
    name,
    hwid,
    stream_id: 7,
    session,
    index,
    audio: { codec: "adpcm", sample_rate_hz: 16_000, channels: 1, frame_samples: 320, adpcm_layout: null },
    nibble_order: { order: "low", source: "exact" },
    first_seq: index * 500,
    last_seq: index * 500 + 499,
    frames: 500,
    duplicates: 0,
    start_sample: index * 160_000,
    samples: 160_000,
    wav_samples: hasWav ? 160_000 : null,
    gap_fill: "silence",
    gaps: [],
    repaired_samples: 0,
    concealed_samples: 0,
    time: {
      start_ms: startMs,
      end_ms: startMs + 10_000,
      session_start_ms: sessionStartMs,
      rule: "device-synced",
      device_start_ms: sessionStartMs,
      server_start_ms: sessionStartMs + 40.5,
      warning: null,
    },
    received: { first_ms: startMs + 60, last_ms: startMs + 10_040 },
    drift_ppm: null,
    anchors: [],
    levels: { peak_dbfs: -3.5, rms_dbfs: -20.25, clipped_samples: 2, silent_share: 0.25, dc_offset: 0 },
    files: {
      bin: { bytes: 86_000, sha256: sha256(`${name}.bin ${content}`) },
      wav: hasWav ? { bytes: 320_800, sha256: sha256(`${name}.wav ${content}`) } : null,
    },
    close_reason: "rotation",
    next_frame: null,
    recovered: false,
    ...draft.sidecar,
  };
  const json = `${name}.json ${content} ${hasWav}`;
  return { sidecar, folder: hwid ?? "", sidecarBytes: 1500, sidecarSha256: sha256(json) };
}
