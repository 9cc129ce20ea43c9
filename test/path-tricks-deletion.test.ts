import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { OpenServer, type ServerLine } from "./support/open-server.ts";
import { S3Stub } from "./support/s3-stub.ts";
import { TrickedFolder, trickedFlags } from "./support/tricked-folder.ts";

const devices = ["linked", "moved", "plain"] as const;
/** Of each device. */
const segmentCount = 2;
const fileCount = 3 * 3 * segmentCount;
/** A byte of audio: nothing that is recorded may stay. */
const tinyQuota = { "retention-max-gb": "1e-9" };

let folder: TrickedFolder;

beforeEach(async () => {
  folder = await TrickedFolder.make();
});
afterEach(() => folder[Symbol.asyncDispose]());

/** Records, and plays the tricks once the server is down. */
async function recordAndTrick(): Promise<void> {
  {
    await using server = await OpenServer.open(folder.path, trickedFlags);
    await folder.record(server.url);
  }
  await folder.trick();
  await folder.linkOverviews("linked");
}

/** The same, where all files are stored before. */
async function storeAndTrick(stub: S3Stub): Promise<void> {
  const isStored = ({ msg }: ServerLine) => msg === "upload stored";
  {
    await using server = await OpenServer.open(folder.path, trickedFlags, undefined, stub.environment);
    await folder.record(server.url);
    await server.until("all is stored", () => server.lines.filter(isStored).length === fileCount);
  }
  await folder.trick();
}

/** Names of what stands in the folder of a device, links included, hidden ones not. */
function names(hwid: string): readonly string[] {
  return readdirSync(join(folder.received, hwid)).filter((name) => !name.startsWith("."));
}

async function deleteBy(server: OpenServer, path: string): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${server.port}/api/v1/${path}`, { method: "DELETE" });
  assert.equal(answer.status, 200, await answer.text());
}

/**
 * Waits until the server is through with all segments and looks at what it has refused. Of `linked` all but the overviews
 * goes: the links themselves, not what they lead to.
 */
async function deleted(server: OpenServer): Promise<void> {
  const refused = () =>
    new Set(server.lines.filter(({ msg }) => msg.startsWith("not deleted yet")).map((line) => line["segment"]));
  const gone = () => server.lines.filter(({ msg }) => msg.startsWith("deleted: files and objects are gone"));
  const goneCount = () => gone().reduce((sum, line) => sum + Number(line["segments"]), 0);
  await server.until(
    "each segment is deleted or refused",
    () => refused().size + goneCount() >= devices.length * segmentCount,
  );
  folder.assertKept();
  assert.deepEqual([...refused()].map((name) => /_(linked|moved)_/.exec(String(name))?.[1]).sort(), [
    "linked",
    "linked",
    "moved",
    "moved",
  ]);
  assert.deepEqual([...names("linked"), ...names("plain")], []);
  assert.deepEqual(readdirSync(join(folder.path, "data/overview/plain")), []);
}

describe("files that are not recordings, and links, are never deleted", () => {
  it("by the deletion of each segment", async () => {
    await recordAndTrick();
    await using server = await OpenServer.open(folder.path, trickedFlags);
    await server.line("recovery done");
    for (const hwid of devices) {
      const answer = await fetch(`http://127.0.0.1:${server.port}/api/v1/segments?hwid=${hwid}`);
      const { segments } = (await answer.json()) as { readonly segments: readonly { readonly id: number }[] };
      assert.equal(segments.length, segmentCount);
      for (const { id } of segments) await deleteBy(server, `segments/${id}?reason=test`);
    }
    await deleted(server);
    await server.close();
    folder.assertKept();
  });

  it("by the deletion of a range of each device", async () => {
    await recordAndTrick();
    await using server = await OpenServer.open(folder.path, trickedFlags);
    await server.line("recovery done");
    // The audio was sent faster than it plays: it reaches into the future.
    const to = new Date(Date.now() + 3_600_000).toISOString();
    for (const hwid of devices) await deleteBy(server, `devices/${hwid}/segments?from=-1h&to=${to}&reason=test`);
    await deleted(server);
    await server.close();
    folder.assertKept();
  });

  it("by a run of retention", async () => {
    await recordAndTrick();
    await using server = await OpenServer.open(folder.path, { ...trickedFlags, ...tinyQuota });
    await server.line("retention: what is past its quota went");
    await deleted(server);
    await server.close();
    folder.assertKept();
  });

  const evictions = {
    "by the eviction of what is stored": [{}, { S3_DELETEAFTERUPLOAD: "true" }],
    "by a run of retention that evicts what is stored": [tinyQuota, {}],
  } as const;
  for (const [title, [flags, environment]] of Object.entries(evictions)) {
    it(title, async (t) => {
      const stub = await S3Stub.start();
      t.after(() => stub.stop());
      await storeAndTrick(stub);
      const variables = { ...stub.environment, ...environment };
      await using server = await OpenServer.open(folder.path, { ...trickedFlags, ...flags }, undefined, variables);
      const isEvicted = (hwid: string) => names(hwid).every((name) => name.endsWith(".json"));
      const isRefused = () => server.lines.some(({ msg }) => msg === "local files cannot be deleted");
      await server.until("each segment is evicted or refused", () => {
        return isEvicted("linked") && isEvicted("plain") && (isRefused() || isEvicted("moved"));
      });
      await server.close();
      for (const hwid of ["linked", "plain"]) assert.equal(names(hwid).length, segmentCount, "sidecars stay");
      assert.equal(names("moved").length, 3 * segmentCount);
      folder.assertKept();
    });
  }
});
