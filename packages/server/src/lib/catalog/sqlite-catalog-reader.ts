import type { CatalogFile } from "./catalog-file-store.ts";
import type {
  CatalogReader,
  DeviceFilter,
  DeviceRow,
  GapRow,
  Page,
  SegmentDetails,
  SegmentPlace,
  SegmentRow,
  SegmentsFilter,
  SessionRow,
  TimeFilter,
  TimeKey,
  Timeline,
  TimelineRequest,
} from "./catalog-reader.ts";
import { DeviceReader } from "./device-reader.ts";
import { maxPageRowCount } from "./page.ts";
import { SegmentReader } from "./segment-reader.ts";
import { SessionReader } from "./session-reader.ts";
import { TimelineReader } from "./timeline-reader.ts";

/** Runs a query, its errors told as the catalogue's. */
type Read = <T>(query: () => Promise<T>) => Promise<T>;

function withLimit<Filter extends { readonly limit: number }>(filter: Filter): Filter {
  return { ...filter, limit: Math.max(1, Math.min(maxPageRowCount, filter.limit)) };
}

/** What can be asked of the catalogue in its SQLite file. */
export class SqliteCatalogReader implements CatalogReader {
  readonly #read: Read;
  readonly #devices: DeviceReader;
  readonly #sessions: SessionReader;
  readonly #segments: SegmentReader;
  readonly #timelines: TimelineReader;

  constructor({ sqlite }: CatalogFile, read: Read) {
    this.#read = read;
    this.#devices = new DeviceReader(sqlite);
    this.#sessions = new SessionReader(sqlite);
    this.#segments = new SegmentReader(sqlite);
    this.#timelines = new TimelineReader(sqlite);
  }

  devices(filter: DeviceFilter): Promise<Page<DeviceRow, string>> {
    return this.#read(async () => this.#devices.devices(withLimit(filter)));
  }

  device(hwid: string | null): Promise<DeviceRow | undefined> {
    return this.#read(async () => this.#devices.device(hwid));
  }

  streams(hwid: string | null): Promise<readonly { readonly streamId: number; readonly lastSeenMs: number }[]> {
    return this.#read(async () => this.#devices.streams(hwid));
  }

  sessions(filter: TimeFilter): Promise<Page<SessionRow, TimeKey>> {
    return this.#read(async () => this.#sessions.sessions(withLimit(filter)));
  }

  session(session: string): Promise<SessionRow | undefined> {
    return this.#read(async () => this.#sessions.session(session));
  }

  segments(filter: SegmentsFilter): Promise<Page<SegmentRow, TimeKey>> {
    return this.#read(async () => this.#segments.segments(withLimit(filter)));
  }

  segmentPlaces(filter: SegmentsFilter): Promise<Page<SegmentPlace, TimeKey>> {
    return this.#read(async () => this.#segments.segmentPlaces(withLimit(filter)));
  }

  segment(id: number): Promise<SegmentDetails | undefined> {
    return this.#read(async () => this.#segments.segment(id));
  }

  segmentsAt(
    session: string,
    range: { readonly fromSample: number; readonly toSample: number; readonly limit: number },
  ): Promise<readonly SegmentPlace[]> {
    return this.#read(async () => this.#segments.segmentsAt(session, withLimit(range)));
  }

  gapsOf(segmentIds: readonly number[]): Promise<readonly GapRow[]> {
    return this.#read(async () => this.#segments.gapsOf(segmentIds));
  }

  timeline(request: TimelineRequest): Promise<Timeline> {
    return this.#read(async () => this.#timelines.timeline(request));
  }
}
