import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MonotonicMs } from "./kernel/clock.ts";
import { StorageError } from "./kernel/errors.ts";
import { limitProbes, readReadiness } from "./readiness.ts";

const well = {
  recovery: "done",
  disk: { state: "ok", freeBytes: 2 ** 40 },
  catalog: { probe: async () => {} },
} as const;

describe("readReadiness", () => {
  it("is ready when recovery is done, the disk has room and the catalogue answers", async () => {
    assert.deepEqual((await readReadiness(well)).reasons, []);
    const low = await readReadiness({ ...well, disk: { state: "soft", freeBytes: 2 ** 30 } });
    assert.deepEqual([low.status, low.checks.disk], ["ready", "soft"], "streams are taken still");
  });

  it("names everything that is in the way", async () => {
    const { status, reasons, plainReasons, checks } = await readReadiness({
      recovery: "stopped",
      disk: { state: "hard", freeBytes: 3 * 2 ** 20 },
      catalog: {
        probe: async () => {
          throw new StorageError("STORAGE_IO", "the catalogue x fails");
        },
      },
    });
    assert.equal(status, "not-ready");
    assert.deepEqual(checks, { recovery: "stopped", disk: "hard", catalog: "failing" });
    assert.equal(reasons.length, 3);
    assert.match(
      reasons.join("\n"),
      /^recovery stopped on an error.*\n.*disk has 3 MiB free.*\nthe catalogue x fails$/,
    );
    assert.deepEqual(
      plainReasons,
      [reasons[0], "the data folder's disk is full: no stream is taken", "the catalogue does not answer"],
      "strangers are told neither paths nor sizes",
    );
  });
});

describe("limitProbes", () => {
  it("asks the catalogue once a second, however many ask, whatever it answers", async () => {
    let [nowMs, count] = [0, 0];
    const probe = async () => {
      count += 1;
      if (count === 2) throw new StorageError("STORAGE_IO", "the catalogue x fails");
    };
    const limited = limitProbes({ probe }, { monotonicMs: () => nowMs as MonotonicMs });
    const ask = () => readReadiness({ ...well, catalog: limited });
    const statuses = async () => (await Promise.all([ask(), ask(), ask()])).map(({ status }) => status);
    assert.deepEqual(await statuses(), ["ready", "ready", "ready"]);
    nowMs = 999;
    assert.deepEqual([(await ask()).status, count], ["ready", 1]);
    nowMs = 1_000;
    assert.deepEqual(await statuses(), ["not-ready", "not-ready", "not-ready"]);
    nowMs = 2_000;
    assert.deepEqual([(await ask()).status, count], ["ready", 3]);
  });
});
