import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Figure, formatValue } from "./figure.ts";
import type { Machine } from "./machine.ts";

/** A run of the bench as it is kept: `npm run bench -- ... --json FILE`. */
export interface ResultFile {
  readonly version: "eet.bench/1";
  /** ISO 8601 in UTC. */
  readonly at: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly figures: readonly Figure[];
}

/** A figure that is no number is left out: JSON has none. */
export async function writeResultFile(path: string, result: Omit<ResultFile, "version">): Promise<void> {
  const figures = result.figures.filter(({ value }) => Number.isFinite(value));
  await writeFile(path, `${JSON.stringify({ version: "eet.bench/1", ...result, figures }, null, 2)}\n`);
}

/** @throws Error for a file that `--json` did not write */
export async function readResultFile(path: string): Promise<ResultFile> {
  const result = JSON.parse(await readFile(path, "utf8"));
  if (result?.version === "eet.bench/1") return result;
  throw new Error(`${path} holds no result of the bench; \`npm run bench -- SCENARIO --json ${path}\` writes one`);
}

/** Results that a folder keeps by their names; `undefined` where there is none. */
export async function readKeptResults(folder: string): Promise<{
  readonly goals: ResultFile | undefined;
  readonly curves: ResultFile | undefined;
  readonly catalog: ResultFile | undefined;
}> {
  const read = async (name: string) => {
    const path = join(folder, name);
    return existsSync(path) ? await readResultFile(path) : undefined;
  };
  return { goals: await read("goals.json"), curves: await read("curves.json"), catalog: await read("catalog.json") };
}

/** Lines that set two results side by side: what both have, and by how much the second is better or worse. */
export function compareResults(before: ResultFile, after: ResultFile): string[] {
  const earlier = new Map(before.figures.map((figure) => [figure.name, figure]));
  const rows = after.figures.flatMap((figure) => {
    const old = earlier.get(figure.name);
    return old === undefined
      ? []
      : [{ name: figure.name, cells: [formatValue(old), formatValue(figure), changeOf(old, figure)] }];
  });
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  const heading = `${before.commit} (${before.at}) > ${after.commit} (${after.at})`;
  const isSame =
    before.machine.processor === after.machine.processor && before.machine.coreCount === after.machine.coreCount;
  return [
    heading,
    ...(isSame ? [] : ["these were measured on two machines: the differences tell nothing"]),
    ...rows.map(({ name, cells }) => `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(12)).join("  ")}`),
  ];
}

function changeOf(old: Figure, { value, better }: Figure): string {
  if (better === "none" || old.value === 0) return "";
  const percent = (value / old.value - 1) * 100;
  const isBetter = better === "less" ? percent < 0 : percent > 0;
  const sign = percent > 0 ? "+" : "";
  return `${sign}${percent.toFixed(1)} % ${Math.abs(percent) < 0.05 ? "" : isBetter ? "better" : "worse"}`.trim();
}
