import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { countColumns, gridWindow, isJump, stackRows, stepWindow } from "./grid-window.ts";

describe("gridWindow", () => {
  const rowTopsPx = stackRows(new Array<number>(1000).fill(88), 4, 12);
  const measure = { itemCount: 1000, columnCount: 4, rowTopsPx, scrolledPx: 0, windowPx: 800, spareRowCount: 3 };

  it("covers the window and the spare rows around it", () => {
    assert.deepEqual(gridWindow(measure), { from: 0, to: 44 });
    assert.deepEqual(gridWindow({ ...measure, scrolledPx: 5_050 }), { from: 188, to: 248 });
    assert.deepEqual(gridWindow({ ...measure, scrolledPx: 5_050, spareRowCount: 0 }), { from: 200, to: 236 });
  });

  it("stays inside of the list", () => {
    assert.deepEqual(gridWindow({ ...measure, scrolledPx: -300 }), { from: 0, to: 32 });
    assert.deepEqual(gridWindow({ ...measure, scrolledPx: 24_700 }), { from: 976, to: 1000 });
    assert.deepEqual(gridWindow({ ...measure, scrolledPx: 99_000, spareRowCount: 0 }), { from: 1000, to: 1000 });
    assert.deepEqual(gridWindow({ ...measure, itemCount: 0, rowTopsPx: [0] }), { from: 0, to: 0 });
  });

  it("shows every item that can be seen, and no row that cannot, whatever their heights", () => {
    const heights = fc.array(fc.integer({ min: 20, max: 160 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(
        heights,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: -500, max: 9_000 }),
        (all, columns, at) => {
          const tops = stackRows(all, columns, 12);
          const shape = { itemCount: all.length, columnCount: columns, rowTopsPx: tops, spareRowCount: 0 };
          const { from, to } = gridWindow({ ...shape, scrolledPx: at, windowPx: 700 });
          for (let index = 0; index < all.length; index += 1) {
            const row = Math.floor(index / columns);
            const isSeen = (tops[row] ?? 0) < at + 700 && (tops[row + 1] ?? 0) > at;
            assert.equal(index >= from && index < to, isSeen, `${index}`);
          }
        },
      ),
    );
  });
});

describe("stackRows", () => {
  it("makes a row as high as its highest item", () => {
    assert.deepEqual(stackRows([152, 76, 76, 76, 152], 2, 12), [0, 164, 252, 416]);
    assert.deepEqual(stackRows([152, 76, 76], 1, 12), [0, 164, 252, 340]);
    assert.deepEqual(stackRows([], 3, 12), [0]);
  });
});

describe("isJump", () => {
  it("tells when windows have nothing in common", () => {
    const before = { from: 20, to: 40 };
    assert.ok(isJump(before, { from: 40, to: 60 }));
    assert.ok(isJump(before, { from: 0, to: 20 }));
    assert.ok(!isJump(before, { from: 39, to: 60 }));
    assert.ok(!isJump(before, before));
  });
});

describe("stepWindow", () => {
  const before = { from: 20, to: 40 };

  it("adds a few items at a time, below first", () => {
    assert.deepEqual(stepWindow(before, { from: 10, to: 60 }, 25), { from: 15, to: 60 });
    assert.deepEqual(stepWindow(before, { from: 10, to: 60 }, 8), { from: 20, to: 48 });
    assert.deepEqual(stepWindow(before, { from: 0, to: 30 }, 8), { from: 12, to: 30 });
    assert.deepEqual(stepWindow(before, { from: 30, to: 50 }, 8), { from: 30, to: 48 });
    assert.deepEqual(stepWindow(before, { from: 100, to: 150 }, 8), { from: 100, to: 108 });
  });

  it("comes to where it goes", () => {
    const window = fc.tuple(fc.nat(500), fc.nat(90)).map(([from, length]) => ({ from, to: from + length }));
    fc.assert(
      fc.property(window, window, fc.integer({ min: 1, max: 30 }), (first, target, maxNewCount) => {
        let at = first;
        for (let step = 0; step < 100; step += 1) {
          const next = stepWindow(at, target, maxNewCount);
          const newCount = next.to - next.from - Math.max(0, Math.min(next.to, at.to) - Math.max(next.from, at.from));
          assert.ok(newCount <= maxNewCount);
          at = next;
        }
        assert.deepEqual(at, target);
      }),
    );
  });
});

describe("countColumns", () => {
  it("fills the width", () => {
    assert.deepEqual(
      [300, 231, 492, 491].map((width) => countColumns(width, 240, 12)),
      [1, 1, 2, 1],
    );
  });
});
