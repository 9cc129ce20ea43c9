import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { syncFolder } from "./durable-file-store.ts";
import { FolderSyncs } from "./folder-syncs-store.ts";

let root: string;
let begun: string[];
let syncs: FolderSyncs;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "eet-syncs-"));
  begun = [];
  syncs = new FolderSyncs((path) => {
    begun.push(path);
    return syncFolder(path);
  });
});

afterEach(() => rm(root, { recursive: true, force: true }));

describe("FolderSyncs", () => {
  it("syncs once for all that ask while one is under way, behind that one", async () => {
    const first = syncs.sync(root);
    const others = Array.from({ length: 50 }, () => syncs.sync(root));
    assert.equal(begun.length, 1);
    await first;
    await Promise.all(others);
    assert.equal(begun.length, 2);
    await syncs.sync(root);
    assert.equal(begun.length, 3);
  });

  it("syncs each folder by itself", async () => {
    await Promise.all([syncs.sync(root), syncs.sync(tmpdir())]);
    assert.deepEqual(begun, [root, tmpdir()]);
  });

  it("tells all that wait for a sync that it failed, and tries again for those that ask later", async () => {
    await rm(root, { recursive: true });
    const failing = [syncs.sync(root), syncs.sync(root), syncs.sync(root)];
    for (const { status } of await Promise.allSettled(failing)) assert.equal(status, "rejected");
    assert.equal(begun.length, 2);
    await assert.rejects(syncs.sync(root), { code: "ENOENT" });
    assert.equal(begun.length, 3);
  });
});
