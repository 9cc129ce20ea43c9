import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, it } from "node:test";
import { sanitizeHwid } from "@eet/protocol";
import { systemClock } from "../kernel/clock.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { type OpenUpgrade, UpgradeSource } from "./upgrade-source.test-support.ts";
import { WorkerRun } from "./worker-run.ts";

const hwid = sanitizeHwid("mic") ?? null;

let child: ChildProcess;
let log: MemoryLog;
let source: UpgradeSource;

beforeEach(async () => {
  log = new MemoryLog();
  source = await UpgradeSource.open();
});

afterEach(async () => {
  child.kill("SIGKILL");
  await source[Symbol.asyncDispose]();
});

/** The run of a process that takes everything and says what the script says. */
function start(script: string, maxSilenceMs = 60_000): WorkerRun {
  const stdio = ["ignore", "ignore", "inherit", "ipc"] as const;
  child = spawn(process.execPath, ["-e", script], { serialization: "advanced", stdio: [...stdio] });
  return WorkerRun.start({
    ...{ dataPath: "data", place: 3, fork: () => child, maxSilenceMs, clock: systemClock },
    // It is for those who read it.
    options: {} as never,
    tapOf: () => undefined,
    surroundings: {
      ...{ log, tally: { note: () => {} }, onRecording: () => {}, onConnection: () => {} },
      ...{ findEnded: async () => undefined, profileOf: () => ({}) },
    },
  });
}

const reading = "process.on('message', () => {});";

/** Hands a connection over. @returns once its client is let go, how often its end was told by then */
async function endsOf(run: WorkerRun, { client, upgrade }: OpenUpgrade): Promise<number> {
  let endCount = 0;
  const closed = once(client.resume(), "close");
  run.take({ connectionId: 1, hwid }, upgrade, { onHandshake: () => {}, onEnded: () => (endCount += 1) });
  await Promise.all([closed, run.gone]);
  return endCount;
}

describe("a process that takes devices", () => {
  it("takes a step that was asked for while it began", async () => {
    const run = start(`
      let isReady = false;
      const begin = () => { isReady = true; process.send({ type: 'ready' }); };
      process.on('message', ({ type }) => {
        if (type === 'start') setTimeout(begin, 100);
        else if (isReady) process.send({ type: 'done', step: type });
      });`);
    await run.step("end-sessions");
    await run.ready;
  });

  it("lets go of a connection that is handed over while it dies", async () => {
    const run = start(`${reading} process.send({ type: 'ready' });`);
    await run.ready;
    const opened = await source.next();
    child.kill("SIGKILL");
    assert.equal(await endsOf(run, opened), 1);
  });

  it("lets go of one that is handed over in the moment of its end", async () => {
    const run = start(`${reading} process.send({ type: 'ready' });`);
    await run.ready;
    const opened = await source.next();
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    assert.equal(await endsOf(run, opened), 1);
  });

  it("lets go of one that is handed over once it is gone", async () => {
    const run = start("");
    await assert.rejects(run.ready, /the process ended with 0 before/);
    await run.gone;
    assert.equal(await endsOf(run, await source.next()), 1);
  });

  it("is killed when it says nothing any more, which the log tells", async () => {
    // It is busy with itself for ever.
    const run = start(`process.send({ type: 'ready' }, () => { for (;;); });`, 300);
    await run.ready;
    const { runId, how } = await run.gone;
    assert.deepEqual([runId, how], [run.runId, "SIGKILL"]);
    const { pid } = child;
    const message = "an ingest worker has stopped working, nothing was heard of it: it is killed";
    assert.deepEqual(log.lines, [{ level: "error", fields: { worker: 3, pid }, message }]);
  });

  it("is left alone as long as it says something", async () => {
    const run = start(`${reading} process.send({ type: 'ready' }); setInterval(() => process.send({}), 20);`, 1_000);
    await run.ready;
    let heardCount = 0;
    child.on("message", () => (heardCount += 1));
    while (heardCount < 100) await once(child, "message");
    assert.deepEqual(log.lines, []);
  });
});
