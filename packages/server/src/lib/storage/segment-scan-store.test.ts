import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type FolderListing, scanFolders } from "./segment-scan-store.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "eet-scan-"));
});

afterEach(() => rm(root, { recursive: true }));

async function listAll(path: string): Promise<FolderListing[]> {
  const listings: FolderListing[] = [];
  for await (const listing of scanFolders(path)) listings.push(listing);
  return listings;
}

describe("scanFolders", () => {
  it("walks parents first, everything sorted", async () => {
    await mkdir(join(root, "b", "2026"), { recursive: true });
    await mkdir(join(root, "a"));
    for (const path of ["z.bin", "y.bin", "b/2026/x.bin"]) await writeFile(join(root, path), "");
    assert.deepEqual(await listAll(root), [
      { path: root, folder: "", names: ["y.bin", "z.bin"] },
      { path: join(root, "a"), folder: "a", names: [] },
      { path: join(root, "b"), folder: "b", names: [] },
      { path: join(root, "b", "2026"), folder: "b/2026", names: ["x.bin"] },
    ] satisfies FolderListing[]);
  });

  it("follows no links", async () => {
    await mkdir(join(root, "tree"));
    await writeFile(join(root, "outside.bin"), "");
    await symlink(root, join(root, "tree", "up"));
    await symlink(join(root, "outside.bin"), join(root, "tree", "link.bin"));
    assert.deepEqual(await listAll(join(root, "tree")), [{ path: join(root, "tree"), folder: "", names: [] }]);
  });

  it("passes over a folder that cannot be read, if it may, and tells of it", async () => {
    await mkdir(join(root, "a", "inner"), { recursive: true });
    await mkdir(join(root, "b"));
    const walked: string[] = [];
    const unreadable: string[] = [];
    const walk = async (onUnreadable?: (path: string) => void) => {
      for await (const { folder } of scanFolders(root, onUnreadable)) {
        walked.push(folder);
        if (folder !== "") continue;
        // A file where the listing had a folder cannot be read as one, whoever asks.
        await rm(join(root, "a"), { recursive: true });
        await writeFile(join(root, "a"), "");
      }
    };
    await walk((path) => unreadable.push(path));
    assert.deepEqual([walked, unreadable], [["", "b"], [join(root, "a")]]);
    await rm(join(root, "a"));
    await mkdir(join(root, "a"));
    await assert.rejects(walk(), { code: "ENOTDIR" });
  });

  it("does not look into what the file system's check has found", async () => {
    await mkdir(join(root, "lost+found"));
    await mkdir(join(root, "a", "lost+found"), { recursive: true });
    assert.deepEqual(
      (await listAll(root)).map(({ folder }) => folder),
      ["", "a", "a/lost+found"],
    );
  });

  it("finds nothing where there is no root", async () => {
    const path = join(root, "none");
    assert.deepEqual(await listAll(path), [{ path, folder: "", names: [] }]);
  });
});
