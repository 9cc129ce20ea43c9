import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { floorDb, levelShare, MeterFall, silenceDbfs } from "./meter-fall.ts";

const startMs = 1_800_000_000_000;

describe("MeterFall", () => {
  it("rises at once, falls slowly and ends at the floor", () => {
    const fall = new MeterFall();
    fall.take(-6, startMs);
    assert.equal(fall.dbfs, -6);
    fall.take(-50, startMs + 100);
    assert.equal(fall.dbfs, -9);
    fall.take(-4, startMs + 200);
    assert.equal(fall.dbfs, -4);
    fall.take(-120, startMs + 10_000);
    assert.equal(fall.dbfs, floorDb);
  });

  it("holds the highest level for a while", () => {
    const fall = new MeterFall();
    fall.take(-6, startMs);
    fall.take(-20, startMs + 1_400);
    assert.equal(fall.holdDbfs, -6);
    fall.take(-3, startMs + 1_450);
    assert.equal(fall.holdDbfs, -3);
    fall.take(-20, startMs + 3_000);
    assert.equal(fall.holdDbfs, -20);
  });
});

describe("MeterFall after a pause", () => {
  it("holds what is heard, never the floor that is drawn while nothing is", () => {
    const fall = new MeterFall();
    assert.equal(fall.holdDbfs, silenceDbfs);
    fall.take(-6, startMs);
    fall.take(silenceDbfs, startMs + 5_000);
    assert.equal(fall.holdDbfs, silenceDbfs);
    fall.take(-64, startMs + 5_100);
    assert.equal(fall.holdDbfs, -64);
    assert.equal(fall.dbfs, floorDb);
  });
});

describe("levelShare", () => {
  it("is linear in dB", () => {
    assert.deepEqual([0, -30, -60, -120, 3].map(levelShare), [1, 0.5, 0, 0, 1]);
  });
});
