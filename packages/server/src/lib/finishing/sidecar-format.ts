import type {
  AnchorRecord,
  ClosedSegment,
  GapRecord,
  SegmentObservations,
  SegmentOpening,
} from "../kernel/segment-record.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import type { FrameScan } from "./frame-scan.ts";
import type { FileFacts } from "./hashed-target-store.ts";
import type { NibbleDecision } from "./nibble-decision.ts";
import type { Rendering } from "./segment-rendering.ts";

/** Everything that a sidecar is made of. */
export interface SidecarFacts {
  readonly segment: ClosedSegment;
  readonly scan: FrameScan;
  readonly nibbleOrder: NibbleDecision | null;
  readonly bin: FileFacts;
  /** `null` when the samples cannot be had. */
  readonly rendering: Rendering | null;
  /** False when WAVs are switched off, the disk has no room for them or the samples cannot be had. */
  readonly hasWav: boolean;
  readonly isRecovered: boolean;
}

/** Not taken from the schema, whose modules take a thread longer to load than all else that finishing needs. */
const sidecarFormat: Sidecar["format"] = "eet.segment/1";

/** Makes the sidecar of a finished segment. [S-1.4] */
export function createSidecar(facts: SidecarFacts): Sidecar {
  const { segment, scan, rendering, hasWav } = facts;
  const { opening, observations } = segment;
  const { session, hwid, streamId, format, profile, isAcked } = opening.session;
  return {
    format: sidecarFormat,
    name: opening.name,
    hwid,
    stream_id: streamId,
    session,
    // Left out where it is false: sidecars of plain sessions are the same as before there were others.
    ...(isAcked && { acked: true }),
    index: opening.index,
    audio: {
      codec: format.codec,
      sample_rate_hz: format.sampleRateHz,
      channels: format.channels,
      frame_samples: format.frameSampleCount,
      adpcm_layout: profile.adpcmLayout ?? null,
    },
    nibble_order: facts.nibbleOrder,
    first_seq: scan.firstSeq,
    last_seq: scan.lastSeq,
    frames: scan.frameCount,
    duplicates: scan.repeatCount,
    ...(isAcked && observations !== null && { dropped_duplicates: observations.droppedDuplicateCount }),
    start_sample: opening.start.sample,
    samples: scan.sampleCount,
    wav_samples: hasWav && rendering !== null ? rendering.sampleCount : null,
    gap_fill: opening.gapFill,
    gaps: scan.gaps.map(formatGap),
    repaired_samples: rendering?.repairedSampleCount ?? 0,
    concealed_samples: rendering?.concealedSampleCount ?? 0,
    time: createTime(opening, scan.sampleCount),
    received:
      segment.received === null ? null : { first_ms: segment.received.firstMs, last_ms: segment.received.lastMs },
    drift_ppm: observations?.driftPpm ?? null,
    anchors: (observations?.anchors ?? []).map(formatAnchor),
    levels: rendering === null ? null : createLevels(rendering),
    hum_share: rendering?.humShare ?? null,
    files: { bin: facts.bin, wav: hasWav && rendering !== null ? rendering.wav : null },
    close_reason: segment.reason,
    next_frame:
      segment.nextFrame === null
        ? null
        : {
            seq: segment.nextFrame.seq,
            predictor: segment.nextFrame.predictor,
            step_index: segment.nextFrame.stepIndex,
          },
    recovered: facts.isRecovered,
  };
}

function createTime({ session, start }: SegmentOpening, sampleCount: number): Sidecar["time"] {
  const { startMs, rule, deviceMs, serverMs, warning } = session.start;
  const atSample = (sample: number) => roundToMicroseconds(startMs + (sample * 1000) / session.format.sampleRateHz);
  return {
    start_ms: atSample(start.sample),
    end_ms: atSample(start.sample + sampleCount),
    session_start_ms: startMs,
    rule,
    device_start_ms: deviceMs,
    server_start_ms: serverMs,
    warning,
  };
}

function roundToMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function createLevels({ levels }: Rendering): NonNullable<Sidecar["levels"]> {
  return {
    peak_dbfs: levels.peakDbfs,
    rms_dbfs: levels.rmsDbfs,
    clipped_samples: levels.clippedSampleCount,
    silent_share: levels.silentShare,
    dc_offset: levels.dcOffset,
  };
}

function formatAnchor({ seq, captureMs, captureUs }: AnchorRecord): Sidecar["anchors"][number] {
  return { seq, capture_ms: captureMs, capture_us: captureUs };
}

function parseAnchor({ seq, capture_ms, capture_us }: Sidecar["anchors"][number]): AnchorRecord {
  return { seq, captureMs: capture_ms, captureUs: capture_us };
}

function formatGap(gap: GapRecord): Sidecar["gaps"][number] {
  return {
    from_seq: gap.fromSeq,
    to_seq: gap.toSeq,
    start_sample: gap.startSample,
    samples: gap.sampleCount,
    estimated: gap.isEstimated,
    cause: gap.cause,
  };
}

function parseGap(gap: Sidecar["gaps"][number]): GapRecord {
  return {
    fromSeq: gap.from_seq,
    toSeq: gap.to_seq,
    startSample: gap.start_sample,
    sampleCount: gap.samples,
    isEstimated: gap.estimated,
    cause: gap.cause,
  };
}

/** Text of a sidecar file. */
export function formatSidecar(sidecar: Sidecar): string {
  return `${JSON.stringify(sidecar, null, 2)}\n`;
}

/** The closed segment that a sidecar describes, so that its files can be derived again. */
export function segmentOfSidecar(sidecar: Sidecar, folder: string): ClosedSegment {
  const gaps = sidecar.gaps.map(parseGap);
  // A gap that ends at the first frame led the segment; it lies inside when the segment starts with it.
  const leadingGap = gaps.find((gap) => gap.toSeq === sidecar.first_seq) ?? null;
  const isInside = leadingGap !== null && leadingGap.startSample === sidecar.start_sample;
  const { audio, time, nibble_order: nibbleOrder } = sidecar;
  const next = sidecar.next_frame;
  return {
    opening: {
      version: "eet.open/1",
      session: {
        session: sidecar.session,
        hwid: sidecar.hwid,
        streamId: sidecar.stream_id,
        format: {
          codec: audio.codec,
          sampleRateHz: audio.sample_rate_hz,
          channels: audio.channels,
          frameSampleCount: audio.frame_samples,
        },
        start: {
          startMs: time.session_start_ms,
          rule: time.rule,
          deviceMs: time.device_start_ms,
          serverMs: time.server_start_ms,
          warning: time.warning,
        },
        profile: {
          ...(nibbleOrder?.source === "config" && { configuredNibbleOrder: nibbleOrder.order }),
          ...(nibbleOrder?.source === "cached" && { cachedNibbleOrder: nibbleOrder.order }),
          ...(audio.adpcm_layout !== null && { adpcmLayout: audio.adpcm_layout }),
        },
        isAcked: sidecar.acked ?? false,
      },
      index: sidecar.index,
      name: sidecar.name,
      folder,
      start: { seq: isInside ? leadingGap.fromSeq : sidecar.first_seq, sample: sidecar.start_sample },
      leadingGap,
      gapFill: sidecar.gap_fill,
      bootId: "",
      runId: "",
      logNumber: 0,
    },
    binBytes: sidecar.files.bin.bytes,
    reason: sidecar.close_reason,
    received:
      sidecar.received === null ? null : { firstMs: sidecar.received.first_ms, lastMs: sidecar.received.last_ms },
    observations: readObservations(sidecar, leadingGap),
    nextFrame: next === null ? null : { seq: next.seq, predictor: next.predictor, stepIndex: next.step_index },
  };
}

/** What a sidecar tells of what was seen on receipt; `null` when that is nothing. */
function readObservations(sidecar: Sidecar, leadingGap: GapRecord | null): SegmentObservations | null {
  const { anchors, drift_ppm: driftPpm, dropped_duplicates: droppedDuplicateCount, gaps } = sidecar;
  // The leading gap's cause stands in the opening.
  const deviceDroppedSeqs = gaps
    .filter((gap) => gap.cause === "device-dropped" && gap.to_seq !== leadingGap?.toSeq)
    .map((gap) => gap.from_seq);
  const isNothing = driftPpm === null && anchors.length === 0 && deviceDroppedSeqs.length === 0;
  if (isNothing && droppedDuplicateCount === undefined) return null;
  return {
    anchors: anchors.map(parseAnchor),
    driftPpm,
    droppedDuplicateCount: droppedDuplicateCount ?? 0,
    deviceDroppedSeqs,
  };
}
