import { describeDropped, describeOutages, describeSpool, formatRate, heldOf, secondsUntil } from "./stream-report.ts";
import type { StreamProgress, StreamRun } from "./stream-run.ts";
import type { StreamTotals } from "./stream-totals.ts";

/** Widths of the live table's columns; with the gaps they fit 80 characters. */
const columns = { id: 6, device: 14, state: 13, sent: 9, durable: 9, uploaded: 9, held: 7, reconnects: 6 } as const;
const leftColumnCount = 3;
const head = ["stream", "device", "state", "sent s", "durable s", "uploaded", "held s", "reconn"];

/**
 * The live view: a line per stream as far as they fit, then all of them together.
 *
 * @param width - longer lines are cut, as a wrapped one would spoil the redrawing
 * @param height - most lines
 */
export function formatTable(
  runs: readonly StreamRun[],
  totals: StreamTotals,
  { width, height, nowMs }: { readonly width: number; readonly height: number; readonly nowMs: number },
): string[] {
  const below = [...formatTotals(totals), ...formatNotes(runs, totals, nowMs)];
  const room = Math.max(0, height - 2 - below.length);
  const shown = runs.slice(0, runs.length <= room ? room : Math.max(0, room - 1));
  const lines = [
    formatRow(head),
    ...shown.map((run) => formatRun(run, totals.sampleRateHz, nowMs)),
    ...(shown.length < runs.length ? [`… and ${runs.length - shown.length} more`] : []),
    ...below,
  ];
  return lines.map((line) => line.slice(0, width));
}

function formatRun(run: StreamRun, sampleRateHz: number, nowMs: number): string {
  const { target, state, outage, progress } = run;
  return formatRow([
    String(target.streamId),
    (target.hwid ?? "-").slice(0, columns.device),
    outage ? `retry in ${secondsUntil(outage.untilMs, nowMs)} s` : state,
    ...formatAmounts(progress, sampleRateHz),
  ]);
}

function formatTotals(totals: StreamTotals): string[] {
  const { countByState, streamCount, sampleRateHz, elapsedS, sent, lagMs } = totals;
  const failed = countByState.failed === 0 ? "" : `, ${countByState.failed} failed`;
  const rate = formatRate(sent.sampleCount / sampleRateHz, elapsedS);
  const counts = `${countByState.open} of ${streamCount} open, ${countByState.complete} complete${failed}`;
  return [
    ...(streamCount === 1 ? [] : [formatRow(["all", "", "", ...formatAmounts(totals, sampleRateHz)])]),
    `${elapsedS.toFixed(0)} s: ${counts}, ${sent.frameCount} frames (${rate}), lag ${lagMs.toFixed(0)} ms`,
  ];
}

/** What is only said when there is something to say. */
function formatNotes(runs: readonly StreamRun[], totals: StreamTotals, nowMs: number): string[] {
  return [describeDropped(totals), describeSpool(totals), describeOutages(runs, nowMs)].filter((note) => note !== "");
}

function formatAmounts(progress: Omit<StreamProgress, "delivery">, sampleRateHz: number): string[] {
  const { sent, durable, uploaded, reconnectCount } = progress;
  const amounts = [sent, durable, uploaded, heldOf(progress)];
  const seconds = amounts.map((amount) =>
    amount === undefined ? "-" : (amount.sampleCount / sampleRateHz).toFixed(1),
  );
  return [...seconds, String(reconnectCount)];
}

function formatRow(cells: readonly string[]): string {
  const widths = Object.values(columns);
  return cells
    .map((cell, index) =>
      index < leftColumnCount ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
    )
    .join(" ");
}
