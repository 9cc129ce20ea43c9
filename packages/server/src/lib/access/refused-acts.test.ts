import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AuditEntry } from "./audit-store.ts";
import { RefusedActs } from "./refused-acts.ts";

describe("RefusedActs", () => {
  it("has a line for the first one, and then one a minute with how many they were", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const lines: AuditEntry[] = [];
    const acts = new RefusedActs({ note: async (entry) => void lines.push(entry) });
    const counts = () => lines.map(({ facts }) => facts?.["count"]);
    for (let act = 0; act < 1_000; act += 1) acts.note(`192.0.2.${act % 250}`);
    assert.deepEqual(counts(), [1]);
    t.mock.timers.tick(59_999);
    assert.deepEqual(counts(), [1]);
    t.mock.timers.tick(1);
    assert.deepEqual(counts(), [1, 999]);
    assert.deepEqual(lines[1], {
      ...{ act: "requests.refused", who: "nobody", address: "192.0.2.249", facts: { count: 999 } },
    });
    t.mock.timers.tick(60_000);
    assert.deepEqual(counts(), [1, 999], "nothing is told where nothing was");
    acts.note("192.0.2.7");
    acts.note("192.0.2.7");
    acts.close();
    acts.close();
    assert.deepEqual(counts(), [1, 999, 1, 1], "the end loses none");
  });
});
