import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { WalSync } from "./wal-sync-store.ts";

/** Syncs that end when told to. */
class ManualSyncs {
  readonly #begun: PromiseWithResolvers<void>[] = [];

  readonly sync = (): Promise<void> => {
    const begun = Promise.withResolvers<void>();
    this.#begun.push(begun);
    return begun.promise;
  };

  get count(): number {
    return this.#begun.length;
  }

  /** Waits until so many have begun. */
  async reach(count: number): Promise<void> {
    while (this.count < count) await new Promise(setImmediate);
  }

  end(index: number, error?: Error): void {
    if (error === undefined) this.#begun[index]?.resolve();
    else this.#begun[index]?.reject(error);
  }
}

describe("WalSync", () => {
  let folder: string;
  let path: string;
  let syncs: ManualSyncs;
  let checkpoints: (() => void)[];
  let wal: WalSync;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "wal-"));
    path = join(folder, "catalog.db-wal");
    await writeFile(path, "log");
    syncs = new ManualSyncs();
    checkpoints = [];
    const checkpoint = () => {
      const next = checkpoints.shift();
      assert.ok(next, "no checkpoint is expected");
      next();
    };
    wal = new WalSync({ path, checkpoint, sync: syncs.sync });
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("syncs once for all who ask before it begins, and again for those who ask later", async () => {
    const first = [wal.sync(), wal.sync()];
    await syncs.reach(1);
    const second = [wal.sync(), wal.sync()];
    let isSecondDone = false;
    void Promise.all(second).then(() => {
      isSecondDone = true;
    });
    syncs.end(0);
    await Promise.all(first);
    await syncs.reach(2);
    assert.equal(isSecondDone, false);
    syncs.end(1);
    await Promise.all(second);
    assert.equal(syncs.count, 2);
    await wal.close();
  });

  it("does not believe in another sync once one has failed: the log is brought into the file and begins anew", async () => {
    let checkpointCount = 0;
    checkpoints.push(() => {
      checkpointCount += 1;
    });
    const failing = wal.sync();
    await syncs.reach(1);
    syncs.end(0, new Error("EIO"));
    await failing;
    assert.equal(checkpointCount, 1);
    const next = wal.sync();
    await syncs.reach(2);
    syncs.end(1);
    await next;
    await wal.close();
  });

  it("makes nothing durable until a checkpoint works", async () => {
    const refuse = () => {
      throw new Error("the disk refuses");
    };
    checkpoints.push(refuse, refuse, () => {});
    const first = wal.sync();
    await syncs.reach(1);
    const second = wal.sync();
    syncs.end(0, new Error("EIO"));
    await assert.rejects(first, { message: "the disk refuses" });
    await assert.rejects(second, { message: "the disk refuses" });
    await wal.sync();
    assert.equal(syncs.count, 1);
    await wal.close();
  });

  it("checkpoints where there is no log", async () => {
    await rm(path);
    checkpoints.push(() => {});
    await wal.sync();
    assert.equal(syncs.count, 0);
    await wal.close();
  });

  it("waits at its close for what is under way", async () => {
    const sync = wal.sync();
    await syncs.reach(1);
    let isClosed = false;
    const closing = wal.close().then(() => {
      isClosed = true;
    });
    await new Promise(setImmediate);
    assert.equal(isClosed, false);
    syncs.end(0);
    await Promise.all([sync, closing]);
  });
});
