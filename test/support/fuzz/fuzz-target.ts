import assert from "node:assert/strict";
import fc from "fast-check";
import { type CaseRandom, mutateBytes } from "./byte-mutator.ts";
import { mutateJson } from "./json-mutator.ts";

/** Runs a fast-check property: `(parameters) => fc.assert(fc.property(...), parameters)`. */
export type Property = (parameters: { readonly seed: number; readonly numRuns: number }) => void;

/** What one thing that reads foreign bytes is tried with. */
export interface FuzzTarget {
  /** What reads, and of what: `parseFrame: ADPCM`. */
  readonly name: string;
  /** Share of all cases, in relation to that of others: 100 for what takes microseconds. */
  readonly weight: number;
  /** What holds for all valid values, above all that they come back: `parse(format(x)) = x`. */
  readonly property?: Property;
  /** Makes one input. */
  make(random: CaseRandom): Buffer | string;
  /** Throws for anything but a result within its bounds or the error that is documented. */
  check(input: Buffer | string): void | Promise<void>;
}

/** @param seeds - valid inputs, at least one */
export function bytesTarget(options: {
  readonly name: string;
  readonly weight?: number;
  readonly property?: Property;
  readonly seeds: readonly Uint8Array[];
  readonly maxBytes?: number;
  check(bytes: Buffer): void | Promise<void>;
}): FuzzTarget {
  const { name, weight = 100, property, seeds, maxBytes = 4_096, check } = options;
  const buffers = seeds.map((seed) => Buffer.from(seed));
  return {
    ...{ name, weight, ...(property && { property }) },
    make: (random) => mutateBytes(random.pick(buffers), random, buffers, maxBytes),
    check: (input) => check(Buffer.from(input)),
  };
}

/** Pieces of text that somebody may have to do with, wherever text is read. */
const oddTexts: readonly string[] = [
  ...["..", "../", "%2e%2e%2f", "%00", "\0", "\r\n", "\u2028", "\ud800", "\u202e", "é", "e\u0301", "💥", "İ", "ſ"],
  ...["__proto__", "NaN", "Infinity", "-0", "1e999", "0x10", "99999999999999999999", "'", '"', "`", "%{x}", "*", "?"],
  ...["/", "\\", ":", ";", ",", "=", "&", "#", "@", " ", "\t", "~", "-", "_", ".", "a".repeat(300)],
];

/** @param seeds - valid texts, at least one */
export function textTarget(options: {
  readonly name: string;
  readonly weight?: number;
  readonly property?: Property;
  readonly seeds: readonly string[];
  readonly maxBytes?: number;
  check(text: string): void | Promise<void>;
}): FuzzTarget {
  const { name, weight = 100, property, seeds, maxBytes = 2_048, check } = options;
  const buffers = seeds.map((seed) => Buffer.from(seed));
  return {
    ...{ name, weight, ...(property && { property }) },
    make: (random) => {
      const isLatin = random.chance(0.3);
      const isPlain = random.chance(0.3);
      const bytes = isPlain ? random.pick(buffers) : mutateBytes(random.pick(buffers), random, buffers, maxBytes);
      let text = bytes.toString(isLatin ? "latin1" : "utf8");
      for (let left = random.below(3); left > 0; left -= 1) {
        const at = random.below(text.length + 1);
        text = text.slice(0, at) + random.pick(oddTexts) + text.slice(at + random.below(2));
      }
      return text;
    },
    check: (input) => check(String(input)),
  };
}

/** @param seeds - valid documents, at least one */
export function jsonTarget(options: {
  readonly name: string;
  readonly weight?: number;
  readonly property?: Property;
  readonly seeds: readonly unknown[];
  check(text: string): void | Promise<void>;
}): FuzzTarget {
  const { name, weight = 5, property, seeds, check } = options;
  const texts = seeds.map((seed) => Buffer.from(JSON.stringify(seed)));
  return {
    ...{ name, weight, ...(property && { property }) },
    make: (random) => {
      if (random.chance(0.3)) return mutateBytes(random.pick(texts), random, texts, 32_768).toString("utf8");
      return mutateJson(random.pick(seeds), random);
    },
    check: (input) => check(String(input)),
  };
}

/** An error class, or a question whether an error is one that is documented. */
type Documented = (abstract new (...args: never[]) => Error) | ((error: unknown) => boolean);

function isDocumented(error: unknown, documented: readonly Documented[]): boolean {
  return documented.some((each) => {
    const isClass = each === Error || each.prototype instanceof Error;
    return isClass ? error instanceof each : (each as (error: unknown) => boolean)(error);
  });
}

/**
 * What `run` returns; `undefined` when it throws as documented.
 *
 * @throws whatever else it throws
 */
export function attempt<Result>(run: () => Result, ...documented: readonly Documented[]): Result | undefined {
  try {
    return run();
  } catch (error) {
    if (isDocumented(error, documented)) return undefined;
    throw error;
  }
}

/** {@link attempt} for what takes its time. */
export async function attemptAsync<Result>(
  run: () => Promise<Result>,
  ...documented: readonly Documented[]
): Promise<Result | undefined> {
  try {
    return await run();
  } catch (error) {
    if (isDocumented(error, documented)) return undefined;
    throw error;
  }
}

/** That a number is whole and within bounds. */
export function assertWhole(value: number, min: number, max: number, what: string): void {
  assert.ok(Number.isInteger(value) && value >= min && value <= max, `${what} is ${value}`);
}

/** Objects as literals make them, so that they can be compared with such. */
export function plainRecord<Value>(model: { [Key in keyof Value]: fc.Arbitrary<Value[Key]> }): fc.Arbitrary<Value> {
  return fc.record<Value>(model, { noNullPrototype: true });
}
