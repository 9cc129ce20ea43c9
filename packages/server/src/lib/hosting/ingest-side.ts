import type { Hwid } from "@eet/protocol";
import type { Arrival, ChangeableIngress, ConnectionObserver, Upgrade } from "../ingest/connection-taker.ts";
import { DeviceLinks } from "../ingest/device-links.ts";
import { BatchClock } from "../kernel/batch-clock.ts";
import type { Clock } from "../kernel/clock.ts";
import type { ServerError } from "../kernel/errors.ts";
import type { FrameTap } from "../kernel/frame-tap.ts";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { Recorder } from "../recording/recorder.ts";
import { FrameLog } from "../storage/frame-log-store.ts";
import type { IngestFigures, IngestHost, IngestOptions, IngestSurroundings } from "./ingest-host.ts";

/** What one run of the ingest side has besides its options. */
export interface IngestRun {
  /** Stands in the openings of the run's segments. */
  readonly runId: string;
  readonly clock: Clock;
}

/** The ingest side in this process: devices' connections, their recording, the frame log. The same in every host. [A-1.1] */
export class IngestSide implements IngestHost {
  readonly ready = Promise.resolve();
  readonly workers = { count: 0, runningCount: 0, crashTotal: 0, uses: [] };
  readonly #runId: string;
  readonly #frameLog: FrameLog;
  readonly #recorder: Recorder;
  readonly #links: DeviceLinks;

  private constructor(runId: string, frameLog: FrameLog, recorder: Recorder, links: DeviceLinks) {
    this.#runId = runId;
    this.#frameLog = frameLog;
    this.#recorder = recorder;
    this.#links = links;
  }

  /** @throws the system's error when the frame log cannot be opened */
  static async open(options: IngestOptions, run: IngestRun, surroundings: IngestSurroundings): Promise<IngestSide> {
    const { log, tally, onRecording, onConnection, findEnded, profileOf } = surroundings;
    const { runId } = run;
    const frameLog = await FrameLog.open({
      folder: options.frameLogFolder,
      runId,
      onError: (error) => log.error({ error: error.message }, "frame log not written: a power cut now could cost more"),
    });
    // One for both: frames are taken while a read holds it.
    const clock = new BatchClock(run.clock);
    const recorder = new Recorder({ ...options, runId, clock, frameLog, listener: onRecording, findEnded, profileOf });
    const links = new DeviceLinks({
      ...{ ...options, clock, batches: clock, log, tally, onConnection },
      sink: recorder,
      queuedBytes: () => recorder.queuedBytes,
      adpcmLayoutOf: (hwid) => profileOf(hwid).adpcmLayout,
    });
    links.start();
    return new IngestSide(runId, frameLog, recorder, links);
  }

  get figures(): IngestFigures {
    const { tally, sessionCount } = this.#recorder;
    const { frameCount, byteCount, gapCount, duplicateCount, flushLatency, syncLatency } = tally;
    const latencies = { flushLatency: flushLatency.read(), syncLatency: syncLatency.read() };
    return { sessionCount, frameCount, byteCount, gapCount, duplicateCount, ...latencies };
  }

  get waitingBytes(): number {
    return this.#links.waitingBytes;
  }

  get tapCount(): number {
    return this.#recorder.tapCount;
  }

  refusalOf(_hwid: Hwid | null): undefined {
    return undefined;
  }

  take(arrival: Arrival, upgrade: Upgrade, observer: ConnectionObserver): void {
    this.#links.take(arrival, upgrade, observer);
  }

  expel(connectionId: number, error: ServerError): void {
    this.#links.expel(connectionId, error);
  }

  change(limits: ChangeableIngress): void {
    this.#links.change(limits);
  }

  isOwnRun(runId: string): boolean {
    return runId === this.#runId;
  }

  isHeld(session: string): boolean {
    return this.#recorder.isHeld(session);
  }

  noteUploaded(session: string, nextSeq: number): void {
    this.#recorder.noteUploaded(session, nextSeq);
  }

  tap(hwid: string | null, tap: FrameTap | undefined): void {
    this.#recorder.tap(hwid, tap);
  }

  /** Nothing to do: profiles are asked for whenever they are needed. */
  learn(): void {}

  closeSegment({ runId, logNumber }: Pick<SegmentOpening, "runId" | "logNumber">): void {
    if (runId === this.#runId) this.closeLogged(logNumber);
  }

  /** A segment of this very run is finished. */
  closeLogged(logNumber: number): void {
    this.#frameLog.closeSegment(logNumber);
  }

  failAll(error: ServerError): void {
    this.#recorder.failAll(error);
  }

  stop(): Promise<void> {
    return this.#links.stop();
  }

  endSessions(): Promise<void> {
    return this.#recorder.close();
  }

  close(): Promise<void> {
    return this.#frameLog.close();
  }
}
