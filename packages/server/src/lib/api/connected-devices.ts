import type { CatalogReader, DeviceFilter, DeviceRow, Page } from "../catalog/catalog-reader.ts";
import type { OnlineDevice, OnlineDevices } from "../events/online-devices.ts";

/**
 * A reader that also knows devices that are connected and of which nothing is recorded yet: their first segment may take
 * minutes to close.
 */
export function withConnectedDevices(
  reader: CatalogReader,
  online: Pick<OnlineDevices, "all" | "device">,
): CatalogReader {
  return {
    devices: async (filter) => addConnected(await reader.devices(filter), filter, online),
    device: async (hwid) => (await reader.device(hwid)) ?? describe(hwid === null ? undefined : online.device(hwid)),
    streams: (hwid) => reader.streams(hwid),
    sessions: (filter) => reader.sessions(filter),
    session: (session) => reader.session(session),
    segments: (filter) => reader.segments(filter),
    segmentPlaces: (filter) => reader.segmentPlaces(filter),
    segment: (id) => reader.segment(id),
    segmentsAt: (session, range) => reader.segmentsAt(session, range),
    gapsOf: (segmentIds) => reader.gapsOf(segmentIds),
    timeline: (request) => reader.timeline(request),
  };
}

/** Puts those that the page's part of the order holds in their places. */
function addConnected(
  page: Page<DeviceRow, string>,
  { limit, after = "", search, tag }: DeviceFilter,
  online: Pick<OnlineDevices, "all">,
): Page<DeviceRow, string> {
  // Nobody has tagged them yet.
  if (tag !== undefined) return page;
  const known = new Set(page.rows.map(({ hwid }) => hwid));
  const wanted = search?.toLowerCase() ?? "";
  const isMissing = ({ hwid }: OnlineDevice) =>
    hwid > after &&
    (page.next === undefined || hwid <= page.next) &&
    !known.has(hwid) &&
    hwid.toLowerCase().includes(wanted);
  const missing = [...online.all()].filter(isMissing).flatMap((device) => describe(device) ?? []);
  if (missing.length === 0) return page;
  const rows = [...page.rows, ...missing].sort((a, b) => compare(a.hwid ?? "", b.hwid ?? ""));
  if (rows.length <= limit) return { rows, next: page.next };
  const kept = rows.slice(0, limit);
  return { rows: kept, next: kept.at(-1)?.hwid ?? "" };
}

/** As SQLite orders ids. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function describe(device: OnlineDevice | undefined): DeviceRow | undefined {
  return (
    device && {
      ...{ hwid: device.hwid, name: null, tags: [], firstSeenMs: device.sinceMs, lastSeenMs: device.sinceMs },
      ...{ sessionCount: 0, segmentCount: 0, mediaMs: 0, gapMs: 0, bytes: 0, waitingFileCount: 0, waitingBytes: 0 },
    }
  );
}
