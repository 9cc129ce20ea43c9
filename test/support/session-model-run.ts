// Runs the model of acknowledged sessions by itself: `node session-model-run.ts SEED COUNT`, until a scenario fails. The
// last line of its output is a SessionModelResult.
import fc from "fast-check";
import { runScenario } from "../../packages/server/src/lib/recording/delivery-run.test-support.ts";
import { scenarios } from "../../packages/server/src/lib/recording/delivery-scenario.test-support.ts";

/** What a run has found. */
export interface SessionModelResult {
  /** Scenarios up to the one that failed, or all. */
  readonly scenarioCount: number;
  /** Why one failed; `null` when none has. */
  readonly failure: string | null;
}

function report(result: SessionModelResult): void {
  console.log(JSON.stringify(result));
}

const [seed, numRuns] = process.argv.slice(2).map(Number);
if (seed === undefined || numRuns === undefined) throw new TypeError("seed and count are missing");
let startedCount = 0;
process.on("unhandledRejection", (reason) => {
  report({ scenarioCount: startedCount, failure: `unhandled: ${reason}` });
  process.exit();
});
const property = fc.asyncProperty(scenarios, (scenario) => {
  startedCount += 1;
  return runScenario(scenario);
});
const { failed, errorInstance } = await fc.check(property, { seed, numRuns, endOnFailure: true });
report({ scenarioCount: startedCount, failure: failed ? String(errorInstance) : null });
