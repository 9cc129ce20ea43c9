import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { TargetReport } from "../support/fuzz/fuzz-run.ts";
import { recordSeeds } from "../support/fuzz/recorded-seeds.ts";
import { fuzzCaseCount, fuzzSeed } from "../support/fuzz-seed.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const program = fileURLToPath(new URL("../support/fuzz/fuzz-run.ts", import.meta.url));
/** More would have too few cases each to tell growth from what is compiled. */
const maxShareCount = 4;
/** What the last four fifths of a target's cases may leave behind, in each process: code, caches, no more. */
const maxGrownBytes = 8 * 1024 * 1024;
/** A target from which nothing is heard for so long hangs; all together take a minute. */
const maxSilenceMs = 600_000;

/** Runs one share of all targets in a process of its own. */
async function runShare(folder: string, share: number, shareCount: number): Promise<readonly TargetReport[]> {
  const numbers = [fuzzSeed, fuzzCaseCount, share, shareCount].map(String);
  const child = spawn(process.execPath, ["--expose-gc", program, folder, ...numbers], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  const reports: TargetReport[] = [];
  const silence = setTimeout(() => child.kill("SIGKILL"), maxSilenceMs);
  for await (const line of createInterface(child.stdout)) {
    reports.push(JSON.parse(line));
    silence.refresh();
  }
  clearTimeout(silence);
  const [code, signal] = await closed;
  assert.equal(code ?? signal, 0, `FUZZ_SEED=${fuzzSeed}: it ended behind ${reports.at(-1)?.target}`);
  return reports;
}

/** The reports of all shares of a target as one. */
function join(reports: readonly TargetReport[]) {
  const sum = (value: (report: TargetReport) => number) => reports.reduce((total, each) => total + value(each), 0);
  return {
    caseCount: sum(({ caseCount }) => caseCount),
    totalMs: Math.round(sum(({ totalMs }) => totalMs)),
    slowestMs: Math.round(Math.max(...reports.map(({ slowestMs }) => slowestMs))),
    grownBytes: Math.max(...reports.map(({ grownBytes }) => grownBytes)),
    faults: reports.flatMap(({ fault }) => fault ?? []),
  };
}

describe("everything that reads foreign bytes", () => {
  let targets: ReadonlyMap<string, ReturnType<typeof join>>;

  before(async () => {
    await using folder = await makeTemporaryFolder();
    await recordSeeds(folder.path);
    const shareCount = Math.min(maxShareCount, availableParallelism());
    const shares = Array.from({ length: shareCount }, (_, share) => runShare(folder.path, share, shareCount));
    const reports = (await Promise.all(shares)).flat();
    targets = new Map([...Map.groupBy(reports, ({ target }) => target)].map(([name, some]) => [name, join(some)]));
  });

  it("gives what is documented, within its bounds, or the error that is documented", (t) => {
    t.diagnostic(`FUZZ_SEED=${fuzzSeed}`);
    for (const [name, { caseCount, totalMs, slowestMs }] of targets) {
      t.diagnostic(`${caseCount} cases of ${name}: ${totalMs} ms, the slowest ${slowestMs} ms`);
    }
    assert.deepEqual(
      [...targets.values()].flatMap(({ faults }) => faults),
      [],
    );
  });

  it(`is tried with ${fuzzCaseCount} cases`, (t) => {
    const sum = [...targets.values()].reduce((total, { caseCount }) => total + caseCount, 0);
    t.diagnostic(`${sum} cases of ${targets.size} targets`);
    assert.ok(sum >= fuzzCaseCount, `${sum} cases`);
    assert.ok([...targets.values()].every(({ caseCount }) => caseCount > 0));
  });

  it("keeps nothing of what it has read", (t) => {
    const grown = [...targets].map(([name, { grownBytes }]) => ({ name, grownBytes }));
    const most = grown.toSorted((a, b) => b.grownBytes - a.grownBytes)[0];
    t.diagnostic(`most is left by ${most?.name}: ${most?.grownBytes} bytes`);
    assert.deepEqual(
      grown.filter(({ grownBytes }) => grownBytes > maxGrownBytes),
      [],
    );
  });
});
