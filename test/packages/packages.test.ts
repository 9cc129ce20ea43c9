import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { packAll, publicPackages, publishedManifest } from "../../scripts/pack.ts";
import { noBrowser, openBrowser } from "../support/browser.ts";
import { InstalledServer, serveFolder } from "../support/installed-server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const timeoutMs = 240_000;

let folder: TemporaryFolder;
let tarballs: readonly string[];
/** An empty project that has installed them. */
let project: string;

before(async () => {
  folder = await makeTemporaryFolder();
  tarballs = packAll(join(folder.path, "packed"));
  project = join(folder.path, "project");
  await mkdir(project);
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", ["install", ...quiet, ...tarballs], { cwd: project, timeout: timeoutMs });
});
after(() => folder[Symbol.asyncDispose]());

/** Runs a tool of this repository in the project. */
function runTool(script: string, ...args: readonly string[]) {
  return run(process.execPath, [join(root, "node_modules", script), ...args], { cwd: project, timeout: timeoutMs });
}

const tarballOf = (name: string) =>
  tarballs.find((path) => basename(path).startsWith(`eet-${name}-`)) ?? assert.fail(name);

async function listFiles(name: string): Promise<readonly string[]> {
  const { stdout } = await run("tar", ["tf", tarballOf(name)]);
  return stdout
    .trimEnd()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""))
    .sort();
}

/** What each source file comes to. */
function builtFiles(name: string): readonly string[] {
  return globSync("**/*.ts", { cwd: join(root, "packages", name, "src") })
    .filter((path) => !/\.(?:test|test-support)\.ts$/.test(path))
    .flatMap((path) => [`dist/${path.replace(/\.ts$/, ".js")}`, `dist/${path.replace(/\.ts$/, ".d.ts")}`]);
}

/** Packages of modules alone: what only CommonJS finds is ignored. */
const attwFlags = ["--profile", "esm-only", "--format", "ascii", "--no-color"];
const ownFiles = ["LICENSE", "README.md", "package.json"];
const recordings = ["README.md", "sine_pcm16.wav", "speech_16k.wav"].map((file) => `recordings/${file}`);

describe("public packages", () => {
  it("hold what their sources come to, what goes along, and nothing else", async () => {
    for (const name of publicPackages) {
      const files = await listFiles(name);
      const page = files.filter((path) => path.startsWith("page/"));
      const others = name === "cli" ? recordings : [];
      assert.deepEqual(
        files.filter((path) => !page.includes(path)),
        [...builtFiles(name), ...ownFiles, ...others].sort(),
      );
      if (name !== "server") assert.deepEqual(page, []);
      else {
        for (const file of ["page/index.html", "page/theme.js"]) assert.ok(page.includes(file), file);
        assert.ok(page.every((path) => /^page\/(?:assets\/)?[\w-]+\.(?:html|js|css|svg|png|wasm)$/.test(path)));
      }
    }
  });

  it("are led by a manifest without the workspace's sources and scripts", async () => {
    for (const name of publicPackages) {
      const text = await readFile(join(project, "node_modules/@eet", name, "package.json"), "utf8");
      const source = JSON.parse(await readFile(join(root, "packages", name, "package.json"), "utf8"));
      assert.deepEqual(JSON.parse(text), publishedManifest(source));
      assert.doesNotMatch(text, /\/src\/|"scripts"/);
    }
  });

  for (const name of ["protocol", "audio", "client", "server"])
    it(`give types to every resolver of modules: @eet/${name} [attw]`, async () => {
      const { stdout } = await runTool("@arethetypeswrong/cli/dist/index.js", tarballOf(name), ...attwFlags);
      const verdicts = stdout.split("\n").filter((line) => /^(?:node16 \(from ESM\)|bundler):/.test(line));
      assert.ok(verdicts.length >= 4 && verdicts.every((line) => line.includes("🟢")), stdout);
    });

  it("give strict programs their types, and no `any`", async () => {
    const text = `
      import { createSession, type SessionResult } from "@eet/client";
      import { EetServer } from "@eet/server";
      import type { Device } from "@eet/server/api-types";
      const session = createSession({ url: "ws://x/ws", hwid: "a", format: { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } });
      export const result: Promise<SessionResult> = session.finish();
      export const port = (server: EetServer): number => server.address.port;
      export const hwid = (device: Device): string | null => device.hwid;
      // @ts-expect-error
      createSession({ url: 5 });
      // @ts-expect-error
      export const wrong = (server: EetServer): string => server.address.port;
    `;
    await writeFile(join(project, "use.ts"), text);
    const flags = "--noEmit --strict --module nodenext --target es2024 --skipLibCheck --types node --typeRoots";
    await runTool("typescript/bin/tsc", ...flags.split(" "), join(root, "node_modules/@types"), "use.ts");
  });
});

const sendSource = `
  const session = createSession({ url, hwid, format: { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } });
  await session.write(Int16Array.from({ length: 16_000 }, (_, at) => 8_000 * Math.sin(at / 5)));
  const result = await session.finish();
`;

describe("an empty project with the packages", () => {
  let server: InstalledServer;
  before(async () => {
    server = await InstalledServer.start(project);
  });
  after(() => server.stop());

  it("runs the server by `npx eet serve`, with its web page", async () => {
    const page = await fetch(server.httpUrl);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<script type="module"/);
    const answer = await fetch(`${server.httpUrl}/readyz`);
    assert.equal(answer.status, 200, await answer.text());
  });

  it("delivers by the SDK in Node", async () => {
    const lines = ['import { createSession } from "@eet/client";', "const [url, hwid] = process.argv.slice(2);"];
    await writeFile(join(project, "send.js"), `${lines.join("\n")}${sendSource}console.log(result.kind);`);
    const { stdout } = await run(process.execPath, ["send.js", server.url, "node-1"], {
      cwd: project,
      timeout: 60_000,
    });
    assert.equal(stdout, "complete\n");
  });

  it("delivers by the SDK in a page that Vite builds", { skip: noBrowser }, async () => {
    const page = join(project, "page");
    await mkdir(page);
    await writeFile(
      join(page, "index.html"),
      '<!doctype html><title>-</title><script type="module" src="main.js"></script>',
    );
    const url = "const { url, hwid } = Object.fromEntries(new URLSearchParams(location.search));";
    const main = `import { createSession } from "@eet/client"; ${url} ${sendSource} document.title = result.kind;`;
    await writeFile(join(page, "main.js"), main);
    await runTool("vite/bin/vite.js", "build", "page", "--logLevel", "warn", "--target", "es2023");
    await using site = await serveFolder(join(page, "dist"));
    const browser = await openBrowser();
    try {
      const tab = await browser.newPage();
      await tab.goto(`${site.url}/?${new URLSearchParams({ url: server.url, hwid: "page-1" })}`);
      await tab.waitForFunction('document.title !== "-"', undefined, { timeout: 30_000 });
      assert.equal(await tab.title(), "complete");
    } finally {
      await browser.close();
    }
  });

  it("streams the recording that comes along by `npx eet stream`; `npx eet verify` finds all as it should be", async () => {
    const eet = (...args: readonly string[]) =>
      run("npx", ["--no-install", "eet", ...args], { cwd: project, timeout: 60_000 });
    await eet("stream", "--url", server.url, "--hwid", "cli-1", "--seconds", "2");
    assert.ok(await server.stop(), server.errors);
    const { stdout } = await eet("verify");
    const segmentCount = noBrowser === false ? 3 : 2;
    assert.match(stdout, new RegExp(`^${segmentCount} segments, .*: all as they should be\n$`));
  });
});
