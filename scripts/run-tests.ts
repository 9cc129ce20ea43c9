// `npm test`: every *.test.ts of the packages and of test/, or only the files whose path contains a given word:
// `npm test -- adpcm`. With --faults, --fuzz, --abuse, --timed or --packages first, the suites of that folder of test/ instead:
// `npm run test:faults -- power`.
import { globSync } from "node:fs";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";
import tellMore from "./run-reporter.ts";

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
// Hundreds of processes load the same modules: what one has compiled the others take from here.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("../node_modules/.cache/compiled", import.meta.url));
// Not `node --test`, which sorts the files by name.
const events = run({
  ...{ cwd: root, files, concurrency },
  execArgv: [`--test-timeout=${testTimeoutMs}`, `--import=./scripts/end-hung-file.ts?ms=${1.5 * testTimeoutMs}`],
});
events.on("test:fail", () => {
  process.exitCode = 1;
});
for (const reporter of [new spec(), tellMore]) events.compose(reporter).pipe(process.stdout);
