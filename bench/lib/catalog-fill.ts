import Database from "better-sqlite3";
import { openCatalogFile } from "../../packages/server/src/lib/catalog/catalog-file-store.ts";
import { backfillSummaries } from "../../packages/server/src/lib/catalog/summary-backfill.ts";

/** What a catalogue is filled with: a device that records all year, and a fleet that began lately. */
export interface CatalogPlan {
  readonly segmentCount: number;
  /** Segments of the device {@link yearHwid}; the rest is shared by the fleet. */
  readonly yearSegmentCount: number;
  readonly fleetDeviceCount: number;
  /** End of the newest segments, ms since 1970. */
  readonly endMs: number;
}

/** The device that records all year. */
export const yearHwid = "mic-year";

/** Devices of the fleet are numbered from 0. */
export function fleetHwid(index: number): string {
  return `mic-${String(index).padStart(4, "0")}`;
}

/** Every this many segments one has a gap. */
const gapEvery = 50;

/** The newest segments, of which one file is not uploaded yet. */
const waitingCount = 2_000;

const segmentMs = 10_000;
const segmentsPerSession = 360;

/** A plan of 1 000 devices, of which one has three of ten segments. */
export function planCatalog(segmentCount: number): CatalogPlan {
  const yearSegmentCount = Math.floor(segmentCount * 0.3);
  return { segmentCount, yearSegmentCount, fleetDeviceCount: 999, endMs: Date.UTC(2026, 6, 1) };
}

// `tick` counts the segments of a device from its first one; rows come in the order of time, as a server writes them.
function placesSql({ segmentCount, yearSegmentCount, fleetDeviceCount, endMs }: CatalogPlan): string {
  const fleetCount = segmentCount - yearSegmentCount;
  const fleetTicks = Math.ceil(fleetCount / fleetDeviceCount);
  return `
    WITH RECURSIVE
      year(n) AS (SELECT 0 WHERE ${yearSegmentCount} > 0 UNION ALL SELECT n + 1 FROM year WHERE n + 1 < ${yearSegmentCount}),
      fleet(n) AS (SELECT 0 WHERE ${fleetCount} > 0 UNION ALL SELECT n + 1 FROM fleet WHERE n + 1 < ${fleetCount}),
      places AS (
        SELECT '${yearHwid}' AS hwid, 'y' AS prefix, n AS tick,
          ${endMs} - (${yearSegmentCount} - n) * ${segmentMs} AS at_ms FROM year
        UNION ALL
        SELECT printf('mic-%04d', n % ${fleetDeviceCount}), printf('f%04d', n % ${fleetDeviceCount}),
          n / ${fleetDeviceCount}, ${endMs} - (${fleetTicks} - n / ${fleetDeviceCount}) * ${segmentMs} FROM fleet)`;
}

const session = `printf('%s-%06d', prefix, tick / ${segmentsPerSession})`;
const sha = "lower(hex(randomblob(32)))";

function segmentsSql(plan: CatalogPlan): string {
  const gapSamples = `iif(n_of % ${gapEvery} = 0, 320 * (1 + n_of % 199), 0)`;
  return `${placesSql(plan)}
    INSERT INTO segments (session, idx, hwid, stream_id, name, folder, start_ms, end_ms, start_sample, samples, wav_samples,
      frames, duplicates, first_seq, last_seq, nibble_order, nibble_source, gap_samples, peak_dbfs, rms_dbfs, silent_share,
      clipped_samples, bin_bytes, bin_sha256, wav_bytes, wav_sha256, json_bytes, json_sha256, recovered, close_reason,
      is_stored, dc_offset)
    SELECT ${session}, tick % ${segmentsPerSession}, hwid, 7,
      printf('stream_7_%s_%s_%s-%d', hwid, strftime('%Y%m%d_%H%M%S', at_ms / 1000, 'unixepoch'), ${session},
        tick % ${segmentsPerSession}),
      hwid, at_ms, at_ms + ${segmentMs}, (tick % ${segmentsPerSession}) * 160000, 160000, 160000, 500, 0,
      (tick % ${segmentsPerSession}) * 500, (tick % ${segmentsPerSession}) * 500 + 499, 'low', 'exact', ${gapSamples},
      -3.5 - n_of % 40, -30.5 - n_of % 30, 0.25, n_of % 5, 86000, ${sha}, 320800, ${sha}, 1500, ${sha},
      n_of % 5000 = 0, 'rotation', 1, 0.001
    FROM (SELECT *, tick + 7 * unicode(substr(hwid, -1)) AS n_of FROM places)`;
}

const sessionsSql = `
  INSERT INTO sessions (session, hwid, stream_id, codec, sample_rate_hz, channels, frame_samples, start_ms, start_rule,
    device_start_ms, server_start_ms, ended_ms, last_active_ms)
  SELECT session, hwid, 7, 'adpcm', 16000, 1, 320, min(start_ms), 'device-synced', min(start_ms), min(start_ms) + 40,
    max(end_ms) + 40, max(end_ms) + 40
  FROM segments GROUP BY session`;

const gapsSql = `
  INSERT INTO gaps (segment_id, idx, from_seq, to_seq, start_sample, sample_count, cause, start_ms, hwid, stream_id,
    duration_ms, size_class)
  SELECT id, 0, first_seq + 9, first_seq + 9 + gap_samples / 320, start_sample + 3200, gap_samples, 'not-received',
    start_ms + 200, hwid, stream_id, gap_samples / 16.0, cast(log2(gap_samples / 16.0) AS integer)
  FROM segments WHERE gap_samples > 0`;

const kinds = ["bin", "json"];

function uploadSql(kind: string): string {
  return `
    INSERT INTO uploads (segment_id, kind, bytes, sha256, state, is_backfill, next_try_ms, key, etag, stored_ms, queued_ms)
    SELECT id, '${kind}', ${kind}_bytes, ${kind}_sha256, 'stored', 0, end_ms, 'received/' || hwid || '/' || name || '.${kind}',
      'etag', end_ms + 900, end_ms FROM segments ORDER BY id`;
}

// With the triggers in place, so that the states of segments follow.
const waitingSql = `
  UPDATE uploads SET state = iif(id % 3 = 0, 'failed', 'pending'), stored_ms = NULL, key = NULL, etag = NULL
  WHERE kind = 'json' AND segment_id > (SELECT max(id) FROM segments) - ${waitingCount}`;

const localTotalsSql = `
  INSERT INTO local_totals
  SELECT coalesce(hwid, ''), count(*), count(*), sum(bin_bytes + coalesce(wav_bytes, 0)) FROM segments GROUP BY hwid`;

const uploadTotalsSql = `
  UPDATE upload_totals SET files = (SELECT count(*) FROM uploads), bytes = (SELECT sum(bytes) FROM uploads)
  WHERE state = 'stored'`;

/**
 * Makes a catalogue with the rows that a server would have written, in minutes: indexes and triggers are taken off before
 * and put back behind.
 *
 * @param onStep - told what is done next
 */
export async function fillCatalog(path: string, plan: CatalogPlan, onStep: (step: string) => void): Promise<void> {
  (await openCatalogFile(path)).sqlite.close();
  const sqlite = new Database(path);
  for (const pragma of [
    "journal_mode = DELETE",
    "journal_mode = OFF",
    "synchronous = OFF",
    "foreign_keys = OFF",
    "cache_size = -1048576",
  ]) {
    sqlite.pragma(pragma);
  }
  const parts = sqlite
    .prepare<[], { type: string; name: string; sql: string }>(
      "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL",
    )
    .all();
  for (const { type, name } of parts) sqlite.exec(`DROP ${type} ${name}`);
  const run = (step: string, sql: string) => {
    onStep(step);
    sqlite.exec(sql);
  };
  run("segments", segmentsSql(plan));
  run("sessions", sessionsSql);
  run(
    "devices",
    "INSERT INTO devices (hwid, first_seen_ms, last_seen_ms) SELECT hwid, min(start_ms), max(end_ms) FROM segments GROUP BY hwid",
  );
  run("gaps", gapsSql);
  for (const kind of kinds) run(`uploads of .${kind}`, uploadSql(kind));
  run("totals", `${localTotalsSql}; ${uploadTotalsSql}`);
  onStep("time lines");
  await backfillSummaries({
    all: async <Row>(sql: string, parameters: readonly unknown[]) => {
      const statement = sqlite.prepare<unknown[], Row>(sql);
      if (statement.reader) return statement.all(...parameters);
      statement.run(...parameters);
      return [];
    },
  });
  for (const { name, sql } of parts) run(`index or trigger ${name}`, sql);
  run("files that wait", waitingSql);
  sqlite.close();
}
