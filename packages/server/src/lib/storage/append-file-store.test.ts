import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { StorageError } from "../kernel/errors.ts";
import { AppendFile } from "./append-file-store.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-append-"));
  path = join(folder, "file");
});

afterEach(() => rm(folder, { recursive: true }));

describe("AppendFile", () => {
  it("writes slices one behind the other at the offset", async () => {
    const file = await AppendFile.open(path);
    await file.write([Buffer.from("ab"), Buffer.from("c")], 0);
    await file.write([Buffer.from("def")], 3);
    await file.sync();
    await file.close();
    assert.equal(await readFile(path, "utf8"), "abcdef");
  });

  it("writes over what an earlier try left at the offset", async () => {
    const file = await AppendFile.open(path);
    await file.write([Buffer.from("abc")], 0);
    await file.write([Buffer.from("cd")], 2);
    await file.close();
    assert.equal(await readFile(path, "utf8"), "abcd");
  });

  it("writes a whole file, over one that is there", async () => {
    await AppendFile.writeSynced(path, "a longer text");
    await AppendFile.writeSynced(path, "text");
    assert.equal(await readFile(path, "utf8"), "text");
  });

  it("never opens a file that is there", async () => {
    await writeFile(path, "frames");
    await assert.rejects(AppendFile.open(path), { code: "EEXIST" });
    assert.equal(await readFile(path, "utf8"), "frames");
  });

  it("goes on after a short write, up to the system's error", async () => {
    // The system writes what the limit of 4 KiB allows and only refuses the next byte.
    const source = `
      import { AppendFile } from ${JSON.stringify(import.meta.resolve("./append-file-store.ts"))};
      const file = await AppendFile.open(${JSON.stringify(path)});
      await file.write([Buffer.alloc(3000, "a"), Buffer.alloc(3000, "b")], 0).catch((error) => console.log(error.code));`;
    const child = spawnSync("sh", [
      "-c",
      'ulimit -f 8 && exec "$0" --input-type=module -e "$1"',
      process.execPath,
      source,
    ]);
    assert.equal(child.stdout.toString(), "EFBIG\n", child.stderr.toString());
    assert.equal(await readFile(path, "utf8"), "a".repeat(3000) + "b".repeat(1096));
  });

  it("tells a failed sync as final, whatever the system's reason [S-2.4]", async () => {
    const file = await AppendFile.open(path);
    await file.close();
    await assert.rejects(file.sync(), (error) => {
      assert.ok(error instanceof StorageError);
      assert.equal(error.code, "STORAGE_IO");
      assert.match(error.message, /EBADF/);
      return true;
    });
  });

  it("closes once", async () => {
    const file = await AppendFile.open(path);
    await Promise.all([file.close(), file.close()]);
    await file.close();
  });
});
