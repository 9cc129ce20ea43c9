import type { Catalog } from "./catalog/catalog.ts";
import type { S3Settings } from "./config/settings.ts";
import type { Clock } from "./kernel/clock.ts";
import type { SegmentFileKind } from "./kernel/finished-segment.ts";
import type { Log } from "./kernel/log.ts";
import { LocalEviction } from "./local-eviction.ts";
import { Uploader } from "./upload/uploader.ts";

export interface UploadingOptions {
  readonly s3: S3Settings;
  readonly catalog: Catalog;
  /** `data/received` */
  readonly receivedPath: string;
  readonly log: Log;
  readonly clock: Clock;
}

/** The upload side as the settings want it. */
export interface Uploading {
  /** Files of a segment that are uploaded. */
  readonly kinds: readonly SegmentFileKind[];
  /** True while the store as a whole cannot be used. */
  readonly isStoreDown: boolean;
  /** Says that uploads may have been queued. */
  notify(): void;
  /** After recovery: queues what was recorded while uploads were off, and deletes what an earlier run was to delete. */
  catchUp(): Promise<void>;
  /** Deletes some local files that stand verified in the store: for a disk that is low, to be asked again. [S-2.5] */
  makeRoom(): void;
  /** Brings uploads in flight to an end. */
  close(timeoutMs: number): Promise<void>;
}

/** Starts uploading; `undefined` when it is switched off. */
export async function openUploading(options: UploadingOptions): Promise<Uploading | undefined> {
  const { s3, catalog, receivedPath, log, clock } = options;
  if (!s3.enabled) return undefined;
  // The SDK takes a third of the time to start: only those wait for it who use it.
  const { S3ObjectStore } = await import("./upload/s3-object-store.ts");
  const store = new S3ObjectStore(s3);
  const eviction = new LocalEviction({ catalog, receivedPath, log, clock });
  const uploader = new Uploader({
    queue: catalog.uploads,
    store,
    receivedFolder: receivedPath,
    prefix: s3.prefix,
    log,
    maxInFlight: s3.maxInFlight,
    clock,
    // [S-4.4]
    ...(s3.deleteAfterUpload && { onSegmentStored: () => void eviction.evictAll() }),
  });
  uploader.start();
  const kinds = chooseKinds(s3);
  return {
    kinds,
    get isStoreDown() {
      return uploader.circuit.kind !== "closed";
    },
    notify: () => uploader.notify(),
    catchUp: async () => {
      if (s3.deleteAfterUpload) void eviction.evictAll();
      const count = await catalog.uploads.enqueueMissing(kinds);
      if (count > 0) log.info({ files: count }, "recorded while uploads were off: queued");
      uploader.notify();
    },
    makeRoom: () => void eviction.makeRoom(),
    close: async (timeoutMs) => {
      await uploader.drain(timeoutMs);
      await uploader.close();
      await eviction.close();
      store.close();
    },
  };
}

/** The sidecar goes along always: without it the other two say little. */
function chooseKinds(s3: S3Settings): readonly SegmentFileKind[] {
  return [...(s3.uploadBin ? (["bin"] as const) : []), ...(s3.uploadWav ? (["wav"] as const) : []), "json"];
}
