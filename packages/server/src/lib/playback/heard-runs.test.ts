import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveOverlaps, type SessionRun } from "./heard-runs.ts";

const run = (session: string, origin: number, from: number, to: number): SessionRun => ({ session, origin, from, to });

describe("resolveOverlaps", () => {
  it("keeps runs that do not overlap as they are, in order", () => {
    const [a, b] = [run("a", 0, 0, 10), run("b", 10, 10, 20)];
    assert.deepEqual(resolveOverlaps([b, a]), { runs: [a, b], hasOverlap: false });
  });

  it("hears the session that began first, then what is left of the next", () => {
    const { runs, hasOverlap } = resolveOverlaps([run("a", 0, 0, 10), run("b", 5, 5, 20), run("c", 6, 6, 8)]);
    assert.deepEqual(runs, [run("a", 0, 0, 10), run("b", 5, 10, 20)]);
    assert.equal(hasOverlap, true);
  });

  it("hears another where the first has a hole, and the first again behind it", () => {
    const { runs } = resolveOverlaps([run("a", 0, 0, 10), run("a", 0, 20, 30), run("b", 5, 5, 40)]);
    assert.deepEqual(runs, [run("a", 0, 0, 10), run("b", 5, 10, 20), run("a", 0, 20, 30), run("b", 5, 30, 40)]);
  });

  it("decides by name between sessions that began together", () => {
    const both = [run("b", 0, 0, 10), run("a", 0, 0, 5)];
    assert.deepEqual(resolveOverlaps(both).runs, [run("a", 0, 0, 5), run("b", 0, 5, 10)]);
  });

  it("has nothing of nothing", () => {
    assert.deepEqual(resolveOverlaps([]), { runs: [], hasOverlap: false });
  });
});
