import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { removeFile, syncFolder } from "./durable-file-store.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-durable-"));
});

afterEach(() => rm(folder, { recursive: true }));

describe("syncFolder", () => {
  it("syncs a folder and tells of one that is not there", { skip: process.platform === "win32" }, async () => {
    await syncFolder(folder);
    await assert.rejects(syncFolder(join(folder, "none")), { code: "ENOENT" });
  });
});

describe("removeFile", () => {
  it("removes a file, and takes it well when there is none", async () => {
    const path = join(folder, "file");
    await writeFile(path, "");
    await removeFile(path);
    await assert.rejects(readFile(path), { code: "ENOENT" });
    await removeFile(path);
  });
});
