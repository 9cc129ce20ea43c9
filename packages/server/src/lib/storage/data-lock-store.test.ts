import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { openDataLock, openWorkerLock, waitForWorkers } from "./data-lock-store.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-lock-"));
});

afterEach(() => rm(folder, { recursive: true }));

/** A process that holds the folder until it is killed. */
async function spawnHolder(call = "openDataLock"): Promise<{ readonly pid: number; kill(): Promise<void> }> {
  const source = `
    import { openDataLock, openWorkerLock, waitForWorkers } from ${JSON.stringify(import.meta.resolve("./data-lock-store.ts"))};
    ${call}(${JSON.stringify(folder)}, ...${JSON.stringify(call === "openDataLock" ? [] : [1])});
    console.log("held");
    setInterval(() => {}, 60_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return {
    pid: child.pid ?? 0,
    kill: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

describe("openDataLock", () => {
  it("creates the folder", () => {
    openDataLock(join(folder, "new", "data")).close();
  });

  it("refuses a second taker and names the holder", () => {
    const lock = openDataLock(folder);
    assert.throws(() => openDataLock(folder), {
      code: "STORAGE_LOCKED",
      message: `${folder} is in use by pid ${process.pid} on ${hostname()}`,
    });
    lock.close();
  });

  it("gives the folder free, once", () => {
    const lock = openDataLock(folder);
    lock.close();
    lock.close();
    openDataLock(folder).close();
  });

  it("names another process that holds it, and is free when that was killed", async () => {
    const holder = await spawnHolder();
    try {
      assert.throws(() => openDataLock(folder), {
        code: "STORAGE_LOCKED",
        message: `${folder} is in use by pid ${holder.pid} on ${hostname()}`,
      });
    } finally {
      await holder.kill();
    }
    openDataLock(folder).close();
  });

  it("tells of a folder that cannot be", async () => {
    const path = join(folder, "file");
    await writeFile(path, "");
    assert.throws(() => openDataLock(path), { code: "STORAGE_IO", message: /file cannot be written/ });
  });
});

describe("openWorkerLock", () => {
  it("lets one process have a place, others have other places", () => {
    const first = openWorkerLock(folder, 0);
    openWorkerLock(folder, 1).close();
    assert.throws(() => openWorkerLock(folder, 0), { code: "STORAGE_LOCKED", message: /is in use by pid/ });
    first.close();
    openWorkerLock(folder, 0).close();
  });
});

describe("waitForWorkers", () => {
  it("waits for nobody in a folder that no worker has used, or where all have ended", async () => {
    await waitForWorkers(folder, 0);
    openWorkerLock(folder, 0).close();
    await waitForWorkers(folder, 0);
  });

  it("waits until a worker has ended, however that ends", async () => {
    const holder = await spawnHolder("openWorkerLock");
    await assert.rejects(waitForWorkers(folder, 0), {
      code: "STORAGE_LOCKED",
      message: new RegExp(`an ingest worker of an earlier server still writes to .*: pid ${holder.pid} on`),
    });
    const waiting = waitForWorkers(folder);
    await holder.kill();
    await waiting;
  });
});
