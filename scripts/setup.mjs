// Installs the dependencies when they are missing or stale. Plain JavaScript for Node 20: it runs before
// node_modules/.bin/node (the Node that everything else uses) exists.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stampPath = `${root}node_modules/.eet-setup`;
const stamp = createHash("sha256")
  .update(readFileSync(`${root}package-lock.json`))
  .update(`${process.platform}-${process.arch}`)
  .digest("hex");

const isCurrent = existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp;
if (!isCurrent) install();
checkRuntime();

function install() {
  console.log("eet: installing dependencies (once, about a minute) ...");
  // The shell is needed on Windows, where npm is a .cmd file.
  const result = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  if (result.status !== 0) {
    console.error(
      "eet: `npm ci` failed. Check the network and the registry settings of npm, then run the command again.",
    );
    process.exit(1);
  }
  writeFileSync(stampPath, stamp);
}

function checkRuntime() {
  const version = spawnSync("node", ["--version"], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${root}node_modules/.bin:${process.env.PATH}` },
  }).stdout.trim();
  const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return;
  console.error(
    `eet: found Node ${version}, but 22.18 or newer is needed. On Linux x64 and arm64 npm installs it by itself ` +
      "(optional dependencies must not be omitted); elsewhere install it from https://nodejs.org.",
  );
  process.exit(1);
}
