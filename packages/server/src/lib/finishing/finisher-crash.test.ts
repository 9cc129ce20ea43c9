import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import type { LogFields } from "../kernel/log.ts";
import { silentLog } from "../kernel/log.ts";
import { crashPath, stayPath } from "./crashing-worker.test-support.ts";
import { Finisher } from "./finisher.ts";
import { leaveSegment, pcmFormat, pcmFrames, temporaryFolder, wobble } from "./segment-fixture.test-support.ts";

const frames = pcmFrames(wobble(3_200), 320);

/** Finishes a segment of each of 4 sessions, of which `a` ends so many threads. */
async function finishWithCrashes(
  t: TestContext,
  crashCount: number,
  { threadCount = 2, isRecovered = false, staying = [] as readonly string[] } = {},
) {
  const root = temporaryFolder(t);
  const finished: string[] = [];
  const errors: LogFields[] = [];
  const finisher = new Finisher({
    receivedPath: root,
    workerCount: threadCount,
    log: { ...silentLog, error: (fields) => errors.push(fields) },
    wantsWav: () => true,
    earlierOrderOf: async () => undefined,
    onEmpty: () => {},
    onFinished: async ({ sidecar }) => {
      finished.push(sidecar.session);
    },
    workerUrl: new URL("./crashing-worker.test-support.ts", import.meta.url),
  });
  for (let turn = 0; turn < crashCount; turn += 1) writeFileSync(crashPath(root, "a", turn), "");
  for (const session of staying) writeFileSync(stayPath(root, session), "");
  const segments = ["a", "b", "c", "d"].map((session) =>
    leaveSegment(root, frames, { format: pcmFormat, session, index: 0 }),
  );
  await Promise.all(segments.map((segment) => finisher.finish(segment, isRecovered)));
  const { failedCount, crashCount: counted } = finisher;
  await finisher.close();
  return { finished: finished.toSorted(), failedCount, counted, errors };
}

describe("Finisher whose threads end in the middle of a segment", () => {
  for (const crashCount of [1, 2])
    it(`derives the segment again in another thread and counts ${crashCount} of them`, async (t) => {
      const { finished, failedCount, counted, errors } = await finishWithCrashes(t, crashCount);
      assert.deepEqual(finished, ["a", "b", "c", "d"]);
      assert.deepEqual([failedCount, counted, errors.length], [0, crashCount, crashCount]);
      assert.match(String(errors[0]?.["error"]), /worker exited with code: 7/);
    });

  it("leaves a segment that takes 3 threads along to the next start, and finishes the others", async (t) => {
    const { finished, failedCount, counted } = await finishWithCrashes(t, 3);
    assert.deepEqual(finished, ["b", "c", "d"]);
    assert.deepEqual([failedCount, counted], [1, 3]);
  });

  it("leaves no segment to the next start that is beside it in a thread time and again", async (t) => {
    const beside = { threadCount: 1, isRecovered: true, staying: ["b"] };
    const { finished, failedCount } = await finishWithCrashes(t, 3, beside);
    assert.deepEqual(finished, ["b", "c", "d"]);
    assert.equal(failedCount, 1);
  });
});
