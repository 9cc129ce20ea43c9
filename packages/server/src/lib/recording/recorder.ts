import pLimit from "p-limit";
import type { Clock, MonotonicMs } from "../kernel/clock.ts";
import type { RecordingListener } from "../kernel/recording-events.ts";
import type { DeviceProfile } from "../kernel/segment-record.ts";
import type { FrameLog } from "../storage/frame-log-store.ts";
import { ChunkPool } from "./chunk-pool.ts";
import { FlushScheduler } from "./flush-scheduler.ts";
import { Intake, type IntakeHost, type RecordingRequest } from "./intake.ts";
import { SegmentFile } from "./segment-file.ts";
import type { Session, SessionContext } from "./session.ts";
import { randomSessionId } from "./session-id.ts";

/** Writes are gathered for at most this long, in equal parts of the flush interval. [S-2.1] */
const maxGatherMs = 350;
/** Syncs under way at once. The event loop takes up what came back once per turn, so few would mean few per turn. */
const maxSyncCount = 64;
const idleSweepIntervalMs = 1_000;

export interface RecorderOptions {
  /** `data/received`, which exists. */
  readonly receivedPath: string;
  /** Folder template, see `formatSegmentFolder`. */
  readonly layout: string;
  /** Media seconds per segment. */
  readonly rotateS: number;
  /** End segments at whole multiples of `rotateS` of UTC. */
  readonly rotateAlign: boolean;
  readonly gapFill: "silence" | "skip";
  /** Longest time between a frame's arrival and the start of its sync, 50 to 60 000. */
  readonly flushIntervalMs: number;
  readonly bootId: string;
  readonly runId: string;
  readonly frameLog: FrameLog;
  readonly clock: Clock;
  readonly listener: RecordingListener;
  /** How the device's ADPCM is to be read. */
  readonly profileOf: (hwid: string | null) => DeviceProfile;
  /** Makes session ids; default 8 random characters. */
  readonly newSessionId?: () => string;
  /** For tests: makes the files of segments. */
  readonly openFile?: SessionContext["openFile"];
}

/** Records what devices send: the owner of all sessions. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #host: IntakeHost;
  readonly #scheduler: FlushScheduler;
  readonly #sessions = new Set<Session>();
  readonly #intakes = new Set<Intake>();
  readonly #idleTimer: NodeJS.Timeout;

  constructor(options: RecorderOptions) {
    const { clock, flushIntervalMs, receivedPath, frameLog } = options;
    this.#options = options;
    this.#scheduler = new FlushScheduler(clock, flushIntervalMs / Math.ceil(flushIntervalMs / maxGatherMs));
    const context: SessionContext = {
      ...options,
      openFile: options.openFile ?? ((opening) => SegmentFile.open(receivedPath, opening, frameLog)),
      chunks: new ChunkPool(),
      scheduler: this.#scheduler,
      limitSync: pLimit(maxSyncCount),
    };
    this.#host = {
      ...options,
      context,
      newSessionId: options.newSessionId ?? randomSessionId,
      add: (session) => this.#add(session),
      end: (session) => this.#end(session),
      remove: (intake) => this.#intakes.delete(intake),
    };
    this.#idleTimer = setInterval(() => this.closeIdle(clock.monotonicMs()), idleSweepIntervalMs);
  }

  /** Opens the way in for one connection. Files are made when its first frame comes. */
  openSession(request: RecordingRequest): Intake {
    const intake = new Intake(request, this.#host);
    this.#intakes.add(intake);
    return intake;
  }

  /** Sessions that are being recorded. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  #add(session: Session): void {
    this.#sessions.add(session);
    this.#options.listener({ type: "session.opened", session: session.record });
  }

  async #end(session: Session): Promise<void> {
    await session.end();
    this.#sessions.delete(session);
  }

  /** Gives up on all connections, which are to be dropped: the disk cannot take them. What they sent is kept. [S-2.5] */
  failAll(error: Error): void {
    for (const intake of this.#intakes) intake.fail(error);
  }

  /** Closes the segments that no frame has reached for 15 s. */
  closeIdle(nowMs: MonotonicMs): void {
    for (const session of this.#sessions) session.closeIfIdle(nowMs);
  }

  /** Ends all sessions. @returns when every frame is on stable storage; never rejects */
  async close(): Promise<void> {
    clearInterval(this.#idleTimer);
    await Promise.all([...this.#sessions].map((session) => this.#end(session)));
    this.#scheduler.close();
  }
}
