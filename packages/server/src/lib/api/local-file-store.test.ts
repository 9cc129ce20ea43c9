import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openLocalFile } from "./local-file-store.ts";

let folder: string;
let root: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-local-"));
  root = join(folder, "received");
  await mkdir(join(root, "mic"), { recursive: true });
  await mkdir(join(folder, "received-evil"));
  await writeFile(join(root, "mic", "a.bin"), "0123456789");
  await writeFile(join(folder, "received-evil", "a.bin"), "secret");
  await symlink(join(folder, "received-evil", "a.bin"), join(root, "mic", "out.bin"));
  await symlink(join(folder, "received-evil"), join(root, "out"));
  await symlink(join(root, "mic", "a.bin"), join(root, "mic", "in.bin"));
  await symlink(join(root, "mic"), join(root, "same"));
});
after(() => rm(folder, { recursive: true }));

async function read(path: string): Promise<string | undefined> {
  const file = await openLocalFile(root, path);
  if (file === undefined) return undefined;
  const pieces: Buffer[] = [];
  for await (const piece of file.read({ start: 0, end: file.sizeBytes })) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe("openLocalFile", () => {
  it("reads files below the folder, parts of them too", async () => {
    assert.equal(await read("mic/a.bin"), "0123456789");
    const file = await openLocalFile(root, "mic/a.bin");
    const pieces = await file?.read({ start: 3, end: 5 }).toArray();
    assert.equal(Buffer.concat(pieces ?? []).toString(), "34");
  });

  it("never leaves the folder: not by dots, not by links, not by a name that begins like it", async () => {
    for (const path of ["../received-evil/a.bin", "mic/../../received-evil/a.bin", "mic/out.bin", "out/a.bin"]) {
      assert.equal(await read(path), undefined, path);
    }
  });

  it("follows no link, whatever it leads to", async () => {
    for (const path of ["mic/in.bin", "same/a.bin"]) assert.equal(await read(path), undefined, path);
  });

  it("finds nothing where there is no regular file", async () => {
    for (const path of ["mic/b.bin", "mic", ".", "", "mic/a.bin/b"]) assert.equal(await read(path), undefined, path);
  });

  it("works where the folder itself is a link", async () => {
    await symlink(root, join(folder, "link"));
    const file = await openLocalFile(join(folder, "link"), "mic/a.bin");
    assert.equal(file?.sizeBytes, 10);
    await file?.close();
  });
});
