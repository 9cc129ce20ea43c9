import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CatalogReader, DeviceFilter, DeviceRow } from "../catalog/catalog-reader.ts";
import { withConnectedDevices } from "./connected-devices.ts";

const sinceMs = 5_000;

function row(hwid: string | null): DeviceRow {
  return {
    ...{
      hwid,
      name: "Known",
      tags: ["t"],
      firstSeenMs: 1,
      lastSeenMs: 2,
      sessionCount: 1,
      segmentCount: 1,
      mediaMs: 1,
    },
    ...{ gapMs: 0, bytes: 1, waitingFileCount: 0, waitingBytes: 0 },
  };
}

/** Devices that are recorded, and some that are connected, one of them both. */
function makeReader(recorded: readonly string[], connected: readonly string[]): CatalogReader {
  const reader = {
    devices: async ({ limit, after = "", search = "" }: DeviceFilter) => {
      const found = recorded.filter((hwid) => hwid > after && hwid.includes(search));
      const rows = found.slice(0, limit).map(row);
      return { rows, next: found.length > limit ? (rows.at(-1)?.hwid ?? "") : undefined };
    },
    device: async (hwid: string | null) => (recorded.includes(hwid ?? "") ? row(hwid) : undefined),
  };
  const online = (hwid: string) => ({ hwid, sinceMs, connectionCount: 1, silentSinceMs: null });
  return withConnectedDevices(reader as unknown as CatalogReader, {
    all: () => connected.map(online),
    device: (hwid) => (connected.includes(hwid) ? online(hwid) : undefined),
  });
}

async function readAll(reader: CatalogReader, filter: DeviceFilter): Promise<readonly string[][]> {
  const pages: string[][] = [];
  for (let after: string | undefined; ; ) {
    const { rows, next } = await reader.devices({ ...filter, ...(after !== undefined && { after }) });
    pages.push(rows.map(({ hwid, segmentCount }) => `${hwid}${segmentCount === 0 ? "*" : ""}`));
    if (next === undefined) return pages;
    after = next;
  }
}

describe("withConnectedDevices", () => {
  it("shows each device once, in order, on pages of every length", async () => {
    const reader = makeReader(["b", "d", "f"], ["a", "c", "d", "g", "h"]);
    const all = ["a*", "b", "c*", "d", "f", "g*", "h*"];
    for (const limit of [1, 2, 3, 7, 8]) {
      const pages = await readAll(reader, { limit });
      assert.deepEqual(pages.flat(), all, `${limit} a page`);
      assert.ok(pages.every((page) => page.length <= limit));
    }
  });

  it("finds them by id, but by no tag", async () => {
    const reader = makeReader(["mic-1"], ["MIC-2", "other"]);
    assert.deepEqual(await readAll(reader, { limit: 9, search: "mic" }), [["MIC-2*", "mic-1"]]);
    assert.deepEqual(await readAll(reader, { limit: 9, tag: "t" }), [["mic-1"]]);
  });

  it("tells of one that nothing is recorded of, and of no other", async () => {
    const reader = makeReader(["a"], ["a", "b"]);
    assert.equal((await reader.device("a"))?.segmentCount, 1);
    const { firstSeenMs, mediaMs, tags } = (await reader.device("b")) ?? assert.fail("b is connected");
    assert.deepEqual([firstSeenMs, mediaMs, tags], [sinceMs, 0, []]);
    assert.deepEqual([await reader.device("c"), await reader.device(null)], [undefined, undefined]);
  });
});
