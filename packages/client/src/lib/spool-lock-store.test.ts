import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { openSpoolLock } from "./spool-lock-store.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-spool-lock-"));
});

afterEach(() => rm(folder, { recursive: true }));

describe("openSpoolLock", () => {
  it("refuses a second taker of the same process and names it", () => {
    const lock = openSpoolLock(folder);
    assert.throws(() => openSpoolLock(folder), {
      code: "SPOOL_LOCKED",
      message: `the spool ${folder} is in use by pid ${process.pid} on ${hostname()}`,
    });
    lock.close();
  });

  it("gives the folder free, once", () => {
    const lock = openSpoolLock(folder);
    lock.close();
    const next = openSpoolLock(folder);
    lock.close();
    assert.throws(() => openSpoolLock(folder), { code: "SPOOL_LOCKED" });
    next.close();
  });

  it("names another process that holds it, if only by never closing it, and takes over when that was killed", async () => {
    const source = `
      import { openSpoolLock } from ${JSON.stringify(import.meta.resolve("./spool-lock-store.ts"))};
      openSpoolLock(${JSON.stringify(folder)});
      gc();
      console.log("held");
      setInterval(() => {}, 60_000);`;
    const child = spawn(process.execPath, ["--expose-gc", "--input-type=module", "-e", source], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(child.stdout, "data");
      assert.throws(() => openSpoolLock(folder), {
        code: "SPOOL_LOCKED",
        message: `the spool ${folder} is in use by pid ${child.pid} on ${hostname()}`,
      });
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    openSpoolLock(folder).close();
  });

  it("tells of a folder that is not there", () => {
    assert.throws(() => openSpoolLock(join(folder, "gone")), { code: "SPOOL_IO", message: /gone cannot be used/ });
  });
});
