import type { Arrival, ChangeableIngress, ConnectionObserver, Upgrade } from "../ingest/connection-taker.ts";
import { LimitError, type ServerError, toError } from "../kernel/errors.ts";
import { addFigures, noFigures, noUse } from "./ingest-figures.ts";
import type { IngestFigures, ProcessUse } from "./ingest-host.ts";
import type { EndingStep, ToWorker } from "./ingest-messages.ts";
import { type WorkerEnd, WorkerRun, type WorkerRunOptions } from "./worker-run.ts";

/** Waits before a worker is started again that ended soon after its start; one that ran for longer starts at once. */
const firstRestartMs = 250;
const longestRestartMs = 30_000;
const soonMs = 10_000;

export interface IngestWorkerOptions extends WorkerRunOptions {
  /** Told of each run that will ever open segments, before it does. */
  readonly onRun: (runId: string) => void;
  /** Told of a run that ended by itself, and of what it left. */
  readonly onRunLost: (runId: string) => void;
  /** Devices of this worker that somebody looks at. */
  readonly tapped: () => Iterable<string | null>;
}

/** The place of one worker: a process that takes devices, and the next one when it ends by itself. */
export class IngestWorker {
  /** Resolves when its first process takes devices, rejects when that one cannot. */
  readonly ready: Promise<void>;
  #options: IngestWorkerOptions;
  #run: WorkerRun | undefined;
  /** Of runs before this one. */
  #earlier: IngestFigures = noFigures;
  #earlierCpuS = 0;
  #isRunning = false;
  #crashCount = 0;
  #startedMs = 0;
  #restartMs = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #isStopping = false;

  private constructor(options: IngestWorkerOptions) {
    this.#options = options;
    this.ready = this.#start().ready.catch((thrown) => {
      // Another one would fare as this one did.
      this.#isStopping = true;
      throw thrown;
    });
  }

  /** Starts its first process; {@link ready} tells when it takes devices. */
  static start(options: IngestWorkerOptions): IngestWorker {
    return new IngestWorker(options);
  }

  /** Whether it takes devices. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** How often its process ended by itself. */
  get crashCount(): number {
    return this.#crashCount;
  }

  get figures(): IngestFigures {
    return addFigures(this.#earlier, this.#isRunning && this.#run ? this.#run.report.figures : noFigures);
  }

  get use(): ProcessUse {
    const use = this.#isRunning && this.#run ? this.#run.report.use : noUse;
    return { ...use, cpuS: this.#earlierCpuS + use.cpuS };
  }

  get waitingBytes(): number {
    return (this.#isRunning && this.#run?.report.waitingBytes) || 0;
  }

  #start(): WorkerRun {
    const { clock, surroundings, tapped, onRun } = this.#options;
    this.#startedMs = clock.monotonicMs();
    const run = WorkerRun.start(this.#options);
    this.#run = run;
    onRun(run.runId);
    run.ready.then(
      () => {
        this.#isRunning = true;
        // What changed while it began.
        run.tell({ type: "change", limits: this.#options.options });
        for (const hwid of tapped()) run.tell({ type: "tap", hwid, isOn: true });
        surroundings.log.info({ worker: this.#options.place, pid: run.pid }, "ingest worker takes devices");
      },
      // It is gone soon, which is told.
      () => {},
    );
    void run.gone.then((end) => this.#onGone(run, end));
    return run;
  }

  #onGone({ report }: WorkerRun, { runId, how }: WorkerEnd): void {
    this.#isRunning = false;
    this.#earlier = addFigures(this.#earlier, { ...report.figures, sessionCount: 0 });
    this.#earlierCpuS += report.use.cpuS;
    if (this.#isStopping) return;
    this.#crashCount += 1;
    const { clock, surroundings, place, onRunLost } = this.#options;
    const wasSoon = clock.monotonicMs() - this.#startedMs < soonMs;
    this.#restartMs = wasSoon ? Math.min(Math.max(firstRestartMs, 2 * this.#restartMs), longestRestartMs) : 0;
    const fields = { worker: place, how, restartMs: this.#restartMs };
    surroundings.log.error(fields, "an ingest worker ended: what it left is recovered, another one takes its devices");
    onRunLost(runId);
    this.#restartTimer = setTimeout(() => {
      void this.#start().ready.catch((thrown) => {
        surroundings.log.error({ worker: place, error: toError(thrown).message }, "an ingest worker did not start");
      });
    }, this.#restartMs);
  }

  /** Why it cannot take a connection now. */
  get refusal(): ServerError | undefined {
    if (this.#isRunning) return undefined;
    return new LimitError("WORKER_DOWN", `ingest worker ${this.#options.place} is being started`);
  }

  take(arrival: Arrival, upgrade: Upgrade, observer: ConnectionObserver): void {
    this.#run?.take(arrival, upgrade, observer);
  }

  isHeld(session: string): boolean {
    return this.#run?.isHeld(session) === true;
  }

  /** Tells the process something, if it is still that run. */
  tell(message: ToWorker, runId = this.#run?.runId): void {
    if (runId === this.#run?.runId) this.#run?.tell(message);
  }

  /** Takes other limits, those to come from it included. */
  change(limits: ChangeableIngress): void {
    this.#options = { ...this.#options, options: { ...this.#options.options, ...limits } };
    this.#run?.tell({ type: "change", limits });
  }

  /** Takes a step towards the end, from which on it is not started again. Never rejects. */
  async step(step: Exclude<EndingStep, "close">): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restartTimer);
    await this.#run?.step(step);
  }

  /** Ends the process. Never rejects. */
  async close(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restartTimer);
    await this.#run?.close();
  }
}
