import type { AudioAmount } from "@eet/client";
import type { StreamProgress, StreamRun } from "./stream-run.ts";
import type { StreamTotals } from "./stream-totals.ts";

/** How it goes, for a program. Amounts of frames and samples are those that were sent; `null` is what nobody tells. */
export function toProgressRecord(runs: readonly StreamRun[], totals: StreamTotals) {
  const { elapsedS, streamCount, countByState, lagMs, sampleRateHz } = totals;
  return {
    type: "progress",
    elapsedS,
    streamCount,
    ...countByState,
    ...toAmounts(totals, sampleRateHz),
    lagMs,
    spool: totals.spool ?? null,
    streams: runs.map((run) => toStreamRecord(run, sampleRateHz)),
  };
}

/** What `--json` ends with. */
export function toSummaryRecord(runs: readonly StreamRun[], totals: StreamTotals) {
  return { ...toProgressRecord(runs, totals), type: "summary" };
}

function toStreamRecord({ target, state, progress, outage, failure }: StreamRun, sampleRateHz: number) {
  return {
    streamId: target.streamId,
    hwid: target.hwid ?? null,
    state,
    delivery: progress.delivery ?? null,
    ...toAmounts(progress, sampleRateHz),
    outage: outage ?? null,
    error: failure ?? null,
  };
}

function toAmounts(progress: Omit<StreamProgress, "delivery">, sampleRateHz: number) {
  const { sent, durable, uploaded, buffered, spooled, dropped, reconnectCount } = progress;
  const seconds = (amount: AudioAmount | undefined) =>
    amount === undefined ? null : amount.sampleCount / sampleRateHz;
  return {
    frameCount: sent.frameCount,
    sampleCount: sent.sampleCount,
    audioS: seconds(sent),
    durableS: seconds(durable),
    uploadedS: seconds(uploaded),
    bufferedS: seconds(buffered),
    bufferedBytes: buffered.byteCount,
    spooledS: seconds(spooled),
    droppedFrameCount: dropped.frameCount,
    droppedS: seconds(dropped),
    reconnectCount,
  };
}
