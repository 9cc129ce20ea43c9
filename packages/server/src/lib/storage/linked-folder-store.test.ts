import assert from "node:assert/strict";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeTemporaryFolder } from "../../../../../test/support/temporary-folder.ts";
import { isLinkedFolder } from "./linked-folder-store.ts";

describe("isLinkedFolder", () => {
  it("tells folders behind a link from those that are there or not", async () => {
    await using folder = await makeTemporaryFolder();
    const root = join(folder.path, "received");
    await mkdir(join(root, "mic/2026"), { recursive: true });
    await mkdir(join(folder.path, "received-evil/mic"), { recursive: true });
    await symlink(join(folder.path, "received-evil"), join(root, "out"));
    await symlink("mic", join(root, "in"));
    const found = await Promise.all(
      ["", "mic", "mic/2026", "none", "out", "out/mic", "in/2026"].map((name) => isLinkedFolder(root, name)),
    );
    assert.deepEqual(found, [false, false, false, false, true, true, true]);
  });

  it("does not mind how the root is reached", async () => {
    await using folder = await makeTemporaryFolder();
    await mkdir(join(folder.path, "disk/mic"), { recursive: true });
    await symlink(join(folder.path, "disk"), join(folder.path, "received"));
    assert.equal(await isLinkedFolder(join(folder.path, "received"), "mic"), false);
  });
});
