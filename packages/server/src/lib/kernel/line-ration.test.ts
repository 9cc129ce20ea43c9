import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LineRation } from "./line-ration.ts";

describe("LineRation", () => {
  const open = (maxLines?: number) => {
    const time = { nowMs: 0 };
    const clock = { monotonicMs: () => time.nowMs as never };
    return { time, ration: new LineRation({ clock, ...(maxLines !== undefined && { maxLines }) }) };
  };

  it("gives so many lines of a kind a minute, and says with the next how many were left out", () => {
    const { time, ration } = open(2);
    const taken = () => [1, 2, 3, 4, 5].map(() => ration.take("a"));
    assert.deepEqual(taken(), [{}, {}, undefined, undefined, undefined]);
    time.nowMs = 59_999;
    assert.equal(ration.take("a"), undefined);
    time.nowMs = 60_000;
    assert.deepEqual(taken(), [{ moreBefore: 4 }, {}, undefined, undefined, undefined]);
  });

  it("tells kinds apart, and holds no more than a hundred of them", () => {
    const { ration } = open();
    const kinds = Array.from({ length: 100 }, (_, at) => `kind ${at}`);
    for (const kind of kinds) assert.deepEqual(ration.take(kind), {});
    for (const kind of kinds) assert.equal(ration.take(kind), undefined);
    assert.deepEqual(ration.take("one more"), {});
    assert.deepEqual(ration.take("kind 0"), {});
  });
});
