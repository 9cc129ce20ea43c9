import { limits } from "@eet/protocol";
import pLimit from "p-limit";
import type { Clock, MonotonicMs } from "../kernel/clock.ts";
import { DelayQueue } from "../kernel/delay-queue.ts";
import type { FrameTap } from "../kernel/frame-tap.ts";
import type { RecordingListener } from "../kernel/recording-events.ts";
import type { DeviceProfile } from "../kernel/segment-record.ts";
import type { FrameLog } from "../storage/frame-log-store.ts";
import { SegmentFolders } from "../storage/segment-folder-store.ts";
import { ChunkPool } from "./chunk-pool.ts";
import { Deliveries, type DeliveriesHost } from "./deliveries.ts";
import type { Delivery } from "./delivery.ts";
import { FrameTaps } from "./frame-taps.ts";
import { Intake, type IntakeHost } from "./intake.ts";
import { RecordingTally } from "./recording-tally.ts";
import { SegmentFile } from "./segment-file.ts";
import type { Session } from "./session.ts";
import type { SessionContext } from "./session-context.ts";
import { randomSessionId } from "./session-id.ts";
import type { RecordingRequest } from "./session-start.ts";

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
  /** How long an acknowledged session without a connection can be resumed; default 24 h. [P-2.4] */
  readonly resumeTtlMs?: number;
  /** Looks up an acknowledged session that has ended, see {@link DeliveriesHost.findEnded}. */
  readonly findEnded: DeliveriesHost["findEnded"];
  /** Makes session ids; default 12 random characters. */
  readonly newSessionId?: () => string;
  /** For tests: makes the files of segments. */
  readonly openFile?: SessionContext["openFile"];
}

/** Records what devices send: the owner of all sessions. */
export class Recorder {
  /** What was recorded since the start. */
  readonly tally = new RecordingTally();
  readonly #options: RecorderOptions;
  readonly #host: IntakeHost;
  readonly #deliveries: Deliveries;
  readonly #scheduler: DelayQueue;
  readonly #sessions = new Set<Session>();
  readonly #intakes = new Set<Intake>();
  readonly #taps = new FrameTaps();
  readonly #idleTimer: NodeJS.Timeout;

  constructor(options: RecorderOptions) {
    const { clock, flushIntervalMs, receivedPath, frameLog } = options;
    this.#options = options;
    this.#scheduler = new DelayQueue(clock, flushIntervalMs / Math.ceil(flushIntervalMs / maxGatherMs));
    const files = { receivedPath, frameLog, folders: new SegmentFolders(receivedPath) };
    const context: SessionContext = {
      ...options,
      openFile: options.openFile ?? ((opening) => SegmentFile.open(opening, files)),
      chunks: new ChunkPool(),
      scheduler: this.#scheduler,
      limitSync: pLimit(maxSyncCount),
      tally: this.tally,
    };
    this.#host = {
      ...options,
      context,
      newSessionId: options.newSessionId ?? randomSessionId,
      add: (session, event) => this.#add(session, event),
      remove: (session) => this.#remove(session),
      forget: (intake) => this.#intakes.delete(intake),
    };
    this.#deliveries = new Deliveries({
      ...this.#host,
      resumeTtlMs: options.resumeTtlMs ?? limits.resumeTtlS * 1000,
      isCommitting: () => !frameLog.isFailing,
      findEnded: options.findEnded,
    });
    frameLog.onStateChange = () => this.#deliveries.tellAll();
    this.#idleTimer = setInterval(() => this.sweep(clock.monotonicMs()), idleSweepIntervalMs);
  }

  /** Opens the way in for one connection. Files are made when its first frame comes. */
  openSession(request: RecordingRequest): Intake {
    const intake = new Intake(request, this.#host);
    this.#intakes.add(intake);
    return intake;
  }

  /** Opens the way in for one connection with acknowledgements, and a session for it. [P-2] */
  openDelivery(request: RecordingRequest): Delivery {
    return this.#deliveries.open(request);
  }

  /**
   * Opens the way in to a session that had another connection before. [P-2.4]
   *
   * @returns `undefined` when it is not known for that hwid, has expired or has another format
   */
  resumeDelivery(request: RecordingRequest, wireSession: bigint): Promise<Delivery | undefined> {
    return this.#deliveries.resume(request, wireSession);
  }

  /** True while an acknowledged session is being recorded, or waits for its connection to come back. */
  isHeld(session: string): boolean {
    return this.#deliveries.isHeld(session);
  }

  /** The object store holds every frame of an acknowledged session before `nextSeq`, unwrapped. */
  noteUploaded(session: string, nextSeq: number): void {
    this.#deliveries.noteUploaded(session, nextSeq);
  }

  /** Sessions that are being recorded. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Bytes that wait in memory for the disk, of all sessions; adds up what each has. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const session of this.#sessions) bytes += session.queuedBytes;
    return bytes;
  }

  #add(session: Session, type: "session.opened" | "session.resumed"): void {
    this.#sessions.add(session);
    this.#taps.add(session);
    this.#options.listener({ type, session: session.record });
  }

  #remove(session: Session): void {
    this.#sessions.delete(session);
    this.#taps.remove(session);
  }

  /** Shows a device's frames from now on to one who looks on, or to nobody. They are shown, never waited for. */
  tap(hwid: string | null, tap: FrameTap | undefined): void {
    this.#taps.set(hwid, tap);
  }

  /** Devices whose frames are shown to somebody. */
  get tapCount(): number {
    return this.#taps.count;
  }

  /** Gives up on all connections, which are to be dropped: the disk cannot take them. What they sent is kept. [S-2.5] */
  failAll(error: Error): void {
    for (const intake of this.#intakes) intake.fail(error);
    this.#deliveries.failAll(error);
  }

  /** Closes the segments that no frame has reached for 15 s, and the sessions that no connection has come back to. */
  sweep(nowMs: MonotonicMs): void {
    for (const session of this.#sessions) session.closeIfIdle(nowMs);
    this.#deliveries.endForgotten(nowMs);
  }

  /** Ends all sessions. @returns when every frame is on stable storage; never rejects */
  async close(): Promise<void> {
    clearInterval(this.#idleTimer);
    await this.#deliveries.close();
    await Promise.all([...this.#sessions].map((session) => session.end()));
    this.#sessions.clear();
    this.#scheduler.close();
  }
}
