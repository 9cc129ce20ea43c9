import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { SegmentFolders } from "./segment-folder-store.ts";

let root: string;
let folders: SegmentFolders;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "eet-folders-"));
  folders = new SegmentFolders(root);
});

afterEach(() => rm(root, { recursive: true }));

const inRoot = (...names: string[]) => names.map((name) => join(root, name));

describe("SegmentFolders", () => {
  it("makes folders and names all that are to be synced, innermost first", async () => {
    await folders.make("mic/2026/01");
    assert.ok((await stat(join(root, "mic/2026/01"))).isDirectory());
    assert.deepEqual(folders.unsyncedAbove("mic/2026/01"), inRoot("mic/2026/01", "mic/2026", "mic", ""));
    assert.deepEqual(folders.unsyncedAbove(""), inRoot(""));
  });

  it("names those again whose names were never synced, whoever made them", async () => {
    await folders.make("mic");
    await folders.make("mic");
    assert.deepEqual(folders.unsyncedAbove("mic"), inRoot("mic", ""));
  });

  it("names a folder alone once the names above are durable", async () => {
    await folders.make("mic/2026/01");
    folders.noteSynced("mic/2026/01");
    await folders.make("mic/2026/02");
    assert.deepEqual(folders.unsyncedAbove("mic/2026/01"), inRoot("mic/2026/01"));
    assert.deepEqual(folders.unsyncedAbove("mic/2026/02"), inRoot("mic/2026/02", "mic/2026"));
  });

  it("makes a folder before the work, and again when it was deleted meanwhile", async () => {
    const write = () => writeFile(join(root, "mic/x"), "x");
    await folders.within("mic", write);
    folders.noteSynced("mic");
    await rm(join(root, "mic"), { recursive: true });
    await folders.within("mic", write);
    assert.deepEqual(folders.unsyncedAbove("mic"), inRoot("mic", ""));
    const denied = Object.assign(new Error("no"), { code: "EACCES" });
    await assert.rejects(
      folders.within("mic", () => Promise.reject(denied)),
      denied,
    );
  });

  it("forgets what was deleted meanwhile", async () => {
    await folders.make("mic/2026/01");
    folders.noteSynced("mic/2026/01");
    await folders.make("mic-2");
    folders.noteSynced("mic-2");
    await rm(join(root, "mic"), { recursive: true });
    await folders.make("mic/2026/01");
    assert.deepEqual(folders.unsyncedAbove("mic/2026/01"), inRoot("mic/2026/01", "mic/2026", "mic", ""));
    assert.deepEqual(folders.unsyncedAbove("mic-2"), inRoot("mic-2"));
  });
});
