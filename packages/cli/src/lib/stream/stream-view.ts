import type { CommandContext } from "../command-context.ts";
import { exitCodes } from "../command-error.ts";
import { counted } from "../counted.ts";
import { createLineReporter, createTableReporter, type ProgressReporter } from "./progress-reporter.ts";
import type { StreamOptions } from "./stream-options.ts";
import { toProgressRecord, toSummaryRecord } from "./stream-records.ts";
import { formatFailures, formatProgressLine, formatSummary } from "./stream-report.ts";
import type { StreamRun } from "./stream-run.ts";
import type { StreamSpool } from "./stream-spool.ts";
import { formatTable } from "./stream-table.ts";
import { type StreamTotals, sumStreams } from "./stream-totals.ts";
import { tokenAdvice } from "./token-advice.ts";

/** What is seen of the streams of a command. */
export class StreamView {
  readonly #runs: readonly StreamRun[];
  readonly #sampleRateHz: number;
  readonly #spool: StreamSpool | undefined;
  readonly #options: StreamOptions;
  readonly #context: CommandContext;
  readonly #reporter: ProgressReporter;
  readonly #startMs = performance.now();
  readonly #onInterruption = () => {
    this.tell("stopping: waits until everything is durable; Ctrl-C again ends at once");
  };
  readonly #onAbandonment = () => this.#tellWhatIsLeft();

  constructor(
    runs: readonly StreamRun[],
    sampleRateHz: number,
    spool: StreamSpool | undefined,
    options: StreamOptions,
    context: CommandContext,
  ) {
    this.#runs = runs;
    this.#sampleRateHz = sampleRateHz;
    this.#spool = spool;
    this.#options = options;
    this.#context = context;
    this.#reporter = this.#createReporter();
  }

  /** Shows from now on how it goes, and says what an interruption leads to. */
  start(): void {
    const { interruption, abandonment } = this.#context;
    this.#reporter.start();
    if (this.#options.isPlain) return;
    interruption.addEventListener("abort", this.#onInterruption);
    abandonment.addEventListener("abort", this.#onAbandonment);
  }

  /** Says something that stays visible. */
  tell(text: string): void {
    this.#reporter.note(`eet stream: ${text}`);
  }

  stop(): void {
    const { interruption, abandonment } = this.#context;
    this.#reporter.stop();
    interruption.removeEventListener("abort", this.#onInterruption);
    abandonment.removeEventListener("abort", this.#onAbandonment);
  }

  /** Tells how it ended. @returns the exit code */
  report(): number {
    const { out, err } = this.#context.terminal;
    const totals = this.#totals;
    for (const line of formatFailures(this.#runs)) err.write(`eet stream: ${line}\n`);
    if (this.#runs.some((run) => run.isTokenRefused)) err.write(`eet stream: ${tokenAdvice}\n`);
    const droppedCount = totals.spool?.droppedFrameCount ?? 0;
    if (droppedCount > 0) {
      err.write(`eet stream: ${counted(droppedCount, "frame")} of earlier runs had to make room: raise --spool-mb\n`);
    }
    const { isJson } = this.#options;
    out.write(`${isJson ? JSON.stringify(toSummaryRecord(this.#runs, totals)) : formatSummary(totals)}\n`);
    if (totals.countByState.failed > 0 || droppedCount > 0) return exitCodes.failure;
    return totals.countByState.complete === totals.streamCount ? exitCodes.success : exitCodes.interrupted;
  }

  get #totals(): StreamTotals {
    const elapsedS = (performance.now() - this.#startMs) / 1000;
    return sumStreams(this.#runs, this.#sampleRateHz, elapsedS, this.#spool?.amount);
  }

  #createReporter(): ProgressReporter {
    const { out, err } = this.#context.terminal;
    const runs = this.#runs;
    if (this.#options.isJson) {
      return createLineReporter(out, () => JSON.stringify(toProgressRecord(runs, this.#totals)), err);
    }
    if (!err.isTty) return createLineReporter(err, () => formatProgressLine(runs, this.#totals, Date.now()));
    return createTableReporter(err, () =>
      formatTable(runs, this.#totals, { width: err.columns, height: err.rows, nowMs: Date.now() }),
    );
  }

  #tellWhatIsLeft(): void {
    const { buffered, spool } = this.#totals;
    const bufferedS = buffered.sampleCount / this.#sampleRateHz;
    const what =
      spool === undefined
        ? `${bufferedS.toFixed(1)} s (${counted(buffered.frameCount, "frame")}) were not acknowledged`
        : `${spool.audioS.toFixed(1)} s (${counted(spool.frameCount, "frame")}) stay in ${this.#spool?.folder} for the next run`;
    this.#context.terminal.err.write(`eet stream: ended at once: ${what}\n`);
  }
}
