import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { reindexFolder, silentLog } from "@eet/server";
import { S3Stub } from "./support/s3-stub.ts";
import { ServerProcess } from "./support/server-process.ts";
import { allStored, listLocalKeys, sendStream } from "./support/stored-recordings.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const keyCount = 6;

function start(folder: string, stub: S3Stub): Promise<ServerProcess> {
  const environment = {
    ...stub.environment,
  };
  return ServerProcess.start({ folder, flags: ["--rotate-s", "1"], environment });
}

/** Deletes the first segment; resolves when it is out of the catalogue. */
async function deleteFirst({ port }: ServerProcess): Promise<void> {
  const url = `http://127.0.0.1:${port}/api/v1/segments/1`;
  const response = await fetch(`${url}?reason=${encodeURIComponent("asked for by its owner")}`, { method: "DELETE" });
  assert.equal(response.status, 200, await response.text());
  assert.equal((await fetch(url)).status, 404);
}

const isGone = ({ msg }: { readonly msg: string }) => msg.startsWith("deleted: files and objects are gone");

describe("eet serve with a segment that is deleted", () => {
  it("removes its files and objects, and no other's", async (t) => {
    await using folder = await makeTemporaryFolder();
    const stub = await S3Stub.start();
    t.after(() => stub.stop());
    await using server = await start(folder.path, stub);
    await sendStream(server.url, { hwid: "mic", streamId: 1, seconds: 2 });
    await allStored(server);
    const [local, stored] = [await listLocalKeys(folder.path), [...stub.objects.keys()].sort()];
    assert.deepEqual([local.length, stored], [keyCount, local]);
    await deleteFirst(server);
    await server.line(isGone);
    const left = local.filter((key) => !/-0\.\w+$/.test(key));
    assert.deepEqual([await listLocalKeys(folder.path), [...stub.objects.keys()].sort()], [left, left]);
  });

  it("goes on after a kill that came between, and no reindex brings the segment back", async (t) => {
    await using folder = await makeTemporaryFolder();
    const stub = await S3Stub.start();
    t.after(() => stub.stop());
    {
      await using server = await start(folder.path, stub);
      await sendStream(server.url, { hwid: "mic", streamId: 1, seconds: 2 });
      await allStored(server);
      stub.setDown(true);
      await deleteFirst(server);
      await server.line(({ msg }) => msg.startsWith("not deleted yet"));
      await server.kill();
    }
    assert.equal(stub.objects.size, keyCount);
    assert.equal((await reindexFolder(`${folder.path}/data`, silentLog, () => {})).segments, 1);
    stub.setDown(false);
    await using server = await start(folder.path, stub);
    await server.line(isGone);
    assert.equal(stub.objects.size, keyCount / 2);
    assert.equal((await listLocalKeys(folder.path)).length, keyCount / 2);
  });
});
