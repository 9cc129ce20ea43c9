import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock } from "node:test";
import { formatFrame } from "@eet/protocol";
import type { Clock, MonotonicMs, WallMs } from "../kernel/clock.ts";
import { DelayQueue } from "../kernel/delay-queue.ts";
import type { RecordingEvent } from "../kernel/recording-events.ts";
import type { ClosedSegment, RecordFormat, SegmentOpening } from "../kernel/segment-record.ts";
import { FrameLog } from "../storage/frame-log-store.ts";
import { SegmentFolders } from "../storage/segment-folder-store.ts";
import { ChunkPool } from "./chunk-pool.ts";
import { Recorder, type RecorderOptions } from "./recorder.ts";
import { RecordingTally } from "./recording-tally.ts";
import { SegmentFile, type SegmentFileContext } from "./segment-file.ts";
import type { WritableSegment } from "./segment-writer.ts";
import type { SessionContext } from "./session-context.ts";
import type { RecordingRequest } from "./session-start.ts";

/** Wall clock when a {@link FakeClock} starts: 2026-01-01T00:00:00Z. */
export const startWallMs = Date.UTC(2026, 0, 1);

/** A clock that stands still unless it is told. */
export class FakeClock implements Clock {
  nowMs = 0;
  /** By how much the wall clock was set. */
  stepMs = 0;

  wallMs(): WallMs {
    return (startWallMs + this.nowMs + this.stepMs) as WallMs;
  }

  monotonicMs(): MonotonicMs {
    return this.nowMs as MonotonicMs;
  }

  /** Moves on with the mocked timers, in steps as small as the scheduler's. */
  advance(ms: number): void {
    for (let left = ms; left > 0; left -= 5) {
      const stepMs = Math.min(left, 5);
      this.nowMs += stepMs;
      mock.timers.tick(stepMs);
    }
  }
}

/** One thing done to a segment's file. */
export interface FileOperation {
  readonly kind: "open" | "write" | "sync" | "close";
  readonly name: string;
  /** Where the write starts; 0 for the rest. */
  readonly offset: number;
  /** Bytes that are written; 0 for the rest. */
  readonly byteCount: number;
}

/** Grows; lets tests wait for what it shall hold. */
export class Journal<T> {
  readonly entries: T[] = [];
  #changed = Promise.withResolvers<void>();

  add(entry: T): void {
    this.entries.push(entry);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Resolves once `condition` holds for the entries. */
  async until(condition: (entries: readonly T[]) => boolean): Promise<void> {
    while (!condition(this.entries)) await this.#changed.promise;
  }
}

/** A fault as the system reports it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as if`), { code });
}

export const pcmFormat: RecordFormat = { codec: "pcm16", sampleRateHz: 4_000, channels: 1, frameSampleCount: 80 };
export const pcmRequest: RecordingRequest = { hwid: "mic", streamId: 7, format: pcmFormat, deviceMs: startWallMs };

/** A full frame of {@link pcmFormat}, 20 ms, told apart by its seq. */
export function pcmFrame(seq: number): Uint8Array {
  return formatFrame("pcm16", seq, new Uint8Array(160).fill(seq));
}

/** Bytes of {@link pcmFrame}. */
export const pcmFrameBytes = 172;

/** A data folder with all that recording needs; faults are set on its files. */
export class RecordingBench {
  readonly folder: string;
  readonly receivedPath: string;
  readonly frameLog: FrameLog;
  readonly #files: SegmentFileContext;
  readonly clock = new FakeClock();
  /** Flushes every 250 ms. */
  readonly scheduler = new DelayQueue(this.clock, 250);
  readonly events = new Journal<RecordingEvent>();
  readonly operations = new Journal<FileOperation>();
  /** Asked before each operation; what it returns is thrown. */
  fault: (operation: FileOperation) => Error | undefined = () => undefined;

  readonly #running = new Set<Promise<void>>();

  private constructor(folder: string, frameLog: FrameLog) {
    this.folder = folder;
    this.receivedPath = join(folder, "received");
    this.frameLog = frameLog;
    this.#files = { receivedPath: this.receivedPath, folders: new SegmentFolders(this.receivedPath), frameLog };
  }

  static async open(): Promise<RecordingBench> {
    const folder = await mkdtemp(join(tmpdir(), "eet-recording-"));
    await mkdir(join(folder, "received"));
    const frameLog = await FrameLog.open({
      folder: join(folder, "frame-log"),
      runId: "run",
      onError: (error) => {
        throw error;
      },
    });
    return new RecordingBench(folder, frameLog);
  }

  async close(): Promise<void> {
    this.scheduler.close();
    await this.frameLog.close();
    await rm(this.folder, { recursive: true });
  }

  /** Parts that recorders share, for a session or a writer by itself. */
  get context(): SessionContext {
    const { clock, openFile, frameLog, scheduler } = this;
    return {
      clock,
      openFile,
      frameLog,
      chunks: new ChunkPool(),
      scheduler,
      flushIntervalMs: 1_000,
      limitSync: (sync) => sync(),
      tally: new RecordingTally(),
      layout: "{hwid}",
      gapFill: "silence",
      bootId: "boot",
      runId: "run",
      listener: (event) => this.events.add(event),
    };
  }

  /** A recorder whose settings are those of {@link context}, with segments of 1 s. */
  recorder(options: Partial<RecorderOptions> = {}): Recorder {
    let sessionCount = 0;
    return new Recorder({
      ...this.context,
      receivedPath: this.receivedPath,
      rotateS: 1,
      rotateAlign: false,
      profileOf: () => ({}),
      frameLog: this.frameLog,
      resumeTtlMs: 60_000,
      findEnded: () => Promise.resolve(undefined),
      newSessionId: () => `s${sessionCount++}`,
      ...options,
    });
  }

  /** Opens real files that tell what is done to them and fail when they shall. */
  readonly openFile = async (opening: SegmentOpening): Promise<WritableSegment> => {
    const { name } = opening;
    const run = <T>(kind: FileOperation["kind"], work: () => Promise<T>, offset = 0, byteCount = 0) =>
      this.#run({ kind, name, offset, byteCount }, work);
    const file = await run("open", () => SegmentFile.open(opening, this.#files));
    return {
      write: (slices, offset) => {
        const byteCount = slices.reduce((sum, slice) => sum + slice.byteLength, 0);
        return run("write", () => file.write(slices, offset), offset, byteCount);
      },
      sync: (offset) => run("sync", () => file.sync(offset)),
      close: () => run("close", () => file.close()),
    };
  };

  async #run<T>(operation: FileOperation, work: () => Promise<T>): Promise<T> {
    const done = Promise.withResolvers<void>();
    this.#running.add(done.promise);
    this.operations.add(operation);
    try {
      const error = this.fault(operation);
      if (error !== undefined) throw error;
      return await work();
    } finally {
      this.#running.delete(done.promise);
      done.resolve();
    }
  }

  /** Resolves when nothing is done to any file and nothing more is about to be until the clock moves on. */
  async settle(): Promise<void> {
    do {
      await Promise.all(this.#running);
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#running.size > 0);
  }

  countOf(kind: FileOperation["kind"]): number {
    return this.operations.entries.filter((operation) => operation.kind === kind).length;
  }

  get openings(): SegmentOpening[] {
    return this.events.entries.flatMap((event) => (event.type === "segment.opened" ? [event.opening] : []));
  }

  get closed(): ClosedSegment[] {
    return this.events.entries.flatMap((event) => (event.type === "segment.closed" ? [event.segment] : []));
  }

  /** The believed bytes of a closed segment. */
  async readBin({ opening, binBytes }: ClosedSegment): Promise<Buffer> {
    const path = join(this.receivedPath, opening.folder, `${opening.name}.bin.part`);
    return (await readFile(path)).subarray(0, binBytes);
  }

  /** The believed bytes of all segments of a session, by index. */
  async readSession(session: string): Promise<Buffer> {
    const segments = this.closed.filter(({ opening }) => opening.session.session === session);
    const inOrder = segments.sort((a, b) => a.opening.index - b.opening.index);
    return Buffer.concat(await Promise.all(inOrder.map((segment) => this.readBin(segment))));
  }

  /** Every file under `received`, with its content. */
  async readFiles(): Promise<ReadonlyMap<string, string>> {
    const files = new Map<string, string>();
    for (const entry of await readdir(this.receivedPath, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) files.set(path.slice(this.receivedPath.length), await readFile(path, "latin1"));
    }
    return files;
  }
}
