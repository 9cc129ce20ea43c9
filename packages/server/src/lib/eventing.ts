import type { Catalog } from "./catalog/catalog.ts";
import type { EventSettings } from "./config/event-sections.ts";
import { readEarlierLevels } from "./earlier-levels.ts";
import { EventTargets } from "./event-targets.ts";
import { DeliveryBounds } from "./events/delivery-bounds.ts";
import { EventFeed } from "./events/event-feed.ts";
import { EventRetention } from "./events/event-retention.ts";
import { EventWriter } from "./events/event-writer.ts";
import type { OnlineDevices } from "./events/online-devices.ts";
import { PresenceLog } from "./events/presence-log.ts";
import { HealthMonitor } from "./health/health-monitor.ts";
import type { Clock } from "./kernel/clock.ts";
import type { ConnectionEvent } from "./kernel/connection-events.ts";
import type { FinishedSegment } from "./kernel/finished-segment.ts";
import type { Log } from "./kernel/log.ts";

export interface EventingOptions {
  readonly settings: EventSettings;
  readonly catalog: Pick<Catalog, "events" | "deliveries" | "annotations" | "reader">;
  /** `data/received`, absolute. */
  readonly receivedPath: string;
  /** Variables that commands inherit. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** State of the data folder's disk, as the event tells it. */
export interface DiskFacts {
  readonly state: "ok" | "soft" | "hard";
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Until the hard mark at the present rate; `undefined` when not known. */
  readonly headroomHours?: number | undefined;
}

/** Events of a running server: who gets them, which devices are online, how healthy they are. */
export class Eventing {
  /** For readers that follow the log. */
  readonly feed: EventFeed;
  readonly #targets: EventTargets;
  readonly #bounds: DeliveryBounds;
  readonly #writer: EventWriter;
  readonly #presence: PresenceLog;
  readonly #health: HealthMonitor;
  readonly #retention: EventRetention;
  readonly #unsubscribe: () => void;

  private constructor(options: EventingOptions) {
    const { settings, catalog, clock, log } = options;
    const { events, annotations } = catalog;
    this.feed = new EventFeed(events);
    this.#writer = new EventWriter(events, log);
    this.#presence = new PresenceLog({
      ...{ events, clock, writer: this.#writer },
      graceMs: settings.offlineAfterS * 1000,
      onOffline: (hwid) => this.#health.takeOffline(hwid),
    });
    this.#health = new HealthMonitor({
      ...{ annotations, clock, log },
      silentSinceMs: (hwid) => this.online.device(hwid)?.silentSinceMs,
      earlierLevels: (hwid, streamId) => readEarlierLevels(catalog.reader, { hwid, streamId, nowMs: clock.wallMs() }),
    });
    this.#retention = new EventRetention({ events, clock, log, maxAgeD: settings.maxAgeD });
    this.#targets = new EventTargets({ ...options, queue: catalog.deliveries });
    const maxPendingCount = settings.deliveryMaxPending;
    this.#bounds = new DeliveryBounds({ queue: catalog.deliveries, maxPendingCount, log });
    this.#unsubscribe = events.subscribe(() => this.notify());
  }

  /**
   * Takes up what earlier runs left, and begins to deliver.
   *
   * @throws StorageError when the catalogue cannot be read
   */
  static async open(options: EventingOptions): Promise<Eventing> {
    const eventing = new Eventing(options);
    await eventing.#presence.open();
    await eventing.#health.open();
    eventing.#targets.start();
    eventing.#bounds.start();
    eventing.#retention.start();
    return eventing;
  }

  /** Which devices are connected. */
  get online(): OnlineDevices {
    return this.#presence.online;
  }

  /** Says that deliveries may have been queued, as by a replay. */
  notify(): void {
    this.#targets.notify();
  }

  /** Takes over other settings, but for `offlineAfterS`. @returns when it has; never rejects */
  change(settings: EventSettings): Promise<void> {
    this.#bounds.change(settings.deliveryMaxPending);
    this.#retention.change(settings.maxAgeD);
    return this.#targets.change(settings);
  }

  /** Takes what ingest tells of connections. */
  takeConnection(event: ConnectionEvent): void {
    this.#presence.take(event);
    this.#health.takeConnection(event);
  }

  /** Takes a segment that the catalogue knows. */
  takeSegment({ sidecar }: FinishedSegment): void {
    this.#health.takeSegment(sidecar);
  }

  /** The disk came to another state. */
  takeDisk({ state, freeBytes, totalBytes, headroomHours }: DiskFacts): void {
    const data = { state, free_bytes: freeBytes, total_bytes: totalBytes, headroom_hours: headroomHours ?? null };
    this.#writer.write({ type: "storage.low", hwid: null, data });
  }

  /**
   * Writes what is to be written, and gives deliveries in flight their time; the rest is left to the next run. Never
   * rejects.
   */
  async close(timeoutMs: number): Promise<void> {
    this.#presence.close();
    this.#bounds.close();
    await Promise.all([this.#writer.close(), this.#health.close(), this.#retention.close()]);
    this.#unsubscribe();
    await this.#targets.close(timeoutMs);
  }
}
