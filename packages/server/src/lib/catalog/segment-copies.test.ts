import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import Database from "better-sqlite3";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import { silentLog } from "../kernel/log.ts";
import { finishedSegment } from "./finished-segment.test-support.ts";
import { reindexCatalog } from "./reindex.ts";
import type { SegmentPlace } from "./segment-copies.ts";

let folder: string;
let path: string;
let told: { readonly copy: string; readonly kept: string }[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-copies-"));
  path = join(folder, "catalog.db");
  told = [];
});

afterEach(() => rm(folder, { recursive: true }));

const segment = (index = 0) => finishedSegment({ index });
const name = (index = 0) => segment(index).sidecar.name;
const standing = (where: string, index = 0): FinishedSegment => ({ ...segment(index), folder: where });

/** @returns the number of segments and copies */
async function reindex(
  segments: readonly FinishedSegment[],
  hasBin?: (place: SegmentPlace) => boolean,
): Promise<readonly [number, number]> {
  async function* sidecars() {
    yield* segments;
  }
  const warn = (fields: (typeof told)[number]) => told.push({ copy: fields.copy, kept: fields.kept });
  const log = { ...silentLog, warn };
  const counts = await reindexCatalog(path, sidecars(), { log, ...(hasBin && { hasBin }) });
  return [counts.segments, counts.copies];
}

/** Folders of the segments, in order. */
function folders(): unknown[] {
  const reader = new Database(path, { readonly: true });
  try {
    return reader.prepare("SELECT folder FROM segments ORDER BY idx").pluck().all();
  } finally {
    reader.close();
  }
}

describe("a segment that stands in several folders", () => {
  it("is catalogued at the first of them; the others are counted and told of", async () => {
    const found = [standing(""), standing("b"), standing("b", 1), standing("c")];
    assert.deepEqual(await reindex(found), [2, 2]);
    assert.deepEqual(folders(), ["", "b"]);
    assert.deepEqual(told, [
      { copy: `b/${name()}`, kept: name() },
      { copy: `c/${name()}`, kept: name() },
    ]);
  });

  it("is catalogued where the old catalogue had it, however often that is done", async () => {
    assert.deepEqual(await reindex([standing("b")]), [1, 0]);
    for (let count = 0; count < 2; count++) {
      assert.deepEqual(await reindex([standing("a"), standing("b"), standing("c")]), [1, 2]);
      assert.deepEqual(folders(), ["b"]);
    }
    assert.deepEqual(told.slice(0, 2), [
      { copy: `a/${name()}`, kept: `b/${name()}` },
      { copy: `c/${name()}`, kept: `b/${name()}` },
    ]);
    assert.deepEqual(await reindex([standing("a")]), [1, 0]);
    assert.deepEqual(folders(), ["a"]);
  });

  it("is catalogued where its .bin stands, wherever it was", async () => {
    await reindex([standing("b")]);
    const hasBin = (place: SegmentPlace) => place.folder === "c" && place.name === name();
    assert.deepEqual(await reindex([standing("a"), standing("b"), standing("c")], hasBin), [1, 2]);
    assert.deepEqual(folders(), ["c"]);
    assert.deepEqual(
      told.map(({ copy }) => copy),
      [`a/${name()}`, `b/${name()}`],
    );
  });

  it("is no copy of itself where its sidecar stands twice in one folder", async () => {
    assert.deepEqual(await reindex([standing("a"), standing("a")]), [1, 0]);
    assert.deepEqual(told, []);
  });
});
