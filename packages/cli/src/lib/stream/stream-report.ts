import type { StreamRun } from "./stream-run.ts";
import type { StreamTotals } from "./stream-totals.ts";

/** Widths of the live table's columns; with the gaps they fit 80 characters. */
const columns = { id: 8, device: 18, state: 11, frames: 9, seconds: 9, rate: 8, lag: 8 } as const;
/** Failures told one by one; a dead server fails every stream with the same words. */
const maxToldFailures = 10;

/**
 * The live view: a line per stream as far as they fit, then the totals.
 *
 * @param width - longer lines are cut, as a wrapped one would spoil the redrawing
 * @param height - most lines
 */
export function formatTable(
  runs: readonly StreamRun[],
  totals: StreamTotals,
  sampleRateHz: number,
  { width, height }: { readonly width: number; readonly height: number },
): string[] {
  const room = Math.max(0, height - 3);
  const shown = runs.slice(0, runs.length <= room ? room : Math.max(0, room - 1));
  const lines = [
    formatRow(["stream", "device", "state", "frames", "seconds", "rate", "lag"]),
    ...shown.map((run) => formatRun(run, sampleRateHz, totals.elapsedS)),
    ...(shown.length < runs.length ? [`… and ${runs.length - shown.length} more`] : []),
    formatProgressLine(totals),
  ];
  return lines.map((line) => line.slice(0, width));
}

function formatRun(run: StreamRun, sampleRateHz: number, elapsedS: number): string {
  const seconds = run.sampleCount / sampleRateHz;
  return formatRow([
    String(run.target.streamId),
    run.target.hwid ?? "-",
    run.state,
    String(run.frameCount),
    seconds.toFixed(1),
    formatRate(seconds, elapsedS),
    `${run.lagMs.toFixed(0)} ms`,
  ]);
}

function formatRow(cells: readonly string[]): string {
  const widths = Object.values(columns);
  return cells
    .map((cell, index) => (index < 3 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
    .join(" ");
}

/** Audio per time: 1.00x is the speed of sound. */
function formatRate(audioS: number, elapsedS: number): string {
  return `${(elapsedS === 0 ? 0 : audioS / elapsedS).toFixed(2)}x`;
}

/** All streams in a line. */
export function formatProgressLine(totals: StreamTotals): string {
  const { countByState, streamCount, frameCount, audioS, elapsedS, lagMs } = totals;
  const failed = countByState.failed === 0 ? "" : `, ${countByState.failed} failed`;
  return (
    `${elapsedS.toFixed(0)} s: ${countByState.open} of ${streamCount} open, ${countByState.complete} complete${failed}, ` +
    `${frameCount} frames, ${audioS.toFixed(1)} s of audio (${formatRate(audioS, elapsedS)}), lag ${lagMs.toFixed(0)} ms`
  );
}

/** The same for a program. */
export function toProgressRecord({
  countByState,
  streamCount,
  frameCount,
  sampleCount,
  audioS,
  elapsedS,
  lagMs,
}: StreamTotals) {
  return { type: "progress", elapsedS, streamCount, ...countByState, frameCount, sampleCount, audioS, lagMs };
}

/** What `--json` ends with. */
export function toSummaryRecord(runs: readonly StreamRun[], totals: StreamTotals) {
  const streams = runs.map(({ target, state, frameCount, sampleCount, failure }) => ({
    streamId: target.streamId,
    hwid: target.hwid ?? null,
    state,
    frameCount,
    sampleCount,
    error: failure ?? null,
  }));
  return { ...toProgressRecord(totals), type: "summary", streams };
}

/** What a person reads at the end. */
export function formatSummary({
  countByState,
  streamCount,
  frameCount,
  sampleCount,
  audioS,
  elapsedS,
}: StreamTotals): string {
  return (
    `${countByState.complete} of ${streamCount} streams complete: ${frameCount} frames, ${sampleCount} samples, ` +
    `${audioS.toFixed(2)} s of audio in ${elapsedS.toFixed(2)} s`
  );
}

/** A line per stream that failed, of the first ten. */
export function formatFailures(runs: readonly StreamRun[]): string[] {
  const failed = runs.filter((run) => run.failure !== undefined);
  const told = failed.slice(0, maxToldFailures).map(({ target, failure }) => {
    const device = target.hwid === undefined ? "" : ` (${target.hwid})`;
    return `stream ${target.streamId}${device}: ${failure}`;
  });
  const moreCount = failed.length - told.length;
  return moreCount === 0 ? told : [...told, `${moreCount} more streams failed; --json lists them all`];
}
