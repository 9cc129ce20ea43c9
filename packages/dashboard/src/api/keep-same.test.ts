import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keepSame } from "./keep-same.ts";

const keyOf = ({ id }: { readonly id: string }) => id;

describe("keepSame", () => {
  const before = [
    { id: "a", bytes: 1 },
    { id: "b", bytes: 2 },
  ];

  it("keeps what has not changed", () => {
    assert.equal(keepSame(before, structuredClone(before), keyOf), before);
    const [a, b] = keepSame(
      before,
      [
        { id: "b", bytes: 2 },
        { id: "a", bytes: 7 },
      ],
      keyOf,
    );
    assert.equal(a, before[1]);
    assert.deepEqual(b, { id: "a", bytes: 7 });
  });

  it("tells of what has come, gone or moved", () => {
    const grown = keepSame(before, [...structuredClone(before), { id: "c", bytes: 3 }], keyOf);
    assert.deepEqual(grown.map(keyOf), ["a", "b", "c"]);
    assert.deepEqual(keepSame(before, [{ id: "b", bytes: 2 }], keyOf), [before[1]]);
    assert.deepEqual(keepSame(before, structuredClone(before).reverse(), keyOf).map(keyOf), ["b", "a"]);
  });
});
