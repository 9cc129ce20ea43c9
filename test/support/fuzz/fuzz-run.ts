// One share of a fuzz run, in a process of its own with --expose-gc: arguments are the folder of the seeds, the seed, the
// number of all cases, this share and how many shares there are. Prints a line of JSON for each target.
import { crc32 } from "node:zlib";
import { CaseRandom } from "./byte-mutator.ts";
import type { FuzzTarget } from "./fuzz-target.ts";
import { createTargets } from "./targets.ts";

/** What came of a target. */
export interface TargetReport {
  readonly target: string;
  readonly caseCount: number;
  readonly slowestMs: number;
  /** Of all cases together. */
  readonly totalMs: number;
  /** How much more memory is in use after the last case than after the first fifth of them. */
  readonly grownBytes: number;
  /** What was wrong, and how to have it again; `null`: nothing. */
  readonly fault: string | null;
}

/** A case that takes longer, three times, hangs. */
const maxCaseMs = 1_000;
const propertyRunCount = 300;
const warmUpShare = 0.2;
/** Of an input, in messages. */
const maxShownBytes = 2_048;

const [, , folder = "", seedText = "", countText = "", shareText = "", shareCountText = ""] = process.argv;
const [seed, totalCount, share, shareCount] = [seedText, countText, shareText, shareCountText].map(Number) as [
  number,
  number,
  number,
  number,
];

async function usedBytes(): Promise<number> {
  // What a case left to be done later is done by then.
  globalThis.gc?.();
  await new Promise(setImmediate);
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `, caused by ${describeError(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

function describe(target: FuzzTarget, index: number, input: Buffer | string, error: unknown): string {
  const shown = typeof input === "string" ? JSON.stringify(input) : input.toString("hex");
  const what = describeError(error);
  return `FUZZ_SEED=${seed} case ${index} of "${target.name}": ${what}\ninput: ${shown.slice(0, maxShownBytes)}`;
}

/** @returns what was wrong; `undefined`: nothing */
async function runCase(target: FuzzTarget, index: number): Promise<{ readonly ms: number; readonly fault?: string }> {
  const input = target.make(new CaseRandom(crc32(`${seed} ${target.name} ${index}`)));
  let fastestMs = Number.POSITIVE_INFINITY;
  // Slow once may be the machine.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const startMs = performance.now();
    try {
      await target.check(typeof input === "string" ? input : Buffer.from(input));
    } catch (error) {
      return { ms: 0, fault: describe(target, index, input, await withStack(target, input, error)) };
    }
    fastestMs = Math.min(fastestMs, performance.now() - startMs);
    if (fastestMs < maxCaseMs) return { ms: fastestMs };
  }
  const error = new Error(`it takes ${Math.round(fastestMs)} ms`);
  return { ms: fastestMs, fault: describe(target, index, input, error) };
}

/** The error of the same case with the place where it was thrown, which no case pays for before. */
async function withStack(target: FuzzTarget, input: Buffer | string, known: unknown): Promise<unknown> {
  Error.stackTraceLimit = 20;
  try {
    await target.check(typeof input === "string" ? input : Buffer.from(input));
    return known;
  } catch (error) {
    return error;
  } finally {
    Error.stackTraceLimit = 0;
  }
}

async function runTarget(target: FuzzTarget, caseCount: number): Promise<TargetReport> {
  let [slowestMs, ownCount, startBytes] = [0, 0, 0];
  const startMs = performance.now();
  const report = (fault: string | null, grownBytes: number) => {
    return {
      target: target.name,
      caseCount: ownCount,
      slowestMs,
      totalMs: performance.now() - startMs,
      grownBytes,
      fault,
    };
  };
  if (target.property !== undefined && share === 0) {
    try {
      target.property({ seed, numRuns: propertyRunCount });
    } catch (error) {
      return report(describeError(error), 0);
    }
  }
  const warmUpEnd = Math.floor(caseCount * warmUpShare);
  for (let index = share; index < caseCount; index += shareCount) {
    if (index - share <= warmUpEnd && index - share + shareCount > warmUpEnd) startBytes = await usedBytes();
    const { ms, fault } = await runCase(target, index);
    ownCount += 1;
    slowestMs = Math.max(slowestMs, ms);
    if (fault !== undefined) return report(fault, 0);
  }
  return report(null, (await usedBytes()) - startBytes);
}

Error.stackTraceLimit = 0;
const targets = await createTargets(folder);
const only = process.env["FUZZ_TARGET"];
const chosen = targets.filter(({ name }) => only === undefined || name.includes(only));
const weights = chosen.reduce((sum, { weight }) => sum + weight, 0);
for (const target of chosen) {
  const caseCount = Math.ceil((totalCount * target.weight) / weights);
  console.log(JSON.stringify(await runTarget(target, caseCount)));
}
// Connections to the stand-in of a store are kept alive.
process.exit();
