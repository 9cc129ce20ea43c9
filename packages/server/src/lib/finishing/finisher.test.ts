import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import { type Log, type LogFields, silentLog } from "../kernel/log.ts";
import { Finisher, type FinisherOptions } from "./finisher.ts";
import {
  adpcmFrames,
  leaveSegment,
  pathOf,
  pcmFormat,
  pcmFrames,
  temporaryFolder,
  wobble,
} from "./segment-fixture.test-support.ts";

interface Harness {
  readonly finisher: Finisher;
  readonly finished: FinishedSegment[];
  readonly errors: LogFields[];
}

function harness(root: string, options: Partial<FinisherOptions> = {}): Harness {
  const finished: FinishedSegment[] = [];
  const errors: LogFields[] = [];
  const log: Log = { ...silentLog, error: (fields) => errors.push(fields) };
  const finisher = new Finisher({
    receivedPath: root,
    workerCount: 2,
    log,
    wantsWav: () => true,
    earlierOrderOf: async () => undefined,
    onEmpty: () => {},
    onFinished: async (segment) => {
      finished.push(segment);
    },
    ...options,
  });
  return { finisher, finished, errors };
}

const frames = pcmFrames(wobble(3_200), 320);

describe("Finisher", () => {
  it("tells of a segment whose file failed before its first sync, though nothing of it is there [S-2.4]", async (t) => {
    const root = temporaryFolder(t);
    const empty: string[] = [];
    const { finisher, finished, errors } = harness(root, { onEmpty: ({ opening }) => empty.push(opening.name) });
    const left = leaveSegment(root, frames, { format: pcmFormat, session: "a", index: 0 });
    rmSync(join(root, left.opening.folder), { recursive: true });
    await finisher.finish({ ...left, binBytes: 0, reason: "storage-failed" }, false);
    await finisher.close();
    assert.deepEqual(empty, [left.opening.name]);
    assert.deepEqual([finished, errors], [[], []]);
  });

  it("finishes first what an earlier run left of a session that somebody waits for", async (t) => {
    const root = temporaryFolder(t);
    // Two are begun before anybody asks: the third to begin alone gets a WAV.
    let begunCount = 0;
    const { finisher, finished } = harness(root, { workerCount: 1, wantsWav: () => ++begunCount === 3 });
    const sessions = ["a", "b", "c", "d", "e", "f"];
    for (const session of sessions) {
      void finisher.finish(leaveSegment(root, frames, { format: pcmFormat, session }), true);
    }
    await finisher.settled("f");
    assert.ok(finished.some(({ sidecar }) => sidecar.session === "f"));
    await finisher.close();
    const third = finished.filter(({ sidecar }) => sidecar.files.wav !== null);
    assert.deepEqual(
      third.map(({ sidecar }) => sidecar.session),
      ["f"],
    );
    assert.deepEqual(finished.map(({ sidecar }) => sidecar.session).sort(), sessions);
  });

  it("finishes a session's segments in their order and sessions side by side", async (t) => {
    const root = temporaryFolder(t);
    const order: string[] = [];
    const otherFinished = Promise.withResolvers<void>();
    const { finisher } = harness(root, {
      onFinished: async ({ sidecar }) => {
        // Would wait for ever if one session's segments had to wait for another's.
        if (sidecar.session === "a") await otherFinished.promise;
        order.push(`${sidecar.session}${sidecar.index}`);
        if (order.length === 3) otherFinished.resolve();
      },
    });
    for (const index of [0, 1, 2]) {
      for (const session of ["a", "b"]) {
        void finisher.finish(leaveSegment(root, frames, { format: pcmFormat, session, index }), false);
      }
    }
    assert.equal(finisher.queueLength, 6);
    await finisher.close();
    assert.deepEqual(order, ["b0", "b1", "b2", "a0", "a1", "a2"]);
    assert.equal(finisher.queueLength, 0);
  });

  it("hands a segment on before it asks for the next one's earlier order", async (t) => {
    const root = temporaryFolder(t);
    const steps: string[] = [];
    const { finisher } = harness(root, {
      earlierOrderOf: async (session, index) => {
        steps.push(`asked ${session}-${index}`);
        return "high";
      },
      onFinished: async ({ sidecar }) => {
        steps.push(`finished ${sidecar.index} ${sidecar.nibble_order?.order} ${sidecar.nibble_order?.source}`);
      },
    });
    const few = adpcmFrames(wobble(640), 320, "high");
    for (const index of [0, 1]) void finisher.finish(leaveSegment(root, few, { index }), false);
    await finisher.close();
    assert.deepEqual(steps, ["asked s1-0", "finished 0 high cached", "asked s1-1", "finished 1 high cached"]);
  });

  it("works in threads of its own", async (t) => {
    const root = temporaryFolder(t);
    const { finisher, finished } = harness(root);
    const segment = leaveSegment(root, pcmFrames(wobble(480_000), 320), { format: pcmFormat });
    let turnCount = 0;
    let isFinished = false;
    const finishing = finisher.finish(segment, false).then(() => {
      isFinished = true;
    });
    // The segment takes longer than many turns of this thread's event loop, which goes on turning.
    for (; !isFinished; turnCount++) await new Promise((resolve) => setImmediate(resolve));
    await finishing;
    assert.ok(turnCount > 20, `the event loop turned ${turnCount} times meanwhile`);
    assert.equal(finished.length, 1);
    await finisher.close();
  });

  it("logs a segment that fails, leaves its frames and goes on with the next", async (t) => {
    const root = temporaryFolder(t);
    const { finisher, finished, errors } = harness(root);
    const missing = leaveSegment(temporaryFolder(t), frames, { format: pcmFormat, index: 0 });
    void finisher.finish(missing, false);
    void finisher.finish(leaveSegment(root, frames, { format: pcmFormat, index: 1 }), false);
    await finisher.settled("s1");
    assert.deepEqual(
      errors.map((fields) => fields["segment"]),
      [missing.opening.name],
    );
    assert.deepEqual(
      finished.map(({ sidecar }) => sidecar.index),
      [1],
    );
    await finisher.close();
  });

  it("logs a segment that nobody takes, and finishes it again at the next call", async (t) => {
    const root = temporaryFolder(t);
    let isRefusing = true;
    const { finisher, errors } = harness(root, {
      onFinished: async () => {
        if (isRefusing) throw new Error("the catalogue is away");
      },
    });
    const segment = leaveSegment(root, frames, { format: pcmFormat });
    await finisher.finish(segment, false);
    assert.deepEqual(
      errors.map((fields) => fields["error"]),
      ["the catalogue is away"],
    );
    isRefusing = false;
    await finisher.finish(segment, false);
    assert.equal(errors.length, 1);
    await finisher.close();
  });

  it("hands on nothing for an empty segment", async (t) => {
    const root = temporaryFolder(t);
    const { finisher, finished, errors } = harness(root);
    await finisher.finish(leaveSegment(root, [], { format: pcmFormat }), false);
    assert.deepEqual([finished, errors], [[], []]);
    await finisher.close();
  });

  it("asks for each segment whether a WAV is wanted", async (t) => {
    const root = temporaryFolder(t);
    let isWanted = false;
    const { finisher } = harness(root, { wantsWav: () => isWanted });
    const [first, second] = [0, 1].map((index) => leaveSegment(root, frames, { format: pcmFormat, index }));
    await finisher.finish(first!, false);
    isWanted = true;
    await finisher.finish(second!, false);
    assert.equal(existsSync(pathOf(root, first!.opening, "wav")), false);
    assert.equal(existsSync(pathOf(root, second!.opening, "wav")), true);
    await finisher.close();
  });

  it("closes when all that was queued is finished, once", async (t) => {
    const root = temporaryFolder(t);
    const { finisher, finished, errors } = harness(root);
    for (const index of [0, 1, 2])
      void finisher.finish(leaveSegment(root, frames, { format: pcmFormat, index }), false);
    const closing = finisher.close();
    assert.equal(finisher.close(), closing);
    await closing;
    assert.equal(finished.length, 3);
    await finisher.finish(leaveSegment(root, frames, { format: pcmFormat, index: 3 }), false);
    assert.equal(errors.length, 1);
  });
});
