import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { runScenario } from "../../packages/server/src/lib/recording/delivery-run.test-support.ts";
import { scenarios } from "../../packages/server/src/lib/recording/delivery-scenario.test-support.ts";
import { ScenarioTotals } from "../../packages/server/src/lib/recording/scenario-totals.test-support.ts";
import { faultRounds, faultSeed } from "../support/fault-seed.ts";
import { runCommand } from "../support/run-command.ts";
import type { SessionModelResult } from "../support/session-model-run.ts";
import { sessionMutations } from "../support/session-mutations.ts";

const scenarioCount = faultRounds(20_000);
/** A mistake is to be found within these. */
const mutatedScenarioCount = 20_000;
const hook = fileURLToPath(new URL("../support/mutate-session.ts", import.meta.url));
const modelRun = fileURLToPath(new URL("../support/session-model-run.ts", import.meta.url));

async function runMutated(name: string): Promise<SessionModelResult> {
  const args = ["--import", hook, modelRun, String(faultSeed), String(mutatedScenarioCount), name];
  const { exitCode, out, err } = await runCommand(process.execPath, args);
  assert.equal(exitCode, 0, err);
  assert.match(out, /^mutated /m);
  return JSON.parse(out.trim().split("\n").at(-1) ?? "");
}

describe("acknowledged sessions, on random scenarios in memory", () => {
  it("keep what is acknowledged exactly once, in order and in its place [P-2.3] [P-2.6] [P-2.7]", async (t) => {
    const totals = new ScenarioTotals();
    t.diagnostic(`FAULT_SEED=${faultSeed}`);
    await fc.assert(
      fc.asyncProperty(scenarios, (scenario) => runScenario(scenario, totals)),
      { seed: faultSeed, numRuns: scenarioCount },
    );
    t.diagnostic(JSON.stringify(totals));
    // In fewer of them something may be missing.
    if (scenarioCount < 1_000) return;
    for (const [what, count] of Object.entries(totals)) assert.ok(count > 0, `no scenario has ${what}`);
  });
});

describe("the model of acknowledged sessions", { concurrency: 2 }, () => {
  for (const { name } of sessionMutations) {
    it(`finds the mistake: ${name}`, async (t) => {
      const { scenarioCount, failure } = await runMutated(name);
      assert.notEqual(failure, null, `${scenarioCount} scenarios of seed ${faultSeed} have passed`);
      t.diagnostic(`after ${scenarioCount} scenarios`);
    });
  }
});
