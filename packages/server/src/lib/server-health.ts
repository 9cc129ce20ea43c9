import type { Health } from "./api/http-api.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { Finisher } from "./finishing/finisher.ts";
import type { Guarding } from "./guarding.ts";
import type { IngestHost } from "./hosting/ingest-host.ts";
import type { WsEndpoint } from "./ingest/ws-endpoint.ts";
import type { DiskGuard } from "./storage/disk-guard.ts";
import type { Uploading } from "./uploading.ts";

export interface HealthParts {
  readonly disk: DiskGuard;
  readonly endpoint: WsEndpoint;
  readonly ingest: IngestHost;
  readonly finisher: Finisher;
  readonly catalog: Catalog;
  readonly uploading: Uploading | undefined;
  readonly guarding: Guarding;
}

/** What `/healthz` tells of a running server. */
export function readHealth(parts: HealthParts, version: string): Health {
  const { disk, endpoint, ingest, finisher, catalog, uploading } = parts;
  const { pending, uploading: inFlight, stored, failed } = catalog.uploads.counts();
  const { count, runningCount } = ingest.workers;
  const isDegraded =
    disk.state !== "ok" || uploading?.isStoreDown === true || finisher.failedCount > 0 || runningCount < count;
  return {
    status: isDegraded ? "degraded" : "ok",
    version,
    access: parts.guarding.mode,
    uptimeS: Math.floor(process.uptime()),
    connections: endpoint.connectionCount,
    sessions: ingest.figures.sessionCount,
    finishing: finisher.queueLength,
    unfinished: finisher.failedCount,
    disk: { state: disk.state, freeBytes: disk.freeBytes },
    uploads: uploading === undefined ? null : { pending, uploading: inFlight, stored, failed },
  };
}
