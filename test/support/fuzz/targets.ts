import { createAccessTargets } from "./access-targets.ts";
import { apiTargets } from "./api-targets.ts";
import { audioTargets } from "./audio-targets.ts";
import { createCertificateTargets } from "./certificate-targets.ts";
import { createClientTargets } from "./client-targets.ts";
import { createDiskTargets } from "./disk-targets.ts";
import type { FuzzTarget } from "./fuzz-target.ts";
import { pageTargets } from "./page-targets.ts";
import { readSeeds } from "./recorded-seeds.ts";
import { settingsTargets } from "./settings-targets.ts";
import { createStorageTargets } from "./storage-targets.ts";
import { createStoreTargets } from "./store-targets.ts";
import { wireTargets } from "./wire-targets.ts";

/** Everything in this repository that reads what it has not written itself just now. @param folder - of the seeds */
export async function createTargets(folder: string): Promise<readonly FuzzTarget[]> {
  const files = await readSeeds(folder);
  return [
    ...wireTargets,
    ...audioTargets,
    ...createStorageTargets(files),
    ...createDiskTargets(files),
    ...settingsTargets,
    ...apiTargets,
    ...(await createAccessTargets()),
    ...(await createCertificateTargets()),
    ...createClientTargets(),
    ...(await createStoreTargets()),
    ...pageTargets,
  ];
}
