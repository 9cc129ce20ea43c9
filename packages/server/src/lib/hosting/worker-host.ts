import type { ChildProcess } from "node:child_process";
import type { Hwid } from "@eet/protocol";
import type { Arrival, ChangeableIngress, ConnectionObserver, Upgrade } from "../ingest/connection-taker.ts";
import type { Clock } from "../kernel/clock.ts";
import type { ServerError } from "../kernel/errors.ts";
import type { FrameTap } from "../kernel/frame-tap.ts";
import { toPlainError } from "../kernel/plain-error.ts";
import type { DeviceProfile, SegmentOpening } from "../kernel/segment-record.ts";
import { addFigures, noFigures } from "./ingest-figures.ts";
import type { IngestFigures, IngestHost, IngestOptions, IngestSurroundings, WorkerFigures } from "./ingest-host.ts";
import { IngestWorker, type IngestWorkerOptions } from "./ingest-worker.ts";

export interface WorkerHostOptions {
  readonly dataPath: string;
  /** Processes, at least 1. */
  readonly count: number;
  /** Begins a process, see `SpareWorkers`. */
  readonly fork: () => ChildProcess;
  /** Time without a word from a worker after which it counts as hung. */
  readonly maxSilenceMs: number;
  readonly options: IngestOptions;
  readonly clock: Clock;
  readonly surroundings: IngestSurroundings;
  /** Told of a worker's run that ended by itself; all it had told was passed on before. */
  readonly onRunLost: (runId: string) => void;
}

/**
 * The ingest side in processes of its own: their event loops read sockets and write frames while this one serves people.
 * A device goes to the same worker each time, which is what finds its session when it comes back.
 */
export class WorkerHost implements IngestHost {
  readonly ready: Promise<void>;
  readonly #workers: readonly IngestWorker[];
  /** Of all workers that there were: who recovers what an earlier server left leaves these alone. */
  readonly #runIds = new Set<string>();
  readonly #taps = new Map<string | null, FrameTap>();
  /** Which worker has a connection. */
  readonly #places = new Map<number, IngestWorker>();

  private constructor(options: WorkerHostOptions) {
    const places = Array.from({ length: options.count }, (_, place) => this.#optionsOf(place, options));
    this.#workers = places.map((each) => IngestWorker.start(each));
    this.ready = Promise.all(this.#workers.map(({ ready }) => ready)).then(() => {});
    // Whoever opens it asks later, or ends everything for another reason.
    this.ready.catch(() => {});
  }

  /** Starts the workers; {@link ready} tells when all of them take devices. */
  static start(options: WorkerHostOptions): WorkerHost {
    return new WorkerHost(options);
  }

  #optionsOf(place: number, { count, surroundings, onRunLost, ...options }: WorkerHostOptions): IngestWorkerOptions {
    return {
      ...{ ...options, place, surroundings, onRunLost },
      onRun: (runId) => this.#runIds.add(runId),
      tapOf: (hwid) => this.#taps.get(hwid),
      tapped: () => [...this.#taps.keys()].filter((hwid) => placeOf(hwid, count) === place),
    };
  }

  get figures(): IngestFigures {
    return this.#workers.reduce((sum, { figures }) => addFigures(sum, figures), noFigures);
  }

  get workers(): WorkerFigures {
    return {
      count: this.#workers.length,
      runningCount: this.#workers.filter(({ isRunning }) => isRunning).length,
      crashTotal: this.#workers.reduce((sum, { crashCount }) => sum + crashCount, 0),
      uses: this.#workers.map(({ use }) => use),
    };
  }

  get waitingBytes(): number {
    return this.#workers.reduce((sum, { waitingBytes }) => sum + waitingBytes, 0);
  }

  get tapCount(): number {
    return this.#taps.size;
  }

  #workerOf(hwid: string | null): IngestWorker {
    const worker = this.#workers[placeOf(hwid, this.#workers.length)];
    if (worker === undefined) throw new TypeError("there is no worker");
    return worker;
  }

  refusalOf(hwid: Hwid | null): ServerError | undefined {
    return this.#workerOf(hwid).refusal;
  }

  take(arrival: Arrival, upgrade: Upgrade, observer: ConnectionObserver): void {
    const { connectionId, hwid } = arrival;
    const worker = this.#workerOf(hwid);
    this.#places.set(connectionId, worker);
    worker.take(arrival, upgrade, {
      onHandshake: () => observer.onHandshake(),
      onEnded: () => {
        this.#places.delete(connectionId);
        observer.onEnded();
      },
    });
  }

  expel(connectionId: number, error: ServerError): void {
    this.#places.get(connectionId)?.tell({ type: "expel", connectionId, error: toPlainError(error) });
  }

  change(limits: ChangeableIngress): void {
    const { maxRateFactor, maxFramesPerS, maxControlFramesPerS } = limits;
    for (const worker of this.#workers) worker.change({ maxRateFactor, maxFramesPerS, maxControlFramesPerS });
  }

  isOwnRun(runId: string): boolean {
    return this.#runIds.has(runId);
  }

  isHeld(session: string): boolean {
    return this.#workers.some((worker) => worker.isHeld(session));
  }

  noteUploaded(session: string, nextSeq: number): void {
    this.#workers.find((worker) => worker.isHeld(session))?.tell({ type: "uploaded", session, nextSeq });
  }

  tap(hwid: string | null, tap: FrameTap | undefined): void {
    if (tap === undefined) this.#taps.delete(hwid);
    else this.#taps.set(hwid, tap);
    this.#workerOf(hwid).tell({ type: "tap", hwid, isOn: tap !== undefined });
  }

  learn(hwid: string, profile: DeviceProfile): void {
    this.#workerOf(hwid).tell({ type: "learn", hwid, profile });
  }

  closeSegment({ runId, logNumber }: Pick<SegmentOpening, "runId" | "logNumber">): void {
    for (const worker of this.#workers) worker.tell({ type: "close-segment", logNumber }, runId);
  }

  failAll(error: ServerError): void {
    for (const worker of this.#workers) worker.tell({ type: "fail-all", error: toPlainError(error) });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.step("stop")));
  }

  async endSessions(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.step("end-sessions")));
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }
}

/** FNV-1a of 32 bits: spreads ids that differ in their last digit alone. All that connect without an id go together. */
function placeOf(hwid: string | null, count: number): number {
  let hash = 0x811c9dc5;
  for (const char of hwid ?? "") hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0) % count;
}
