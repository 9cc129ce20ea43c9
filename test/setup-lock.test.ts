// Setups of one clone that meet, in a small clone of its own with an npm of its own.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const scripts = fileURLToPath(new URL("../scripts", import.meta.url));

/** Empties node_modules as `npm ci` does, waits until it may go on, and installs what a setup asks for. */
const fakeNpm = `#!${process.execPath}
const { appendFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } = require("node:fs");
appendFileSync("calls.log", \`begin \${process.pid}\\n\`);
console.log("npm is process", process.pid);
rmSync("node_modules", { recursive: true, force: true });
const timer = setInterval(() => {
  if (!existsSync("go-on")) return;
  clearInterval(timer);
  mkdirSync("node_modules/.bin", { recursive: true });
  symlinkSync(process.execPath, "node_modules/.bin/node");
  mkdirSync("node_modules/vite/bin", { recursive: true });
  writeFileSync("node_modules/vite/bin/vite.js", \`
    const { mkdirSync } = require("node:fs");
    mkdirSync(process.argv[process.argv.indexOf("--outDir") + 1]);
  \`);
  appendFileSync("calls.log", \`end \${process.pid}\\n\`);
}, 10);
`;

/** A clone with nothing but what a setup looks at. */
class SmallClone implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  readonly #children: ChildProcess[] = [];

  private constructor(folder: TemporaryFolder) {
    this.#folder = folder;
  }

  static async make(): Promise<SmallClone> {
    const clone = new SmallClone(await makeTemporaryFolder());
    const { path } = clone;
    for (const name of ["setup.mjs", "setup-lock.mjs"]) await cp(join(scripts, name), join(path, "scripts", name));
    for (const folder of ["dashboard", "client/src", "audio/src", "protocol/src", "server"])
      await mkdir(join(path, "packages", folder), { recursive: true });
    await clone.changeLockFile("1");
    await mkdir(join(path, "bin"));
    await writeFile(join(path, "bin/npm"), fakeNpm);
    await chmod(join(path, "bin/npm"), 0o755);
    return clone;
  }

  get path(): string {
    return this.#folder.path;
  }

  changeLockFile(text: string): Promise<void> {
    return writeFile(join(this.path, "package-lock.json"), text);
  }

  /** Lets the npm go on, and every later one. */
  goOn(): Promise<void> {
    return writeFile(join(this.path, "go-on"), "");
  }

  /** What the npms did, with their process ids. */
  async calls(): Promise<readonly (readonly [act: string, pid: number])[]> {
    const lines = (await readFile(join(this.path, "calls.log"), "utf8")).trim().split("\n");
    return lines.map((line) => [line.split(" ")[0] ?? "", Number(line.split(" ")[1])]);
  }

  /** Locks, and what would become one. */
  async locks(): Promise<readonly string[]> {
    return (await readdir(this.path)).filter((name) => name.startsWith(".setup.lock"));
  }

  setUp(): Setup {
    const env = { PATH: `${join(this.path, "bin")}:${dirname(process.execPath)}` };
    // A folder of a caller's is of no account; a group of its own, so that all of it can be ended.
    const child = spawn(process.execPath, ["scripts/setup.mjs"], {
      cwd: this.path,
      env,
      stdio: "pipe",
      detached: true,
    });
    this.#children.push(child);
    return new Setup(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pid } of this.#children)
      try {
        process.kill(-(pid ?? Number.NaN), "SIGKILL");
      } catch {
        // It has ended.
      }
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A setup that runs. */
class Setup {
  readonly child: ChildProcess;
  /** The process alone: what it has started may go on. */
  readonly #exited: Promise<readonly unknown[]>;
  /** All of it, and all that was said is here. */
  readonly #closed: Promise<readonly unknown[]>;
  /** All that it said. */
  text = "";

  constructor(child: ChildProcess) {
    this.child = child;
    this.#exited = once(child, "exit");
    this.#closed = once(child, "close");
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (data) => {
        this.text += data;
        child.emit("said");
      });
  }

  async until(said: RegExp): Promise<void> {
    while (!said.test(this.text)) await once(this.child, "said");
  }

  /** Waits for its npm. */
  async npm(): Promise<number> {
    await this.until(/npm is process \d+\n/);
    return Number(/npm is process (\d+)/.exec(this.text)?.[1]);
  }

  async exitCode(): Promise<unknown> {
    const [code] = await this.#closed;
    return code;
  }

  /** As a kill by hand or by a lack of memory: nothing else of its group is ended. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#exited;
  }
}

describe("scripts/setup.mjs", () => {
  it("lets one of two setups install while the other waits, says for whom, and finds it done", async () => {
    await using clone = await SmallClone.make();
    const [first, second] = [clone.setUp(), clone.setUp()];
    const waiting = /waiting for another setup of this folder, process (\d+) \.\.\.\n/;
    await Promise.race([first.until(waiting), second.until(waiting)]);
    const [waiter, holder] = waiting.test(first.text) ? [first, second] : [second, first];
    assert.equal(waiting.exec(waiter.text)?.[1], String(holder.child.pid));
    await clone.goOn();
    assert.deepEqual([await first.exitCode(), await second.exitCode()], [0, 0], first.text + second.text);
    assert.deepEqual(
      (await clone.calls()).map(([act]) => act),
      ["begin", "end"],
    );
    assert.equal(waiter.text.match(/\n/g)?.length, 1, "one line");
    assert.match(holder.text, /installing .*building /s);
    assert.deepEqual(await clone.locks(), []);

    const third = clone.setUp();
    assert.deepEqual([await third.exitCode(), third.text], [0, ""], "nothing to do");
    await clone.changeLockFile("2");
    assert.equal(await clone.setUp().exitCode(), 0);
    assert.equal((await clone.calls()).length, 4, "another lock file");
  });

  it("goes on where it can have no lock, and says why", async () => {
    await using clone = await SmallClone.make();
    await writeFile(join(clone.path, ".setup.lock"), "no folder");
    await clone.goOn();
    const setup = clone.setUp();
    assert.equal(await setup.exitCode(), 0, setup.text);
    assert.match(setup.text, /^eet: going on without a lock: ENOTDIR/);
    assert.deepEqual(await clone.locks(), [".setup.lock"], "nothing half made is left");
  });

  it("waits for the npm of a setup that was killed, and then installs anew", async () => {
    await using clone = await SmallClone.make();
    const killed = clone.setUp();
    const npm = await killed.npm();
    await killed.kill();
    const next = clone.setUp();
    await next.until(new RegExp(`waiting for another setup of this folder, process ${npm} `));
    await clone.goOn();
    assert.equal(await next.exitCode(), 0, next.text);
    assert.deepEqual(
      (await clone.calls()).map(([act]) => act),
      ["begin", "end", "begin", "end"],
    );
    assert.deepEqual(await clone.locks(), []);
  });

  it("takes over at once where all of a setup was killed, and tells a process that has its number now from it", async () => {
    await using clone = await SmallClone.make();
    const killed = clone.setUp();
    const npm = await killed.npm();
    process.kill(-(killed.child.pid ?? Number.NaN), "SIGKILL");
    await killed.exitCode();
    const [lock = ""] = await clone.locks();
    const [name = ""] = await readdir(join(clone.path, lock));
    assert.ok(name.startsWith(`${killed.child.pid}-`));
    if (process.platform === "linux") {
      // As if the number were this process's now.
      await writeFile(
        join(clone.path, lock, name),
        (await readFile(join(clone.path, lock, name), "utf8")).replace(/^\d+/, String(process.pid)),
      );
    }
    await clone.goOn();
    const next = clone.setUp();
    assert.equal(await next.exitCode(), 0, next.text);
    assert.doesNotMatch(next.text, /waiting/);
    assert.deepEqual(
      (await clone.calls()).map(([act, pid]) => [act, pid === npm]),
      [
        ["begin", true],
        ["begin", false],
        ["end", false],
      ],
    );
  });
});
