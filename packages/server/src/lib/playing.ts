import { join } from "node:path";
import type { CatalogReader } from "./catalog/catalog-reader.ts";
import type { Log } from "./kernel/log.ts";
import type { OverviewKeeper } from "./playback/overview-source.ts";
import { Playback } from "./playback/playback.ts";
import type { Uploading } from "./uploading.ts";

/** Where overviews of segments lie: in folders as those of the segments are. */
export function overviewPathOf(dataPath: string): string {
  return join(dataPath, "overview");
}

export interface PlayingOptions {
  readonly reader: CatalogReader;
  readonly dataPath: string;
  readonly uploading: Uploading | undefined;
  readonly log: Log;
  readonly keeper: OverviewKeeper;
}

/** Playback of what a data folder holds; its threads start when they are needed. */
export function createPlayback({ reader, dataPath, uploading, log, keeper }: PlayingOptions): Playback {
  return new Playback({
    reader,
    receivedPath: join(dataPath, "received"),
    overviewPath: overviewPathOf(dataPath),
    ...(uploading !== undefined && { objects: uploading.objects }),
    log,
    keeper,
  });
}
