import type { Database, Statement } from "better-sqlite3";
import type { DeviceFilter, DeviceRow, Page } from "./catalog-reader.ts";
import { pageOf } from "./page.ts";

interface DeviceColumns extends Omit<DeviceRow, "hwid" | "tags"> {
  /** hwid, '' for none. */
  readonly device: string;
  readonly tags: string;
}

interface ListParameters {
  readonly after: string;
  readonly search: string | null;
  readonly tag: string | null;
  readonly limit: number;
}

const columns = `
  device, name, coalesce(tags, '[]') AS tags, coalesce(first_seen_ms, first_ms, 0) AS firstSeenMs,
  coalesce(last_seen_ms, last_ms, 0) AS lastSeenMs, sessions AS sessionCount, segments AS segmentCount,
  media_ms AS mediaMs, gap_ms AS gapMs, device_totals.bytes, coalesce(upload_backlogs.files, 0) AS waitingFileCount,
  coalesce(upload_backlogs.bytes, 0) AS waitingBytes
  FROM device_totals LEFT JOIN devices ON hwid = device LEFT JOIN upload_backlogs USING (device)`;

function toDevice({ device, tags, ...row }: DeviceColumns): DeviceRow {
  return { hwid: device === "" ? null : device, ...row, tags: JSON.parse(tags) };
}

/** Reads devices. */
export class DeviceReader {
  readonly #list: Statement<[ListParameters], DeviceColumns>;
  readonly #one: Statement<[device: string], DeviceColumns>;
  readonly #streams: Statement<[device: string], { readonly streamId: number; readonly lastSeenMs: number }>;

  constructor(sqlite: Database) {
    // A search walks the devices, never their segments: 100 000 take some 50 ms.
    this.#list = sqlite.prepare(`
      SELECT ${columns} WHERE device > @after
        AND (@search IS NULL OR instr(lower(device), @search) > 0 OR instr(lower(name), @search) > 0)
        AND (@tag IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = @tag))
      ORDER BY device LIMIT @limit`);
    this.#one = sqlite.prepare(`SELECT ${columns} WHERE device = ?`);
    this.#streams = sqlite.prepare(`
      SELECT stream_id AS streamId, last_seen_ms AS lastSeenMs FROM device_streams
      WHERE device = ? ORDER BY last_seen_ms DESC, stream_id LIMIT 100`);
  }

  /** See `CatalogReader.devices`. */
  devices({ limit, after, search, tag }: DeviceFilter): Page<DeviceRow, string> {
    // Those without id come first: every id is greater than ''.
    const first = after === undefined && search === undefined && tag === undefined ? this.device(null) : undefined;
    const rows = this.#list.all({
      ...{ after: after ?? "", search: search?.toLowerCase() ?? null, tag: tag ?? null },
      limit: limit + 1,
    });
    const devices = [...(first === undefined ? [] : [first]), ...rows.map(toDevice)];
    return pageOf(devices, limit, ({ hwid }) => hwid ?? "");
  }

  /** See `CatalogReader.device`. */
  device(hwid: string | null): DeviceRow | undefined {
    const row = this.#one.get(hwid ?? "");
    return row && toDevice(row);
  }

  /** See `CatalogReader.streams`. */
  streams(hwid: string | null): readonly { readonly streamId: number; readonly lastSeenMs: number }[] {
    return this.#streams.all(hwid ?? "");
  }
}
