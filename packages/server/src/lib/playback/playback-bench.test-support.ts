import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { countFrameSamples, formatFrame } from "@eet/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import type { SegmentRow } from "../catalog/catalog-reader.ts";
import { openCatalog } from "../catalog/sqlite-catalog.ts";
import { finishSegment } from "../finishing/finish-segment-store.ts";
import type { SentFrame } from "../finishing/reference-decode.test-support.ts";
import { systemClock } from "../kernel/clock.ts";
import type { FinishedSegment, SegmentFileKind } from "../kernel/finished-segment.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import type { ByteRange, ObjectReader } from "../kernel/object-reader.ts";
import type { RecordFormat } from "../kernel/segment-record.ts";
import type { Delivery } from "../recording/delivery.ts";
import type { Intake } from "../recording/intake.ts";
import type { Recorder } from "../recording/recorder.ts";
import { RecordingBench } from "../recording/recording.test-support.ts";
import type { RecordingRequest } from "../recording/session-start.ts";
import { formatObjectKey } from "../upload/object-key.ts";
import { Playback, type RangeAudio } from "./playback.ts";

/** A session to record. */
export interface RecordedSession {
  readonly format: RecordFormat;
  readonly frames: readonly SentFrame[];
  /** Within 10 min of the bench's clock. */
  readonly startMs: number;
  /** Default `mic`. */
  readonly hwid?: string | null;
  /** Default 7. */
  readonly streamId?: number;
  /** Default 1. */
  readonly rotateS?: number;
  readonly gapFill?: "silence" | "skip";
  /** An acknowledged session whose connection is lost in front of so many frames, and comes back. Default: a plain one. */
  readonly lostAt?: number;
}

/** What the session is called that a bench records as the n-th, from 0 on. */
export function sessionIdAt(number: number, { lostAt }: RecordedSession): string {
  return lostAt === undefined ? `s${number}` : String(number + 1).padStart(12, "0");
}

/** Frames that come once more on a new connection. */
const repeatCount = 3;

/** A data folder with recordings and a playback of them. */
export class PlaybackBench implements AsyncDisposable {
  readonly recording: RecordingBench;
  readonly catalog: Catalog;
  /** Of all sessions, in the order of their closing. */
  readonly segments: FinishedSegment[] = [];
  readonly log: MemoryLog;
  playback: Playback;
  readonly #objects: ObjectReader | undefined;
  #sessionCount = 0;

  private constructor(recording: RecordingBench, catalog: Catalog, log: MemoryLog, objects: ObjectReader | undefined) {
    this.recording = recording;
    this.catalog = catalog;
    this.log = log;
    this.#objects = objects;
    this.playback = this.#create();
  }

  static async open(objects?: ObjectReader): Promise<PlaybackBench> {
    const recording = await RecordingBench.open();
    const log = new MemoryLog();
    const catalog = await openCatalog({ path: join(recording.folder, "catalog.db"), log, clock: systemClock });
    return new PlaybackBench(recording, catalog, log, objects);
  }

  #create(): Playback {
    return new Playback({
      reader: this.catalog.reader,
      receivedPath: this.recording.receivedPath,
      overviewPath: this.overviewPath,
      ...(this.#objects !== undefined && { objects: this.#objects }),
      log: this.log,
      threadCount: 1,
    });
  }

  /** Forgets what was kept in memory. */
  async reopen(): Promise<void> {
    await this.playback.close();
    this.playback = this.#create();
  }

  get overviewPath(): string {
    return join(this.recording.folder, "overview");
  }

  /** Records, finishes and catalogues a session. @returns its segments, in order */
  async record(session: RecordedSession): Promise<readonly FinishedSegment[]> {
    const { format, startMs: deviceMs, hwid = "mic", streamId = 7, rotateS = 1, gapFill = "silence" } = session;
    const { recording } = this;
    const firstClosed = recording.closed.length;
    const recorder = recording.recorder({
      ...{ rotateS, gapFill },
      profileOf: () => ({ configuredNibbleOrder: "low" }),
      newSessionId: () => sessionIdAt(this.#sessionCount++, session),
    });
    await stream(recorder, { hwid, streamId, format, deviceMs }, session);
    await recorder.close();
    const { receivedPath } = recording;
    const closed = recording.closed.slice(firstClosed).map((segment) => {
      const finished = finishSegment({
        ...{ receivedPath, overviewPath: this.overviewPath, segment, wantsWav: true, isRecovered: false },
      });
      if (finished === null) throw new Error("a segment without frames");
      return finished;
    });
    await Promise.all(closed.map((segment) => this.catalog.addSegment(segment, [], { isBackfill: false })));
    this.segments.push(...closed);
    return closed;
  }

  /**
   * Takes a segment's audio away from here, after it was noted that some of its files are in the store.
   *
   * @param put - stores a file under a key
   */
  async evict(
    segment: FinishedSegment,
    kinds: readonly SegmentFileKind[],
    put: (key: string, bytes: Buffer) => void = () => {},
  ): Promise<void> {
    await this.catalog.addSegment(segment, kinds, { isBackfill: false });
    for (const task of this.catalog.uploads.claim(100, Date.now())) {
      const key = formatObjectKey("received", task);
      put(key, await readFile(this.pathOf(segment, task.kind)));
      this.catalog.uploads.markStored([{ id: task.id, key, etag: "etag", storedMs: 1 }]);
    }
    const row = await this.rowOf(segment);
    await this.catalog.markEvicted([row.id], 1);
    await this.remove(segment, "bin", "wav");
  }

  async rowOf({ sidecar: { session, start_sample: start } }: FinishedSegment): Promise<SegmentRow> {
    const range = { fromSample: start, toSample: start + 1, limit: 1 };
    const [place] = await this.catalog.reader.segmentsAt(session, range);
    const row = place && (await this.catalog.reader.segment(place.id));
    if (row === undefined) throw new Error("the segment is not catalogued");
    return row;
  }

  pathOf({ sidecar, folder }: FinishedSegment, ending: string): string {
    return join(this.recording.receivedPath, folder, `${sidecar.name}.${ending}`);
  }

  async remove(segment: FinishedSegment, ...endings: readonly string[]): Promise<void> {
    for (const ending of endings) await rm(this.pathOf(segment, ending), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.playback.close();
    await this.catalog.close();
    await this.recording.close();
  }
}

/** Sends a session over one connection, or over two. */
async function stream(recorder: Recorder, request: RecordingRequest, { format, frames, lostAt }: RecordedSession) {
  const send = async (way: Delivery | Intake, sent: readonly SentFrame[]) => {
    for (const { seq, payload } of sent) {
      const message = formatFrame(format.codec, seq, payload);
      if (!way.accept(message, seq, countFrameSamples(format, payload.length, undefined))) await way.drained();
    }
    await way.end();
  };
  if (lostAt === undefined) return await send(recorder.openSession(request), frames);
  const first = recorder.openDelivery(request);
  await send(first, frames.slice(0, lostAt));
  const second = await recorder.resumeDelivery(request, first.session);
  if (second === undefined) throw new Error("the session is not held");
  await send(second, frames.slice(Math.max(0, lostAt - repeatCount)));
}

/** All bytes of a range, or some. */
export async function readAll(audio: RangeAudio, bytes?: ByteRange): Promise<Buffer> {
  return await buffer(audio.read(bytes));
}

/** Interleaved samples of raw bytes. */
export function samplesIn(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readInt16LE(index * 2));
}
