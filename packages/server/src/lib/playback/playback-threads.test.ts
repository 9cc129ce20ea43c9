import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { temporaryFolder } from "../finishing/segment-fixture.test-support.ts";
import type { ServerError } from "../kernel/errors.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import { badWidths } from "./crashing-worker.test-support.ts";
import { PlaybackThreads } from "./playback-threads.ts";

function openThreads(t: TestContext, threadCount = 1) {
  const log = new MemoryLog();
  const workerUrl = new URL("./crashing-worker.test-support.ts", import.meta.url);
  const threads = new PlaybackThreads({ threadCount, log, workerUrl, maxHeapMb: 32 });
  t.after(() => threads.close());
  return { threads, log };
}

const audio = () => ({ samples: Int16Array.of(5, -5, 7, -7), channels: 1, missing: [] });
const isEnded = ({ code }: ServerError) => code === "THREAD_ENDED";

/** A decoding that takes so many threads along before it succeeds. */
function decodingAfter(t: TestContext, crashCount: number) {
  const folder = temporaryFolder(t);
  const paths = Array.from({ length: crashCount }, (_, turn) => join(folder, `crash-${turn}`));
  for (const path of paths) writeFileSync(path, "");
  return { sidecar: "", bin: paths.join(":"), fromSample: 0, toSample: 3 };
}

describe("PlaybackThreads whose threads end in the middle of a task", () => {
  it("decodes again in another thread, counts it and tells it in the log", async (t) => {
    const { threads, log } = openThreads(t);
    assert.deepEqual([...(await threads.decode(decodingAfter(t, 1)))], [1, 2, 3]);
    assert.deepEqual([threads.crashCount, log.at("error").length], [1, 1]);
    assert.deepEqual(log.at("error")[0]?.fields, { task: "decode", error: "worker exited with code: 7" });
  });

  it("gives a decoding up that takes two threads along", async (t) => {
    const { threads } = openThreads(t);
    await assert.rejects(threads.decode(decodingAfter(t, 2)), isEnded);
    assert.equal(threads.crashCount, 2);
  });

  for (const end of ["exits", "runsOutOfMemory"] as const)
    it(`fails a drawing whose thread ${end}, and draws those that waited behind it`, async (t) => {
      const { threads } = openThreads(t);
      const bad = threads.drawPeaks(audio(), badWidths[end]);
      const waiting = [2, 4].map((width) => threads.drawPeaks(audio(), width));
      await assert.rejects(bad, isEnded);
      assert.deepEqual((await Promise.all(waiting)).flat(), [
        Int16Array.of(-5, 5, -7, 7),
        Int16Array.of(5, 5, -5, -5, 7, 7, -7, -7),
      ]);
      assert.equal(threads.crashCount, 1);
    });

  it("draws what waits behind a drawing that nobody wants any more, which is no crash", async (t) => {
    const { threads, log } = openThreads(t);
    // Once it draws, a thread runs that the next drawing gets hold of.
    await threads.drawPeaks(audio(), 2);
    const leaving = new AbortController();
    const hanging = threads.drawPeaks(audio(), badWidths.hangs, leaving.signal);
    const waiting = threads.drawPeaks(audio(), 2, new AbortController().signal);
    leaving.abort();
    await assert.rejects(hanging, { name: "AbortError" });
    assert.deepEqual(await waiting, [Int16Array.of(-5, 5, -7, 7)]);
    assert.deepEqual([threads.crashCount, log.lines], [0, []]);
  });

  it("fails what runs when it is closed, which is no crash either", async (t) => {
    const { threads } = openThreads(t);
    await threads.drawPeaks(audio(), 2);
    const hanging = threads.drawPeaks(audio(), badWidths.hangs);
    const closed = threads.close();
    await assert.rejects(hanging, /Terminating/);
    await closed;
    await assert.rejects(threads.drawPeaks(audio(), 2), /closed/);
    assert.equal(threads.crashCount, 0);
  });
});
