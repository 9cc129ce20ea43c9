import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ApiServer } from "./support/api-server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const startMs = Date.UTC(2026, 2, 1, 12);
const pinCount = 5;

interface PinPage {
  readonly pins: readonly { readonly id: number; readonly note: string }[];
  readonly next_cursor: string | null;
}

let folder: TemporaryFolder;
let server: ApiServer;

before(async () => {
  folder = await makeTemporaryFolder();
  server = await ApiServer.open(folder.path);
  await server.record({ hwid: "kitchen", startMs, frameCount: 50 });
});
after(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

describe("GET /api/v1/pins", () => {
  it("gives all pins page by page, newest first, also when one is added meanwhile", async () => {
    const add = (note: string) =>
      server.json("/api/v1/devices/kitchen/pins", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ from: String(startMs), to: String(startMs + 1_000), note }),
      });
    for (let index = 0; index < pinCount; index++) await add(`${index}`);
    const notes: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query = cursor === "" ? "" : `&cursor=${cursor}`;
      const page: PinPage = await server.json<PinPage>(`/api/v1/pins?limit=2${query}`);
      notes.push(...page.pins.map(({ note }) => note));
      if (cursor === "") await add("late");
      cursor = page.next_cursor;
    }
    assert.deepEqual(notes, ["4", "3", "2", "1", "0"]);
  });

  it("refuses the cursor of another list", async () => {
    const { next_cursor: cursor } = await server.json<{ next_cursor: string }>("/api/v1/segments?limit=1");
    const ofGaps = Buffer.from('["gaps",1]').toString("base64url");
    for (const other of [cursor ?? "bnVsbA", ofGaps, "%25"]) {
      assert.equal((await server.fetch(`/api/v1/pins?cursor=${other}`)).status, 400);
      assert.equal((await server.fetch(`/api/v1/dead-letters?cursor=${other}`)).status, 400);
    }
  });
});
