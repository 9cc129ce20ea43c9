import type { AudioAmount } from "@eet/client";
import { counted } from "../counted.ts";
import type { StreamProgress, StreamRun } from "./stream-run.ts";
import type { StreamTotals } from "./stream-totals.ts";

const mib = 1024 * 1024;
/** Failures told one by one; a dead server fails every stream with the same words. */
const maxToldFailures = 10;

/** Audio per time: 1.00x is the speed of sound. */
export function formatRate(audioS: number, elapsedS: number): string {
  return `${(elapsedS === 0 ? 0 : audioS / elapsedS).toFixed(2)}x`;
}

/** All streams in a line. */
export function formatProgressLine(runs: readonly StreamRun[], totals: StreamTotals, nowMs: number): string {
  const { countByState, streamCount, sampleRateHz, elapsedS, sent, durable, uploaded, lagMs } = totals;
  const audioS = sent.sampleCount / sampleRateHz;
  const seconds = ({ sampleCount }: AudioAmount, what: string) =>
    `${(sampleCount / sampleRateHz).toFixed(1)} s ${what}`;
  const parts = [
    `${countByState.open} of ${streamCount} open`,
    `${countByState.complete} complete`,
    countByState.failed === 0 ? "" : `${countByState.failed} failed`,
    countByState.finishing === 0 ? "" : `${countByState.finishing} finishing`,
    `${sent.frameCount} frames`,
    `${seconds(sent, "of audio")} (${formatRate(audioS, elapsedS)})`,
    durable === undefined ? "" : seconds(durable, "durable"),
    uploaded === undefined ? "" : seconds(uploaded, "uploaded"),
    durable === undefined ? "" : seconds(heldOf(totals), "held"),
    `lag ${lagMs.toFixed(0)} ms`,
    describeReconnects(totals),
    describeDropped(totals),
    describeSpool(totals),
  ];
  const outages = describeOutages(runs, nowMs);
  const line = parts.filter((part) => part !== "").join(", ");
  return `${elapsedS.toFixed(0)} s: ${line}${outages === "" ? "" : `; ${outages}`}`;
}

/** What is in memory and, of these streams, on the disk. */
export function heldOf({ buffered, spooled }: Pick<StreamProgress, "buffered" | "spooled">): AudioAmount {
  return {
    frameCount: buffered.frameCount + (spooled?.frameCount ?? 0),
    sampleCount: buffered.sampleCount + (spooled?.sampleCount ?? 0),
  };
}

/** Why the first stream without a connection has none, and how many more there are; empty when all have one. */
export function describeOutages(runs: readonly StreamRun[], nowMs: number): string {
  const away = runs.flatMap(({ target, outage }) => (outage === undefined ? [] : [{ target, outage }]));
  const [first] = away;
  if (first === undefined) return "";
  const more = away.length === 1 ? "" : ` (and ${away.length - 1} more)`;
  const name = first.target.hwid ?? `stream ${first.target.streamId}`;
  return `${name}${more} tries again in ${secondsUntil(first.outage.untilMs, nowMs)} s: ${first.outage.reason}`;
}

/** Whole seconds, rounded up. */
export function secondsUntil(untilMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
}

function describeReconnects({ reconnectCount }: StreamTotals): string {
  return reconnectCount === 0 ? "" : counted(reconnectCount, "reconnect");
}

/** The warning of lost audio; empty when there is none. */
export function describeDropped({ dropped, sampleRateHz }: StreamTotals): string {
  if (dropped.frameCount === 0) return "";
  return `WARNING: ${counted(dropped.frameCount, "frame")} (${(dropped.sampleCount / sampleRateHz).toFixed(1)} s) dropped`;
}

/** What waits on the disk; empty without a spool. */
export function describeSpool({ spool }: StreamTotals): string {
  if (spool === undefined) return "";
  const { audioS, earlierS, byteLength, maxBytes } = spool;
  const earlier = earlierS === 0 ? "" : `, ${earlierS.toFixed(1)} s of it from earlier runs`;
  return `spool ${audioS.toFixed(1)} s${earlier} (${(byteLength / mib).toFixed(1)} of ${(maxBytes / mib).toFixed(0)} MiB)`;
}

/** What a person reads at the end. */
export function formatSummary(totals: StreamTotals): string {
  const { countByState, streamCount, sent, durable, uploaded, sampleRateHz, elapsedS } = totals;
  const seconds = ({ sampleCount }: AudioAmount) => `${(sampleCount / sampleRateHz).toFixed(2)} s`;
  const facts = [
    durable === undefined ? "" : `${seconds(durable)} durable`,
    uploaded === undefined ? "" : `${seconds(uploaded)} uploaded by now`,
    describeReconnects(totals),
    describeDropped(totals),
  ].filter((fact) => fact !== "");
  return (
    `${countByState.complete} of ${streamCount} streams complete: ${sent.frameCount} frames, ${sent.sampleCount} samples, ` +
    `${seconds(sent)} of audio in ${elapsedS.toFixed(2)} s${facts.map((fact) => `, ${fact}`).join("")}`
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
