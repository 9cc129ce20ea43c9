import type { Scenario } from "../scenarios.ts";
import { type Figure, formatGoal, formatSpread, formatValue, meetsGoal, percentileOf } from "./figure.ts";
import { cpuPerFrameUs, framesPerCoreSecond, type Measurement, rssPerStreamKiB } from "./measurement.ts";

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** Lines that tell what a measurement found. */
export function formatMeasurement(measurement: Measurement, scenario: Scenario): string[] {
  const { sentCount, sent, stored, idle, before, after, shownLevelCount } = measurement;
  const { watchedCount, seconds } = scenario;
  const us = (key: "cpuMs" | "mainThreadCpuMs") => cpuPerFrameUs(measurement, key).toFixed(2);
  const cores = ((after.cpuMs - before.cpuMs) / (seconds * 1000)).toFixed(2);
  const { frameCount, gapCount, problemCount } = stored;
  const rows = [
    ["frames sent", `${sentCount} (${sent.lateFrameCount} late by the load, ${sent.dropCount} connections dropped)`],
    ["frames stored", `${frameCount} (${sentCount - frameCount} lost), ${gapCount} gaps, ${problemCount} problems`],
    ["CPU per frame", `${us("cpuMs")} us, of which ${us("mainThreadCpuMs")} us in the socket's thread`],
    ...(scenario.pace === "flood" ? [["taken", formatFlood(measurement)]] : [["CPU", `${cores} cores`]]),
    ["CPU of the load", `${((measurement.loadCpuMs * 1000) / sentCount).toFixed(2)} us per frame`],
    [
      "RSS",
      `${mib(idle.rssBytes)} idle, ${mib(before.rssBytes)} when connected, ${mib(after.rssBytes)} at the end: ${rssPerStreamKiB(measurement).toFixed(0)} KiB per stream`,
    ],
    ...(watchedCount === 0 ? [] : [["levels shown", `${shownLevelCount} of ${watchedCount * seconds * 10}`]]),
    ...(sent.ackLatencies.count === 0 ? [] : [["ack latency", formatLatencies(sent)]]),
    ...servingRows(measurement),
  ];
  return rows.map(([name = "", value = ""]) => `  ${name.padEnd(16)}${value}`);
}

function servingRows({ serving, stored, api }: Measurement): string[][] {
  const { finishingLags: lags } = stored;
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  return [
    ...(serving === undefined
      ? []
      : [
          ["event loop", `late by ${ms(serving.loopDelayP99Ms)} (p99), ${ms(serving.loopDelayMaxMs)} at most`],
          ["flushes, syncs", `${serving.flushCount}, ${serving.syncCount}`],
        ]),
    ...(lags === undefined || lags.count === 0
      ? []
      : [["closed to WAV", `p50 ${lags.percentileMs(0.5)} ms, p99 ${lags.percentileMs(0.99)} ms`]]),
    ...(api === undefined
      ? []
      : [
          [
            "API",
            `p50 ${ms(percentileOf(api.latenciesMs, 0.5))}, p99 ${ms(percentileOf(api.latenciesMs, 0.99))} of ${api.latenciesMs.length} answers, ${api.errorCount} failed`,
          ],
        ]),
  ];
}

function formatFlood(measurement: Measurement): string {
  const perS = Math.round((measurement.sentCount * 1000) / measurement.endedMs);
  const perCore = (until: "ended" | "settled") => Math.round(framesPerCoreSecond(measurement, until));
  return `${perS} frames/s; of one core ${perCore("ended")} until received, ${perCore("settled")} until derived`;
}

function formatLatencies({ ackLatencies, unackedCount }: Measurement["sent"]): string {
  const shares = [0.5, 0.99, 0.999, 1].map((share) => `p${share * 100} ${ackLatencies.percentileMs(share)} ms`);
  return `${shares.join(", ")}; ${unackedCount} frames never acknowledged`;
}

/** Figures as lines: what was found, and beside it what it shall be, where that was said. */
export function formatFigures(figures: readonly Figure[]): string[] {
  const rows = figures.map((figure) => [
    figure.name,
    formatValue(figure),
    formatGoal(figure),
    { true: "met", false: "NOT met", undefined: "" }[String(meetsGoal(figure))] ?? "",
    formatSpread(figure),
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map(([name = "", value = "", goal = "", met = "", spread = ""]) =>
    [
      `  ${name.padEnd(widths[0] ?? 0)}  ${value.padStart(widths[1] ?? 0)}`,
      `  ${goal.padEnd(widths[2] ?? 0)}  ${met.padEnd(widths[3] ?? 0)}  ${spread}`,
    ]
      .join("")
      .trimEnd(),
  );
}
