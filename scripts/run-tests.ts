// `npm test`: every *.test.ts of the packages and of test/, or only the files whose path contains a given word:
// `npm test -- adpcm`.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const words = process.argv.slice(2);
const files = globSync(["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"], { cwd: root })
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches: ${words.join(" ")}`);
  process.exit(1);
}
// Four at a time: most suites wait for sockets and disks, not for a core.
const result = spawnSync(process.execPath, ["--test", "--test-concurrency=4", "--test-reporter=spec", ...files], {
  cwd: root,
  stdio: "inherit",
});
process.exit(result.status ?? 1);
