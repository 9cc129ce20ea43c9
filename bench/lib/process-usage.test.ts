import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { PeakMemory, readProcessUsage } from "./process-usage.ts";

/** What the innermost process burns: many of the hundredths of a second that Linux counts in. */
const burnedMs = 200;
/** Its own time to start comes on top; what is cut off by counting in ticks is not missed. */
const leastMs = burnedMs - 20;

const burn = `const end = process.cpuUsage().user + ${burnedMs * 1000}; while (process.cpuUsage().user < end);`;
/** Starts a child that burns and says so; goes on to live, and lets the child go when it is told to. */
const parent = `
  const { spawn } = require("node:child_process");
  const child = spawn(process.execPath, ["-e", ${JSON.stringify(`${burn} process.stdout.write("burned"); process.stdin.resume();`)}]);
  child.stdout.once("data", () => process.send("burned"));
  child.once("exit", () => process.send("ended"));
  process.once("message", () => child.stdin.end());
`;

async function burning(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", parent], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  await once(child, "message");
  return child;
}

describe("readProcessUsage", () => {
  it("counts what a process started, while it lives and after its end", async () => {
    const child = await burning();
    try {
      const pid = child.pid ?? 0;
      const living = readProcessUsage(pid);
      assert.equal(living.processCount, 2);
      assert.ok(living.cpuMs - living.mainThreadCpuMs >= leastMs, `${living.cpuMs} ms are less than was burned`);
      const ended = once(child, "message");
      child.send("end");
      await ended;
      const after = readProcessUsage(pid);
      assert.equal(after.processCount, 1);
      assert.ok(after.cpuMs >= living.cpuMs, "what was burned is not forgotten");
      assert.ok(after.rssBytes < living.rssBytes, "the memory of two is more than that of one");
    } finally {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
  });

  it("knows no process that is not there", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    assert.throws(() => readProcessUsage(child.pid ?? 0), /no process/);
  });
});

const takenBytes = 64 * 1024 * 1024;
/** Takes memory when it is told to, and lets it go again before it says so. */
const taker = `
  process.on("message", () => {
    let taken = Buffer.alloc(${takenBytes}, 1);
    taken = undefined;
    global.gc();
    process.send("given back");
  });
  process.send("ready");
`;

describe("PeakMemory", () => {
  it("sees what was held in between, and nothing of before it began", async () => {
    const child = spawn(process.execPath, ["--expose-gc", "-e", taker], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    try {
      await once(child, "message");
      const take = async () => {
        const given = once(child, "message");
        child.send("take");
        await given;
      };
      const peak = new PeakMemory(child.pid ?? 0);
      await take();
      assert.ok(peak.growthBytes() > takenBytes * 0.9, `${peak.growthBytes()} bytes are less than was taken`);
      const later = new PeakMemory(child.pid ?? 0);
      assert.ok(later.growthBytes() < takenBytes / 2, `${later.growthBytes()} bytes were taken before`);
    } finally {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
  });
});
