import type { UploadingFacts } from "./api/storage-facts.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { S3Settings } from "./config/settings.ts";
import type { Clock } from "./kernel/clock.ts";
import type { SegmentFileKind } from "./kernel/finished-segment.ts";
import type { Log } from "./kernel/log.ts";
import type { ObjectReader } from "./kernel/object-reader.ts";
import type { LocalEviction } from "./retention/local-eviction.ts";
import type { ObjectRemover } from "./retention/segment-deleter.ts";
import { formatObjectKey } from "./upload/object-key.ts";
import { ThreadedObjectStore } from "./upload/threaded-object-store.ts";
import { UploadMeter } from "./upload/upload-meter.ts";
import { Uploader } from "./upload/uploader.ts";

export interface UploadingOptions {
  readonly s3: S3Settings;
  readonly catalog: Catalog;
  /** `data/received` */
  readonly receivedPath: string;
  readonly eviction: Pick<LocalEviction, "evictAll">;
  readonly log: Log;
  readonly clock: Clock;
  /** Told when all that was queued of a segment is verified in the store; may come more than once. */
  readonly onSegmentStored: (segmentId: number) => void;
}

/** The upload side as the settings want it. */
export interface Uploading {
  /** Files of a segment that are uploaded. */
  readonly kinds: readonly SegmentFileKind[];
  /** True while the store as a whole cannot be used. */
  readonly isStoreDown: boolean;
  /** Reads and removes what stands in the store. */
  readonly objects: ObjectReader & ObjectRemover;
  /** For people: where to, how fast, and what is in the way. */
  facts(): UploadingFacts;
  /** Looks at once whether a store that was down is back, and takes what is due. */
  retryNow(): void;
  /** Says that uploads may have been queued. */
  notify(): void;
  /** After recovery: queues what was recorded while uploads were off, and deletes what an earlier run was to delete. */
  catchUp(): Promise<void>;
  /** Brings uploads in flight to an end. */
  close(timeoutMs: number): Promise<void>;
}

/** Starts uploading; `undefined` when it is switched off. */
export async function openUploading(options: UploadingOptions): Promise<Uploading | undefined> {
  const { s3, catalog, receivedPath, eviction, log, clock, onSegmentStored } = options;
  if (!s3.enabled) return undefined;
  const store = new ThreadedObjectStore({ store: s3, log });
  const meter = new UploadMeter(clock);
  const uploader = new Uploader({
    queue: catalog.uploads,
    store,
    receivedFolder: receivedPath,
    prefix: s3.prefix,
    log,
    maxInFlight: s3.maxInFlight,
    clock,
    onStored: (bytes) => meter.note(bytes),
    onSegmentStored: (segmentId) => {
      // [S-4.4]
      if (s3.deleteAfterUpload) void eviction.evictAll();
      onSegmentStored(segmentId);
    },
  });
  uploader.start();
  const kinds = chooseKinds(s3);
  return {
    kinds,
    objects: {
      get: (key, range, maxBytes) => store.get(key, range, maxBytes),
      delete: (key) => store.delete(key),
      keyOf: ({ hwid, name }, kind) => formatObjectKey(s3.prefix, { hwid, fileName: `${name}.${kind}` }),
    },
    get isStoreDown() {
      return uploader.circuit.kind !== "closed";
    },
    facts: () => ({ ...describeStore(s3), kinds, trouble: readTrouble(uploader, clock), throughput: meter.read() }),
    retryNow: () => uploader.retryNow(),
    notify: () => uploader.notify(),
    catchUp: async () => {
      if (s3.deleteAfterUpload) void eviction.evictAll();
      const count = await catalog.uploads.enqueueMissing(kinds);
      if (count > 0) log.info({ files: count }, "recorded while uploads were off: queued");
      uploader.notify();
    },
    close: async (timeoutMs) => {
      await uploader.drain(timeoutMs);
      await uploader.close();
      store.close();
    },
  };
}

function describeStore({
  serviceUrl,
  bucket,
  prefix,
  region,
  deleteAfterUpload,
}: S3Settings & { readonly enabled: true }) {
  return { endpoint: serviceUrl, bucket, prefix, region, deleteAfterUpload };
}

/** Why the store as a whole cannot be used, and when it is tried next. */
function readTrouble({ circuit }: Uploader, clock: Clock): UploadingFacts["trouble"] {
  if (circuit.kind === "closed") return undefined;
  const { code, message: reason } = circuit.error;
  const waitMs = circuit.kind === "open" ? Math.max(0, circuit.probeMs - clock.monotonicMs()) : 0;
  return { code, reason, nextTryMs: clock.wallMs() + waitMs };
}

/** The sidecar goes along always: without it the other two say little. */
function chooseKinds(s3: S3Settings): readonly SegmentFileKind[] {
  return [...(s3.uploadBin ? (["bin"] as const) : []), ...(s3.uploadWav ? (["wav"] as const) : []), "json"];
}
