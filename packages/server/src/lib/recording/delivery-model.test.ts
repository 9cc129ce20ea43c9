import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { runScenario } from "./delivery-run.test-support.ts";
import { scenarios } from "./delivery-scenario.test-support.ts";
import { ScenarioTotals } from "./scenario-totals.test-support.ts";

// test/faults/session-model.test.ts runs many more of them, and proves that mistakes are found.
describe("Recorder with acknowledged sessions, on random scenarios", () => {
  it("keeps what it acknowledges exactly once, in order and in its place, whatever fails [P-2.3] [P-2.6] [P-2.7]", async (t) => {
    const totals = new ScenarioTotals();
    await fc.assert(
      fc.asyncProperty(scenarios, (scenario) => runScenario(scenario, totals)),
      { numRuns: 1_000 },
    );
    t.diagnostic(JSON.stringify(totals));
    for (const [what, count] of Object.entries(totals)) assert.ok(count > 0, `no scenario has ${what}`);
  });
});
