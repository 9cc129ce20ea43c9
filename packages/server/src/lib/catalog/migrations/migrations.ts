import type { Migration } from "kysely/migration";
import { initial } from "./001-initial.ts";
import { durableDelivery } from "./002-durable-delivery.ts";
import { events } from "./003-events.ts";
import { retention } from "./004-retention.ts";
import { reading } from "./005-reading.ts";
import { openSessions } from "./006-open-sessions.ts";
import { segmentIds } from "./007-segment-ids.ts";
import { unknownRecordings } from "./008-unknown-recordings.ts";
import { uploadBacklogs } from "./008-upload-backlogs.ts";
import { cheaperUploads } from "./009-cheaper-uploads.ts";
import { deviceClocks } from "./010-device-clocks.ts";
import { awaitedSegments } from "./011-awaited-segments.ts";
import { presence } from "./012-presence.ts";
import { evictedOverviews } from "./013-evicted-overviews.ts";
import type { migrationNames } from "./migration-names.ts";

/** Every change of the catalogue's schema, in the order of the names. A released one is never edited. */
export const migrations: Readonly<Record<(typeof migrationNames)[number], Migration>> = {
  "001-initial": initial,
  "002-durable-delivery": durableDelivery,
  "003-events": events,
  "004-retention": retention,
  "005-reading": reading,
  "006-open-sessions": openSessions,
  "007-segment-ids": segmentIds,
  "008-unknown-recordings": unknownRecordings,
  "008-upload-backlogs": uploadBacklogs,
  "009-cheaper-uploads": cheaperUploads,
  "010-device-clocks": deviceClocks,
  "011-awaited-segments": awaitedSegments,
  "012-presence": presence,
  "013-evicted-overviews": evictedOverviews,
};
