import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeBenchFolder } from "./bench-folder.ts";

describe("makeBenchFolder", () => {
  it("makes a folder that goes with what is in it", async () => {
    const listenerCount = process.listenerCount("SIGINT");
    const folder = await makeBenchFolder();
    await writeFile(join(folder.path, "a"), "a");
    await folder[Symbol.asyncDispose]();
    assert.equal(existsSync(folder.path), false);
    assert.equal(process.listenerCount("SIGINT"), listenerCount);
  });

  it("removes it as well when the bench is ended by a signal", async () => {
    const script = `
      const { makeBenchFolder } = await import(${JSON.stringify(new URL("bench-folder.ts", import.meta.url).href)});
      process.on("message", () => {}); // Stays until it is ended.
      const { path } = await makeBenchFolder();
      process.send(path);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const [path] = await once(child, "message");
    assert.ok(existsSync(path));
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    assert.deepEqual(await exited, [143, null]);
    assert.equal(existsSync(path), false);
  });
});
