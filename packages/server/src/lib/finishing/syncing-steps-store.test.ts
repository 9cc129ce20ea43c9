import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { temporaryFolder } from "./segment-fixture.test-support.ts";
import { runSyncing, runSyncingMeanwhile, type SyncingSteps, syncFolders } from "./syncing-steps-store.ts";

const runners = [
  { name: "runSyncing", run: async <T>(steps: SyncingSteps<T>) => runSyncing(steps) },
  { name: "runSyncingMeanwhile", run: runSyncingMeanwhile },
] as const;

function openFile(t: TestContext): number {
  const path = join(temporaryFolder(t), "file");
  writeFileSync(path, "bytes");
  const descriptor = openSync(path, "r+");
  t.after(() => closeSync(descriptor));
  return descriptor;
}

/** A descriptor that cannot be synced: nothing is open under it. */
const noDescriptor = 2 ** 30;

for (const { name, run } of runners)
  describe(name, () => {
    it("goes through all steps and gives what they return", async (t) => {
      const done: string[] = [];
      const descriptor = openFile(t);
      function* steps(): SyncingSteps<string> {
        done.push("begins");
        yield [descriptor];
        done.push("goes on");
        yield [descriptor, descriptor];
        return "through";
      }
      assert.equal(await run(steps()), "through");
      assert.deepEqual(done, ["begins", "goes on"]);
    });

    it("throws what a sync fails with into the steps, which may tidy up and fail with it", async (t) => {
      const descriptor = openFile(t);
      const tidied: unknown[] = [];
      function* steps(): SyncingSteps<void> {
        try {
          yield [noDescriptor, descriptor];
        } catch (error) {
          tidied.push(error);
          throw error;
        }
      }
      await assert.rejects(run(steps()), { code: "EBADF" });
      assert.equal((tidied[0] as NodeJS.ErrnoException).code, "EBADF");
    });

    it("goes on when the steps do without the sync that failed", async () => {
      function* steps(): SyncingSteps<string> {
        try {
          yield [noDescriptor];
        } catch {
          return "without";
        }
        return "with";
      }
      assert.equal(await run(steps()), "without");
    });

    it("passes on what the steps throw by themselves", async () => {
      function* steps(): SyncingSteps<void> {
        yield [];
        throw new RangeError("nothing");
      }
      await assert.rejects(run(steps()), { name: "RangeError", message: "nothing" });
    });
  });

describe("runSyncingMeanwhile", () => {
  it("lets others go on while a file is synced", async (t) => {
    const descriptor = openFile(t);
    const order: string[] = [];
    function* steps(name: string): SyncingSteps<void> {
      order.push(`${name} begins`);
      yield [descriptor];
      order.push(`${name} goes on`);
    }
    await Promise.all(["a", "b"].map((name) => runSyncingMeanwhile(steps(name))));
    assert.deepEqual(order.slice(0, 2), ["a begins", "b begins"]);
    assert.deepEqual(order.slice(2).toSorted(), ["a goes on", "b goes on"]);
  });
});

describe("runSyncingMeanwhile whose sync fails", () => {
  it("goes on only when the others have ended: what is closed while it is synced may be another's by then", async () => {
    const others = Promise.withResolvers<void>();
    const order: string[] = [];
    function* steps(): SyncingSteps<void> {
      try {
        yield [1, 2];
      } finally {
        order.push("steps go on");
      }
    }
    const running = runSyncingMeanwhile(steps(), (descriptor) =>
      descriptor === 1 ? Promise.reject(new Error("refused")) : others.promise,
    );
    // Whatever hangs on the failed sync alone has had its turn.
    await nextTurn();
    order.push("the other sync ends");
    others.resolve();
    await assert.rejects(running, { message: "refused" });
    assert.deepEqual(order, ["the other sync ends", "steps go on"]);
  });
});

describe("syncFolders", () => {
  it("opens all folders for one step, and closes them behind it", { skip: process.platform === "win32" }, (t) => {
    const folders = [temporaryFolder(t), temporaryFolder(t)];
    const steps = syncFolders(folders);
    const step = steps.next();
    assert.ok(!step.done);
    assert.deepEqual(
      step.value.map((descriptor) => fstatSync(descriptor).isDirectory()),
      [true, true],
    );
    assert.equal(steps.next().done, true);
    for (const descriptor of step.value) assert.throws(() => fstatSync(descriptor), { code: "EBADF" });
  });

  it("fails when one is missing", { skip: process.platform === "win32" }, (t) => {
    const folder = temporaryFolder(t);
    assert.throws(() => runSyncing(syncFolders([folder, join(folder, "missing")])), { code: "ENOENT" });
  });
});
