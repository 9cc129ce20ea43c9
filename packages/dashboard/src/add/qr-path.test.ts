import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { qrPath } from "./qr-path.ts";

describe("qrPath", () => {
  it("draws the three corners that scanners look for, within a quiet border", () => {
    const { path, size } = qrPath("ws://barn-1:eet_d_secret@192.0.2.7:8787/ws/barn-1");
    const squares = new Set(path.match(/M\d+ \d+/g));
    for (const [x, y] of [
      [2, 2],
      [size - 9, 2],
      [2, size - 9],
    ] as const) {
      for (let step = 0; step < 7; step += 1) assert.ok(squares.has(`M${x + step} ${y}`), `${x} ${y}`);
      assert.ok(!squares.has(`M${x + 1} ${y + 1}`));
    }
    assert.ok(![...squares].some((square) => /^M[01] | [01]$/.test(square)));
  });

  it("differs with what it says", () => {
    assert.notEqual(qrPath("ws://barn-1:TOKEN@h/ws/barn-1").path, qrPath("ws://barn-1:OTHER@h/ws/barn-1").path);
  });
});
