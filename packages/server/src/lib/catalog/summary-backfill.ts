import { addRollUps, type GapSpan, type RollUp, rollUpLengthsMs, shareOut } from "./roll-ups.ts";
import { maxSizeClass, openSizeClass } from "./size-class.ts";
import { type SegmentSummary, summarySql } from "./summary-store.ts";

/** Segments that are read at a time. */
const sliceSegmentCount = 20_000;

/** Buckets that are held before they are written: the fewer times, the less work. */
const maxRollUpCount = 50_000;

/** Runs a statement; rows of one that gives none are empty. */
export interface SqlRunner {
  all<Row>(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]>;
}

type Row = (string | number | null)[];

// One statement a slice: rows go as JSON.
const column = (at: number) => `value ->> ${at}`;
const columns = (count: number) => Array.from({ length: count }, (_, at) => column(at)).join();

const addRollUpsSql = `
  INSERT INTO roll_ups (device, length_ms, start_ms, stream_id, covered_ms, not_received_ms, device_dropped_ms,
    storage_failed_ms, peak_dbfs, energy, level_ms, clipped_samples, segments)
  SELECT ${columns(13)} FROM json_each(?) WHERE true
  ON CONFLICT (device, length_ms, start_ms, stream_id) DO UPDATE SET
    covered_ms = covered_ms + excluded.covered_ms,
    not_received_ms = not_received_ms + excluded.not_received_ms,
    device_dropped_ms = device_dropped_ms + excluded.device_dropped_ms,
    storage_failed_ms = storage_failed_ms + excluded.storage_failed_ms,
    peak_dbfs = max(coalesce(peak_dbfs, excluded.peak_dbfs), coalesce(excluded.peak_dbfs, peak_dbfs)),
    energy = energy + excluded.energy, level_ms = level_ms + excluded.level_ms,
    clipped_samples = clipped_samples + excluded.clipped_samples, segments = segments + excluded.segments`;

const addDevicesSql = `
  INSERT INTO device_totals (device, segments, media_ms, gap_ms, bytes, longest_ms, first_ms, last_ms)
  SELECT ${columns(8)} FROM json_each(?) WHERE true
  ON CONFLICT (device) DO UPDATE SET segments = segments + excluded.segments, media_ms = media_ms + excluded.media_ms,
    gap_ms = gap_ms + excluded.gap_ms, bytes = bytes + excluded.bytes,
    longest_ms = max(longest_ms, excluded.longest_ms),
    first_ms = min(coalesce(first_ms, excluded.first_ms), excluded.first_ms),
    last_ms = max(coalesce(last_ms, excluded.last_ms), excluded.last_ms)`;

const addStreamsSql = `
  INSERT INTO device_streams (device, stream_id, last_seen_ms) SELECT ${columns(3)} FROM json_each(?) WHERE true
  ON CONFLICT (device, stream_id) DO UPDATE SET last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)`;

const addSessionsSql = `
  UPDATE sessions SET segments = segments + ${column(1)}, gap_samples = gap_samples + ${column(2)},
    end_sample = max(end_sample, ${column(3)}), end_ms = max(coalesce(end_ms, ${column(4)}), ${column(4)}),
    drift_ppm = iif(${column(6)} >= coalesce(drift_idx, 0), ${column(5)}, drift_ppm),
    drift_idx = iif(${column(6)} >= coalesce(drift_idx, 0), ${column(6)}, drift_idx)
  FROM json_each(?) WHERE session = ${column(0)}`;

/** Sets the class by length of every session anew. */
export const classifySessionsSql = `
  UPDATE sessions SET size_class = iif(ended_ms IS NULL, ${openSizeClass}, min(${maxSizeClass},
    cast(log2(max(1.0, coalesce(end_ms, start_ms) - start_ms)) AS integer)))`;

interface SessionSum {
  segments: number;
  gapSamples: number;
  endSample: number;
  endMs: number;
  driftPpm: number | null;
  driftIndex: number | null;
}

interface DeviceSum {
  segments: number;
  mediaMs: number;
  gapMs: number;
  bytes: number;
  longestMs: number;
  firstMs: number;
  lastMs: number;
}

/** What some slices of segments add up to. */
class SliceSums {
  readonly #rollUps = new Map<string, { readonly place: Row; sum: RollUp }>();
  readonly #devices = new Map<string, DeviceSum>();
  readonly #sessions = new Map<string, SessionSum>();
  readonly #streams = new Map<string, { readonly place: Row; lastMs: number }>();

  get rollUpCount(): number {
    return this.#rollUps.size;
  }

  add(segment: SegmentSummary): void {
    for (const lengthMs of rollUpLengthsMs) this.#addRollUps(segment, lengthMs);
    this.#addDevice(segment);
    this.#addSession(segment);
    const { device, streamId, endMs } = segment;
    const key = `${device} ${streamId}`;
    const stream = this.#streams.get(key);
    if (stream === undefined) this.#streams.set(key, { place: [device, streamId], lastMs: endMs });
    else stream.lastMs = Math.max(stream.lastMs, endMs);
  }

  async write({ all }: SqlRunner): Promise<void> {
    const rollUps = [...this.#rollUps.values()].map(({ place, sum }) => [
      ...[...place, sum.coveredMs, sum.notReceivedMs, sum.deviceDroppedMs, sum.storageFailedMs, sum.peakDbfs],
      ...[sum.energy, sum.levelMs, sum.clippedSampleCount, sum.segmentCount],
    ]);
    await all(addRollUpsSql, [JSON.stringify(rollUps)]);
    const devices = [...this.#devices].map(([device, sum]) => [device, ...Object.values(sum)]);
    await all(addDevicesSql, [JSON.stringify(devices)]);
    const streams = [...this.#streams.values()].map(({ place, lastMs }) => [...place, lastMs]);
    await all(addStreamsSql, [JSON.stringify(streams)]);
    const sessions = [...this.#sessions].map(([session, sum]) => [session, ...Object.values(sum)]);
    await all(addSessionsSql, [JSON.stringify(sessions)]);
  }

  #addRollUps(segment: SegmentSummary, lengthMs: number): void {
    const { device, streamId } = segment;
    for (const part of shareOut(segment, lengthMs)) {
      const key = `${device} ${lengthMs} ${part.bucketMs} ${streamId}`;
      const known = this.#rollUps.get(key);
      if (known === undefined) {
        this.#rollUps.set(key, { place: [device, lengthMs, part.bucketMs, streamId], sum: part });
      } else known.sum = addRollUps(known.sum, part);
    }
  }

  #addDevice({ device, startMs, endMs, gapMs, bytes }: SegmentSummary): void {
    const sum = this.#devices.get(device) ?? {
      ...{ segments: 0, mediaMs: 0, gapMs: 0, bytes: 0, longestMs: 0 },
      ...{ firstMs: startMs, lastMs: endMs },
    };
    this.#devices.set(device, {
      segments: sum.segments + 1,
      mediaMs: sum.mediaMs + endMs - startMs,
      gapMs: sum.gapMs + gapMs,
      bytes: sum.bytes + bytes,
      longestMs: Math.max(sum.longestMs, endMs - startMs),
      firstMs: Math.min(sum.firstMs, startMs),
      lastMs: Math.max(sum.lastMs, endMs),
    });
  }

  #addSession({ session, gapSampleCount, endSample, endMs, driftPpm, index }: SegmentSummary): void {
    const sum = this.#sessions.get(session);
    const isNewest = driftPpm !== null && index >= (sum?.driftIndex ?? 0);
    this.#sessions.set(session, {
      segments: (sum?.segments ?? 0) + 1,
      gapSamples: (sum?.gapSamples ?? 0) + gapSampleCount,
      endSample: Math.max(sum?.endSample ?? 0, endSample),
      endMs: Math.max(sum?.endMs ?? endMs, endMs),
      driftPpm: isNewest ? driftPpm : (sum?.driftPpm ?? null),
      driftIndex: isNewest ? index : (sum?.driftIndex ?? null),
    });
  }
}

async function* readSlices({ all }: SqlRunner): AsyncGenerator<readonly SegmentSummary[]> {
  for (let afterId = 0; ; ) {
    const rows = await all<Omit<SegmentSummary, "gaps">>(
      `SELECT ${summarySql} FROM segments JOIN sessions USING (session)
       WHERE segments.id > ? ORDER BY segments.id LIMIT ${sliceSegmentCount}`,
      [afterId],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    const gaps = await all<GapSpan & { segmentId: number }>(
      `SELECT segment_id AS segmentId, start_ms AS startMs, duration_ms AS durationMs, cause FROM gaps
       WHERE segment_id > ? AND segment_id <= ? ORDER BY segment_id, idx`,
      [afterId, last.id],
    );
    const gapsById = Map.groupBy(gaps, ({ segmentId }) => segmentId);
    yield rows.map((row) => ({ ...row, gaps: gapsById.get(row.id) ?? [] }));
    afterId = last.id;
  }
}

/**
 * Fills the tables of a `SummaryStore` for segments that are there already, in slices of constant memory: some minutes
 * for 10 million.
 */
export async function backfillSummaries(runner: SqlRunner): Promise<void> {
  let sums = new SliceSums();
  for await (const slice of readSlices(runner)) {
    for (const segment of slice) sums.add(segment);
    if (sums.rollUpCount < maxRollUpCount) continue;
    await sums.write(runner);
    sums = new SliceSums();
  }
  await sums.write(runner);
  // Devices without a segment too.
  await runner.all("INSERT INTO device_totals (device) SELECT hwid FROM devices WHERE true ON CONFLICT DO NOTHING", []);
  await runner.all(
    `INSERT INTO device_totals (device, sessions) SELECT coalesce(hwid, ''), count(*) FROM sessions WHERE true GROUP BY 1
     ON CONFLICT (device) DO UPDATE SET sessions = excluded.sessions`,
    [],
  );
  await runner.all(classifySessionsSql, []);
}
