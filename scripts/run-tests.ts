// `npm test`: every *.test.ts of the packages and of test/, or only the files whose path contains a given word:
// `npm test -- adpcm`. With --faults, --fuzz, --abuse, --timed or --packages first, the suites of that folder of test/ instead:
// `npm run test:faults -- power`.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Suites that keep the cores busy, or that measure time: each runs by itself. */
const lonelyFolders = ["test/faults", "test/fuzz", "test/abuse", "test/timed", "test/packages"];
const [first, ...others] = process.argv.slice(2);
const lonelyFolder = lonelyFolders.find((folder) => first === `--${folder.slice("test/".length)}`);
const words = lonelyFolder === undefined ? process.argv.slice(2) : others;
const patterns =
  lonelyFolder === undefined
    ? ["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"]
    : [`${lonelyFolder}/**/*.test.ts`];
const files = globSync(patterns, {
  cwd: root,
  exclude: (name) => lonelyFolder === undefined && lonelyFolders.includes(name),
})
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  // Those with whole servers, stores and browsers take longest: behind them the short ones fill up what is left.
  .sort((one, other) => Number(other.startsWith("test/")) - Number(one.startsWith("test/")) || (one < other ? -1 : 1));
if (files.length === 0) {
  console.error(`no test file matches: ${words.join(" ")}`);
  process.exit(1);
}
// Four at a time: most suites wait for sockets and disks, not for a core.
const concurrency = lonelyFolder === undefined ? 4 : 1;
// A test that waits for what never comes must fail by its name, not hold everything up.
const testTimeoutMs = lonelyFolder === undefined ? 600_000 : 1_800_000;
const reporters = ["spec", "./scripts/run-reporter.ts"].flatMap((reporter) => [
  `--test-reporter=${reporter}`,
  "--test-reporter-destination=stdout",
]);
// Hundreds of processes load the same modules: what one has compiled the others take from here.
const compileCache = fileURLToPath(new URL("../node_modules/.cache/compiled", import.meta.url));
const result = spawnSync(
  process.execPath,
  ["--test", `--test-concurrency=${concurrency}`, `--test-timeout=${testTimeoutMs}`, ...reporters, ...files],
  { cwd: root, stdio: "inherit", env: { NODE_COMPILE_CACHE: compileCache, ...process.env } },
);
process.exit(result.status ?? 1);
