import { setImmediate as nextTurn } from "node:timers/promises";
import type { CatalogReader } from "./catalog/catalog-reader.ts";
import type { EarlierLevel } from "./health/health-monitor.ts";

/** Hours before now at which a device's level is looked up after a start: each of the last 12, then four a day. */
const earlierHours = [...Array(12).keys(), ...Array.from({ length: 26 }, (_, index) => 12 + 6 * index)];
/** Segments that are looked at in each. */
const segmentCount = 12;
const hourMs = 3_600_000;

/** Reads how loud a stream was before: some segments of each of some hours of the last week. */
export async function readEarlierLevels(
  reader: Pick<CatalogReader, "device" | "segments">,
  { hwid, streamId, nowMs }: { readonly hwid: string; readonly streamId: number; readonly nowMs: number },
): Promise<readonly EarlierLevel[]> {
  const levels: EarlierLevel[] = [];
  const firstMs = (await reader.device(hwid))?.firstSeenMs ?? nowMs;
  for (const hours of earlierHours) {
    const toMs = nowMs - hours * hourMs;
    if (toMs < firstMs) break;
    // A fleet that comes back asks for thousands of hours: recording goes on in between.
    await nextTurn();
    const { rows } = await reader.segments({ hwid, streamId, fromMs: toMs - hourMs, toMs, limit: segmentCount });
    for (const { startMs, rmsDbfs } of rows) if (rmsDbfs !== null) levels.push({ startMs, rmsDbfs });
  }
  return levels;
}
