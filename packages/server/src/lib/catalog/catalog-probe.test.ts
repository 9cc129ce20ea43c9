import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Ballast } from "../../../../../test/support/ballast.ts";
import { MemoryDisk, skipWithoutMount } from "../../../../../test/support/mounted-disk.ts";
import { makeTemporaryFolder } from "../../../../../test/support/temporary-folder.ts";
import { systemClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { finishedSegment } from "./finished-segment.test-support.ts";
import { openCatalog } from "./sqlite-catalog.ts";

describe("Catalog.probe", { skip: skipWithoutMount() }, () => {
  it("fails from a commit that the disk refuses until it takes writes again, asked or not", async () => {
    await using folder = await makeTemporaryFolder();
    await using disk = await MemoryDisk.create(join(folder.path, "disk"), 16);
    const catalog = await openCatalog({ path: join(disk.path, "catalog.db"), log: silentLog, clock: systemClock });
    try {
      await catalog.probe();
      {
        using _full = new Ballast(join(disk.path, "ballast"));
        let index = 0;
        const fill = async () => {
          for (;;) await catalog.addSegment(finishedSegment({ index: index++ }), ["bin"], { isBackfill: false });
        };
        await assert.rejects(fill(), { code: "STORAGE_FULL" });
        await assert.rejects(catalog.probe(), { code: "STORAGE_FULL" });
      }
      await catalog.probe();
    } finally {
      await catalog.close();
    }
  });
});
