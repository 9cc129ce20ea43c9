import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { joinPeaks } from "./archive-data.ts";

describe("joinPeaks", () => {
  it("takes the smallest and the largest of all channels", () => {
    assert.deepEqual(
      joinPeaks([
        [-5, 5, null, null, -1, 1],
        [-3, 9, -2, 2, null, null],
        [-7, 4, null, null, null, null],
      ]),
      [-7, 9, -2, 2, -1, 1],
    );
    assert.deepEqual(joinPeaks([[-1, 1]]), [-1, 1]);
    assert.deepEqual(joinPeaks([]), []);
  });
});
