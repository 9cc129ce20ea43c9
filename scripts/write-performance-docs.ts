// `node scripts/write-performance-docs.ts`: puts the results that docs/performance keeps into docs/performance.md and README.md,
// and draws their curves. A test holds them equal.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { curvesPicture, insertSections, performanceSections, readmeSections } from "../bench/lib/performance-docs.ts";
import { readKeptResults } from "../bench/lib/result-file.ts";

const root = join(import.meta.dirname, "..");
const results = await readKeptResults(join(root, "docs/performance"));

for (const [name, sections] of [
  ["README.md", readmeSections(results)],
  ["docs/performance.md", performanceSections(results)],
] as const) {
  const path = join(root, name);
  await writeFile(path, insertSections(await readFile(path, "utf8"), sections));
}
const picturePath = join(root, "docs/performance/curves.svg");
if (results.curves === undefined) await rm(picturePath, { force: true });
else await writeFile(picturePath, curvesPicture(results.curves));
