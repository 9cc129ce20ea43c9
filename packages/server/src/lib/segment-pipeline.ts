import { join } from "node:path";
import type { Catalog } from "./catalog/catalog.ts";
import type { DeviceProfiles } from "./device-profiles.ts";
import type { Finisher } from "./finishing/finisher.ts";
import type { IngestHost } from "./hosting/ingest-host.ts";
import type { FinishedSegment } from "./kernel/finished-segment.ts";
import type { Log } from "./kernel/log.ts";
import type { RecordingEvent, RecordingListener } from "./kernel/recording-events.ts";
import type { ClosedSegment } from "./kernel/segment-record.ts";
import { removeFile } from "./storage/durable-file-store.ts";
import { segmentEndings } from "./storage/segment-path.ts";
import type { Uploading } from "./uploading.ts";

export interface SegmentPipelineOptions {
  readonly catalog: Catalog;
  /** Told of segments of its own that are finished, and of what they tell of their device. */
  readonly ingest: Pick<IngestHost, "isOwnRun" | "closeSegment" | "learn">;
  readonly profiles: DeviceProfiles;
  /** `data/received` */
  readonly receivedPath: string;
  readonly log: Log;
  readonly uploading: Uploading | undefined;
  readonly onSegmentClosed?: ((segment: FinishedSegment) => void) | undefined;
}

/** What the pipeline asks of a finisher. */
type PipelineFinisher = Pick<Finisher, "finish" | "settled">;

/** Hands segments on: recording > finishing > catalogue > upload. Each arrow one hand-over, in one direction. */
export class SegmentPipeline {
  readonly #options: SegmentPipelineOptions;
  /** Sessions that this run records, or whose end is not catalogued yet, with how often. */
  readonly #live = new Map<string, number>();
  /** Names of segments that the finisher has, or has given up on. */
  readonly #handedOn = new Set<string>();

  constructor(options: SegmentPipelineOptions) {
    this.#options = options;
  }

  /** Takes the recording side's events and passes closed segments to `finisher`. */
  listen(finisher: PipelineFinisher): RecordingListener {
    return (event) => this.#onEvent(event, finisher);
  }

  /** True for a session that this run records, or whose end it is about to catalogue. */
  isLive(session: string): boolean {
    return this.#live.has(session);
  }

  /** True for a segment that was closed and is not catalogued yet, by its name. */
  isOnItsWay(name: string): boolean {
    return this.#handedOn.has(name);
  }

  #count(session: string, change: 1 | -1): void {
    const count = (this.#live.get(session) ?? 0) + change;
    if (count > 0) this.#live.set(session, count);
    else this.#live.delete(session);
  }

  #onEvent(event: RecordingEvent, finisher: PipelineFinisher): void {
    const { log, catalog } = this.#options;
    if (event.type === "segment.closed") {
      this.#handedOn.add(event.segment.opening.name);
      void finisher.finish(event.segment, false);
    } else if (event.type === "storage.failed") {
      log.error(
        { code: event.code, error: event.message },
        "storage failed: frames stay in memory and are tried again",
      );
    } else if (event.type === "storage.gave-up") {
      log.error(
        { code: "STORAGE_IO", segment: event.opening.name, unsyncedBytes: event.unsyncedBytes },
        "the disk refuses whatever is tried: the segment is left open, the next start takes what the disk has kept",
      );
    } else if (event.type === "session.closed") {
      const { session } = event.session;
      void this.#afterSegments(session, finisher, () => catalog.endSession(session, event.endedMs)).then(() =>
        this.#count(session, -1),
      );
    } else if (event.type === "session.lost") {
      this.#count(event.session.session, -1);
    } else if (event.type === "session.opened") {
      this.#count(event.session.session, 1);
    } else if (event.type === "session.resumed") {
      const { session } = event.session;
      this.#count(session, 1);
      void this.#afterSegments(session, finisher, () => catalog.resumeSession(session));
    } else if (event.type === "drift.suspicious") {
      const { session, hwid, format } = event.session;
      log.warn(
        { hwid, session, driftPpm: event.driftPpm, sampleRateHz: format.sampleRateHz },
        "declared sample rate looks wrong",
      );
    }
  }

  /** The catalogue knows sessions by their segments; and a session resumes behind its end, which waits for them as well. */
  #afterSegments(session: string, finisher: PipelineFinisher, write: () => Promise<void>): Promise<void> {
    return finisher
      .settled(session)
      .then(write)
      .catch((error: Error) =>
        this.#options.log.warn({ session, error: error.message }, "end or resumption of a session not catalogued"),
      );
  }

  /** Catalogues a finished segment, which then needs its `.open.json` no more. [S-2.3] */
  async take(segment: FinishedSegment, closed: ClosedSegment): Promise<void> {
    const { catalog, ingest, receivedPath, uploading } = this.#options;
    const { opening } = closed;
    const isLive = ingest.isOwnRun(opening.runId);
    // An old segment that is derived again says nothing of the device's firmware today.
    if (isLive) this.#learn(segment);
    await catalog.addSegment(segment, uploading?.kinds ?? [], { isBackfill: !isLive });
    await removeFile(join(receivedPath, opening.folder, `${opening.name}${segmentEndings.open}`));
    this.#handedOn.delete(opening.name);
    ingest.closeSegment(opening);
    uploading?.notify();
    this.#log(segment);
    this.#options.onSegmentClosed?.(segment);
  }

  /** Forgets a segment that turned out to hold no frame. */
  drop({ opening }: ClosedSegment): void {
    this.#handedOn.delete(opening.name);
    this.#options.ingest.closeSegment(opening);
  }

  #learn(segment: FinishedSegment): void {
    const { ingest, profiles } = this.#options;
    const { hwid } = segment.sidecar;
    if (profiles.learn(segment) && hwid !== null) ingest.learn(hwid, profiles.profileOf(hwid));
  }

  #log({ sidecar, folder }: FinishedSegment): void {
    const { hwid, stream_id, session, index, name, samples, audio, frames, gaps, nibble_order, levels, files } =
      sidecar;
    this.#options.log.info(
      {
        hwid,
        streamId: stream_id,
        session,
        index,
        file: folder === "" ? name : `${folder}/${name}`,
        seconds: Math.round((samples / audio.sample_rate_hz) * 1000) / 1000,
        frames,
        gaps: gaps.length,
        binBytes: files.bin.bytes,
        wavBytes: files.wav?.bytes ?? 0,
        peakDbfs: levels?.peak_dbfs ?? null,
        ...(nibble_order !== null && { nibbleOrder: nibble_order.order, nibbleSource: nibble_order.source }),
        reason: sidecar.close_reason,
        ...(sidecar.recovered && { recovered: true }),
      },
      "segment closed",
    );
  }
}
