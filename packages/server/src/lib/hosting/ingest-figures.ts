import type { LatencyFigures } from "../kernel/latency-histogram.ts";
import { LatencyHistogram } from "../kernel/latency-histogram.ts";
import type { IngestFigures, ProcessUse } from "./ingest-host.ts";

const noLatency = new LatencyHistogram().read();

/** Of an ingest side that has not begun. */
export const noFigures: IngestFigures = {
  ...{ sessionCount: 0, frameCount: 0, byteCount: 0, gapCount: 0, duplicateCount: 0 },
  ...{ flushLatency: noLatency, syncLatency: noLatency },
};

/** Of a process that has not told yet. */
export const noUse: ProcessUse = { cpuS: 0, residentBytes: 0, loopDelayMs: 0 };

/** What several ingest sides do together. */
export function addFigures(a: IngestFigures, b: IngestFigures): IngestFigures {
  return {
    sessionCount: a.sessionCount + b.sessionCount,
    frameCount: a.frameCount + b.frameCount,
    byteCount: a.byteCount + b.byteCount,
    gapCount: a.gapCount + b.gapCount,
    duplicateCount: a.duplicateCount + b.duplicateCount,
    flushLatency: addLatencies(a.flushLatency, b.flushLatency),
    syncLatency: addLatencies(a.syncLatency, b.syncLatency),
  };
}

function addLatencies(a: LatencyFigures, b: LatencyFigures): LatencyFigures {
  return {
    buckets: a.buckets.map(({ boundMs, count }, index) => ({ boundMs, count: count + (b.buckets[index]?.count ?? 0) })),
    count: a.count + b.count,
    sumMs: a.sumMs + b.sumMs,
  };
}
