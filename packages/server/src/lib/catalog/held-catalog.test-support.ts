import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { type Clock, systemClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import type { Catalog } from "./catalog.ts";
import { openCatalog } from "./sqlite-catalog.ts";

/** The catalogue of the test that runs, in a folder of its own. */
export interface HeldCatalog {
  catalog: Catalog;
  /** Opens its file once more; what was open before is to be closed. @param clock - default: that of {@link holdCatalog} */
  open(clock?: Clock): Promise<Catalog>;
  /** Begins with an empty one. */
  renew(): Promise<void>;
}

/** Opens a catalogue before each test of a file and closes it behind it. @param clock - default: the machine's */
export function holdCatalog(clock: Clock = systemClock): HeldCatalog {
  let folder: string;
  let catalog: Catalog;
  const pathOf = () => join(folder, "catalog.db");
  const held: HeldCatalog = {
    get catalog() {
      return catalog;
    },
    set catalog(fresh) {
      catalog = fresh;
    },
    open: (other = clock) => openCatalog({ path: pathOf(), log: silentLog, clock: other }),
    renew: async () => {
      await catalog.close();
      await rm(pathOf());
      catalog = await held.open();
    },
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-catalog-"));
    catalog = await held.open();
  });
  afterEach(async () => {
    await catalog.close();
    await rm(folder, { recursive: true });
  });
  return held;
}
