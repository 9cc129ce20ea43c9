import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { flagBits } from "../api/live-frames.ts";
import { findHoles, missingAt } from "./picture-gaps.ts";
import { PictureGrid } from "./picture-grid.ts";
import { PictureTile, tileColumnCount } from "./picture-tile.ts";

const binCount = 4;
const levels = new Uint8Array(binCount).fill(9);
const grid = new PictureGrid(Date.UTC(2026, 10, 23), 50);

/** Columns 2 to 10 and 20 to 30 came live. */
function brokenTile(flags: number): PictureTile {
  const tile = new PictureTile(0, binCount);
  for (const [from, to] of [
    [2, 10],
    [20, 30],
  ] as const) {
    for (let column = from; column < to; column += 1) {
      tile.setSpectrum(column, levels);
      tile.setLevel(column, 0.5, 0);
    }
  }
  // The level in which the gap begins stands for the last column in front of it, and one more.
  tile.setLevel(9, 0.5, flags);
  tile.setLevel(10, 0.5, flags);
  tile.noteAsked(0, 30);
  return tile;
}

describe("findHoles", () => {
  it("finds what the server says is missing between what came", () => {
    assert.deepEqual(findHoles(brokenTile(flagBits.gap), 30), [{ from: 10, to: 20 }]);
    assert.deepEqual(findHoles(brokenTile(flagBits.gap), tileColumnCount + 9), [{ from: 10, to: 20 }]);
  });

  it("takes nothing for missing that may still come", () => {
    const tile = brokenTile(flagBits.gap);
    assert.deepEqual(findHoles(tile, 15), []);
    const asked = new PictureTile(0, binCount);
    for (const column of [0, 5]) asked.setSpectrum(column, levels);
    asked.setLevel(0, 0.5, flagBits.gap);
    assert.deepEqual(findHoles(asked, 6), []);
    asked.noteAsked(0, 6);
    assert.deepEqual(findHoles(asked, 6), [{ from: 1, to: 5 }]);
  });

  it("takes nothing for missing that the server left out, or does not tell of", () => {
    assert.deepEqual(findHoles(brokenTile(0), 30), []);
    assert.deepEqual(findHoles(brokenTile(flagBits.gap | flagBits.skipped), 30), []);
  });
});

describe("missingAt", () => {
  const at = (column: number) => grid.timeOf(column);
  const gap = { start: new Date(at(10)).toISOString(), duration_s: 0.5, cause: "device-dropped" } as const;

  it("tells of what came live how long it is, and of what is archived why it is missing", () => {
    const tile = brokenTile(flagBits.gap);
    const place = { tile, grid, endColumn: 30 };
    assert.deepEqual([missingAt(place, at(5)), missingAt(place, at(25))], [undefined, undefined]);
    assert.equal(missingAt(place, at(15))?.cause, undefined);
    assert.equal(missingAt(place, at(15))?.lengthMs, 500);
    const ids = { session: "s", segment_id: 1, stream_id: 1, from_seq: 1, to_seq: 2, start_sample: 1, samples: 2 };
    tile.gaps = [{ ...ids, ...gap }];
    assert.equal(missingAt(place, at(15))?.cause, "device-dropped");
    assert.equal(missingAt(place, at(25)), undefined);
  });
});
