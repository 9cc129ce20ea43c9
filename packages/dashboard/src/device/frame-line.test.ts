import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameLine } from "./frame-line.ts";

const rateHz = 16_000;

describe("FrameLine", () => {
  it("places pieces without a seam, whenever they come", () => {
    const line = new FrameLine(rateHz);
    const first = line.place(10, 5_000, 1_600);
    assert.deepEqual(first, { startS: 10.35, isBreak: true });
    const second = line.place(10.31, 6_600, 1_600);
    assert.equal(second.isBreak, false);
    assert.ok(Math.abs((second.startS ?? 0) - 10.45) < 1e-9);
  });

  it("keeps a short gap as silence of its length", () => {
    const line = new FrameLine(rateHz);
    line.place(0, 0, 1_600);
    const { startS, isBreak } = line.place(0.1, 1_600 + 8_000, 1_600);
    assert.ok(Math.abs((startS ?? 0) - 0.95) < 1e-9);
    assert.equal(isBreak, true);
  });

  it("begins anew behind a long gap, another session, and when it ran dry", () => {
    const line = new FrameLine(rateHz);
    line.place(0, 0, 1_600);
    assert.deepEqual(line.place(0.1, 1_000_000, 1_600), { startS: 0.1 + 0.35, isBreak: true });
    assert.deepEqual(line.place(0.2, 0, 1_600), { startS: 0.2 + 0.35, isBreak: true });
    assert.deepEqual(line.place(9, 1_600, 1_600), { startS: 9.35, isBreak: true });
  });

  it("leaves out what would make it late", () => {
    const line = new FrameLine(rateHz);
    line.place(0, 0, 16_000);
    line.place(0, 16_000, 16_000);
    assert.deepEqual(line.place(0, 32_000, 16_000), { startS: undefined, isBreak: true });
    // Time goes on, and so does it.
    const { startS, isBreak } = line.place(1.5, 48_000, 1_600);
    assert.ok(startS !== undefined && startS >= 1.5 && startS - 1.5 <= 1.5);
    assert.equal(isBreak, true, "it does not follow what was played");
    assert.equal(line.place(1.5, 49_600, 1_600).isBreak, false);
  });

  it("plays nothing over what waits", () => {
    const line = new FrameLine(rateHz);
    line.place(0, 0, 16_000);
    const far = line.place(0, 160_000, 1_600);
    assert.deepEqual(far, { startS: 1.35, isBreak: true });
  });
});
