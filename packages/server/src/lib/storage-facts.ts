import type { QuotaFacts, RetentionFacts, StorageFacts } from "./api/storage-facts.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { Settings } from "./config/settings.ts";
import { systemClock } from "./kernel/clock.ts";
import type { Retaining } from "./retaining.ts";
import { Headroom } from "./retention/headroom.ts";
import { readUsage } from "./retention/retention-walk.ts";
import type { DiskGuard } from "./storage/disk-guard.ts";
import { diskState, marksForDisk, readDiskSpace, reserveBytes } from "./storage/disk-space-store.ts";
import type { Uploading } from "./uploading.ts";

const hourMs = 3_600_000;
const gigabyte = 1e9;

interface StorageParts {
  readonly catalog: Pick<Catalog, "retention">;
  readonly retaining: Pick<Retaining, "headroomHours" | "bytesPerHour" | "rateKnownS" | "quotas">;
  readonly uploading: Uploading | undefined;
  readonly disk: Pick<DiskGuard, "state" | "space" | "isReserveHeld">;
}

/** What a running server knows of its disk and uploads. */
export function readStorage({ catalog, retaining, uploading, disk }: StorageParts): StorageFacts {
  const { state, space, isReserveHeld } = disk;
  const { bytesPerHour, rateKnownS } = retaining;
  const headroomHours = retaining.headroomHours(space);
  return {
    disk: {
      state,
      ...space,
      ...marksForDisk(space.totalBytes),
      reserveBytes,
      isReserveHeld,
      bytesPerHour,
      rateKnownS,
      headroomHours,
    },
    localBytes: sumLocalBytes(catalog),
    uploading: uploading?.facts(),
    retention: retaining.quotas,
  };
}

/** What is known of a folder's disk without a server. */
export async function readFolderStorage(
  dataFolder: string,
  catalog: Pick<Catalog, "retention">,
  settings: Settings,
): Promise<StorageFacts> {
  const space = await readDiskSpace(dataFolder);
  const marks = marksForDisk(space.totalBytes);
  const headroom = new Headroom(systemClock, catalog.retention.recentBytes(systemClock.wallMs() - hourMs));
  return {
    disk: {
      ...{ state: diskState(space), ...space, ...marks, reserveBytes, isReserveHeld: undefined },
      bytesPerHour: headroom.bytesPerHour,
      rateKnownS: headroom.knownS,
      headroomHours: headroom.hoursUntil(space.freeBytes - marks.hardBytes),
    },
    localBytes: sumLocalBytes(catalog),
    uploading: undefined,
    retention: readQuotas(settings),
  };
}

/** The quotas of the settings, in which 0 is none. */
export function readQuotas({ server, devices }: Pick<Settings, "server" | "devices">): RetentionFacts {
  const own = [...devices].filter(
    ([, { retentionMaxAgeD, retentionMaxGb }]) => retentionMaxAgeD !== undefined || retentionMaxGb !== undefined,
  );
  return {
    ...toQuota(server.retentionMaxAgeD, server.retentionMaxGb),
    intervalMin: server.retentionIntervalMin,
    devices: own.map(([hwid, { retentionMaxAgeD = server.retentionMaxAgeD, retentionMaxGb = 0 }]) => ({
      ...{ hwid, ...toQuota(retentionMaxAgeD, retentionMaxGb) },
    })),
  };
}

function toQuota(ageD: number, gigabytes: number): QuotaFacts {
  return { maxAgeD: ageD === 0 ? undefined : ageD, maxBytes: gigabytes === 0 ? undefined : gigabytes * gigabyte };
}

function sumLocalBytes({ retention }: Pick<Catalog, "retention">): number {
  let sum = 0;
  for (const { localBytes } of readUsage(retention)) sum += localBytes;
  return sum;
}
