import { setImmediate as nextTurn } from "node:timers/promises";
import type { CatalogReader } from "./catalog/catalog-reader.ts";
import type { EarlierLevel } from "./health/health-monitor.ts";

/** Hours before now at which a device's level is looked up after a start: each of the last 12, then four a day. */
const earlierHours = [...Array(12).keys(), ...Array.from({ length: 26 }, (_, index) => 12 + 6 * index)];
/** Segments that are looked at in each. */
const segmentCount = 12;
const hourMs = 3_600_000;

interface Stream {
  readonly hwid: string;
  readonly streamId: number;
  readonly nowMs: number;
}

/** Reads how loud a stream was before: some segments of each of some hours of the last week. */
export async function readEarlierLevels(
  reader: Pick<CatalogReader, "device" | "segments">,
  { hwid, streamId, nowMs }: Stream,
): Promise<readonly EarlierLevel[]> {
  const levels: EarlierLevel[] = [];
  const firstMs = (await reader.device(hwid))?.firstSeenMs ?? nowMs;
  const latestMs = await readLatestMs(reader, { hwid, streamId, nowMs });
  for (const hours of earlierHours) {
    const toMs = nowMs - hours * hourMs;
    if (toMs < firstMs) break;
    // Most of those that were away, or are new, have nothing: their hours need not be asked for one by one.
    if (latestMs < toMs - hourMs) continue;
    // A fleet that comes back asks for thousands of hours: recording goes on in between.
    await nextTurn();
    const { rows } = await reader.segments({ hwid, streamId, fromMs: toMs - hourMs, toMs, limit: segmentCount });
    for (const { startMs, rmsDbfs } of rows) if (rmsDbfs !== null) levels.push({ startMs, rmsDbfs });
  }
  return levels;
}

/** @returns when the stream's newest segment of these hours began; before all when there is none */
async function readLatestMs(
  reader: Pick<CatalogReader, "segments">,
  { hwid, streamId, nowMs }: Stream,
): Promise<number> {
  const fromMs = nowMs - ((earlierHours.at(-1) ?? 0) + 1) * hourMs;
  const { rows, next } = await reader.segments({ hwid, streamId, fromMs, toMs: nowMs, order: "desc", limit: 1 });
  return rows[0]?.startMs ?? next?.startMs ?? Number.NEGATIVE_INFINITY;
}
