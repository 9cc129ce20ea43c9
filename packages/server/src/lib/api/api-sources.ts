import type { Annotations } from "../catalog/annotations.ts";
import type { CatalogReader } from "../catalog/catalog-reader.ts";
import type { DeliveryQueue } from "../catalog/delivery-queue.ts";
import type { EventLog } from "../catalog/event-log.ts";
import type { UploadQueue } from "../catalog/upload-queue.ts";
import type { EventFeed } from "../events/event-feed.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { ObjectReader } from "../kernel/object-reader.ts";
import type { Playback } from "../playback/playback.ts";
import type { RetentionRunOptions } from "../retention/retention.ts";
import type { RetentionReport } from "../retention/retention-report.ts";
import type { SimulatedDevices } from "../simulation/simulated-devices.ts";
import type { AccessGuard } from "./access-guard.ts";
import type { ServerFigures } from "./metrics/server-figures.ts";
import type { StorageFacts } from "./storage-facts.ts";

/** Which devices are connected at this moment. */
export interface Presence {
  /** `null`: nobody knows, as where a folder is read without a server. */
  isOnline(hwid: string): boolean | null;
  /** Since when; `undefined`: it is not connected. Left out where nobody knows. */
  device?(hwid: string): { readonly sinceMs: number } | undefined;
}

/** All that the API reads and whom it asks. */
export interface ApiSources {
  /** As the OpenAPI document tells it. */
  readonly version: string;
  readonly reader: CatalogReader;
  readonly annotations: Annotations;
  readonly events: EventLog;
  readonly feed: Pick<EventFeed, "follow">;
  readonly deliveries: DeliveryQueue;
  /** Told that deliveries were put back. */
  readonly onReplayed: () => void;
  readonly uploads: Pick<UploadQueue, "counts" | "list">;
  /** Told that failed uploads were made due. */
  readonly onRetried: () => void;
  readonly storage: () => StorageFacts | Promise<StorageFacts>;
  /** Told that segments were taken out of the catalogue, whose files and objects are to go. */
  readonly onDeleted: () => void;
  readonly playback: Pick<Playback, "audio" | "missing" | "peaks" | "spectrogram">;
  readonly presence: Presence;
  /** `data/received` */
  readonly receivedPath: string;
  /** Where evicted files are; left out: uploads are off, evicted files cannot be had. */
  readonly objects?: ObjectReader | undefined;
  /** What a run of the retention would do now. */
  readonly planRetention: () => Promise<RetentionReport>;
  /** Does it. */
  readonly runRetention: (options: RetentionRunOptions) => Promise<RetentionReport>;
  /** Left out: nothing is simulated, as where a folder is read without a server. */
  readonly simulation?: Pick<SimulatedDevices, "maxCount" | "list" | "start" | "stop">;
  /** Left out: nobody but this process asks. */
  readonly guard?: AccessGuard;
  readonly figures: () => ServerFigures | Promise<ServerFigures>;
  readonly clock: Clock;
  readonly log: Log;
}
