// Installs the dependencies and builds the web page when they are missing or stale. Plain JavaScript for Node 20: it runs before
// node_modules/.bin/node (the Node that everything else uses) exists.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { takeLock } from "./setup-lock.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const pageFolder = `${root}packages/server/page`;
/** What the page is made of. */
const pageSources = ["packages/dashboard", "packages/client/src", "packages/audio/src", "packages/protocol/src"];
const stampPath = `${root}node_modules/.eet-setup`;
const builtPath = `${pageFolder}/.built-from`;
const stamp = createHash("sha256")
  .update(readFileSync(`${root}package-lock.json`))
  .update(`${process.platform}-${process.arch}`)
  .digest("hex");
const source = hashPageSources();

if (holds(stampPath, stamp) && holds(builtPath, source)) checkRuntime();
else await setUp();

/** `npm ci` empties node_modules: two at once would do that under each other. */
async function setUp() {
  const onWait = (pid) => console.log(`eet: waiting for another setup of this folder, process ${pid} ...`);
  const lock = await takeLock(`${root}.setup.lock`, onWait).catch((error) => {
    // Where nothing can be written, what comes next says so by itself.
    console.error(`eet: going on without a lock: ${error.message}`);
    return { hold: () => {}, release: () => {} };
  });
  // The one before may have done it.
  if (!holds(stampPath, stamp)) await install(lock);
  checkRuntime();
  if (!holds(builtPath, source)) await buildPage(lock);
  lock.release();
}

function holds(path, text) {
  return existsSync(path) && readFileSync(path, "utf8") === text;
}

async function install(lock) {
  console.log("eet: installing dependencies (once, about a minute) ...");
  rmSync(stampPath, { force: true });
  // The shell is needed on Windows, where npm is a .cmd file.
  const status = await run(lock, "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error(
      "eet: `npm ci` failed. Check the network and the registry settings of npm, then run the command again.",
    );
    process.exit(1);
  }
  writeFileSync(stampPath, stamp);
}

/** @returns the exit code; `undefined` when it did not start, `null` when a signal ended it */
function run(lock, command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "inherit", "inherit"] });
    if (child.pid !== undefined) lock.hold(child.pid);
    child.once("error", () => resolve(undefined));
    child.once("close", resolve);
  });
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

/** The server carries the built page: docs/decisions/012-the-page.md. */
async function buildPage(lock) {
  console.log("eet: building the web page ...");
  // Beside the old one, so that a build that is stopped leaves no half of a page.
  const freshFolder = `${pageFolder}.${process.pid}`;
  const status = await run(
    lock,
    `${root}node_modules/.bin/node`,
    [`${root}node_modules/vite/bin/vite.js`, "build", "--outDir", freshFolder, "--logLevel", "warn"],
    { cwd: `${root}packages/dashboard` },
  );
  if (status === 0) {
    writeFileSync(`${freshFolder}/.built-from`, source);
    rmSync(pageFolder, { recursive: true, force: true });
    renameSync(freshFolder, pageFolder);
    return;
  }
  rmSync(freshFolder, { recursive: true, force: true });
  // Recording does not need it.
  console.error("eet: the web page could not be built, see above; the server runs without it.");
}

function hashPageSources() {
  const hash = createHash("sha256").update(stamp);
  for (const folder of pageSources) {
    const entries = readdirSync(`${root}${folder}`, { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`);
    for (const path of paths.filter((path) => !/[\\/]node_modules[\\/]|\.test\.ts$/.test(path)).sort()) {
      hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path));
    }
  }
  return hash.digest("hex");
}
