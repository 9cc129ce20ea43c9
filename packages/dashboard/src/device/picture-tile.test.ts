import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { flagBits } from "../api/live-frames.ts";
import { PictureTile } from "./picture-tile.ts";

const binCount = 4;
const levels = new Uint8Array(binCount).fill(9);

describe("PictureTile", () => {
  it("misses a column whose level did not come, though its spectrum did", () => {
    const tile = new PictureTile(0, binCount);
    for (let column = 0; column < 6; column += 1) tile.setSpectrum(column, levels);
    for (const column of [0, 1, 5]) tile.setLevel(column, 0.5, 0);
    assert.equal(tile.isFull(6), false);
    assert.deepEqual(tile.findMissing(0, 6), { from: 2, to: 5 });
    for (const column of [2, 3, 4]) tile.fillLevel(column, 0.5, 0);
    assert.equal(tile.findMissing(0, 6), undefined);
    assert.equal(tile.isFull(6), true);
  });

  it("misses a column without a spectrum, until it was asked for", () => {
    const tile = new PictureTile(0, binCount);
    tile.setLevel(0, 0.5, 0);
    assert.deepEqual(tile.findMissing(0, 1), { from: 0, to: 1 });
    tile.noteAsked(0, 1);
    assert.equal(tile.findMissing(0, 1), undefined);
  });

  it("marks what the archive has at full scale as what comes live is marked", () => {
    const tile = new PictureTile(0, binCount);
    const quiet = [-100, 100, -32_767, 100, -100, 100, -100, 100, -100, 100, null, null];
    const loud = [-100, 32_767, -100, 100, -100, 100, -100, 100, null, null, -32_768, 100];
    tile.fill(new Uint8Array(6 * binCount).fill(9), [quiet, loud]);
    const { clipped } = flagBits;
    assert.deepEqual([...tile.marks.subarray(0, 6)], [clipped, clipped, 0, 0, clipped, clipped]);
  });

  it("draws what the archive has as coarsely as what comes live", () => {
    const tile = new PictureTile(0, binCount);
    tile.fill(new Uint8Array(4 * binCount).fill(9), [[-100, 100, -20_000, 100, -5, 5, null, null]]);
    const [first, second, third, fourth] = tile.levels;
    assert.ok(first !== undefined && first > 100);
    assert.deepEqual([second, fourth], [first, 0]);
    assert.ok(third !== undefined && third < first);
  });
});
