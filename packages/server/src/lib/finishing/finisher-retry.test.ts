import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, symlinkSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { StorageError } from "../kernel/errors.ts";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import { Finisher, type FinisherOptions } from "./finisher.ts";
import { leaveSegment, pathOf, pcmFormat, pcmFrames, temporaryFolder, wobble } from "./segment-fixture.test-support.ts";

const frames = pcmFrames(wobble(3_200), 320);
const failureMessage = "segment not finished: its frames stay, it is tried again until it succeeds";

/** A finisher that keeps what it hands on, until `finishedCount` of it have come. */
class Bench {
  readonly root: string;
  readonly log = new MemoryLog();
  readonly finished: FinishedSegment[] = [];
  readonly finisher: Finisher;
  readonly #all = Promise.withResolvers<void>();

  constructor(t: TestContext, finishedCount: number, options: Partial<FinisherOptions> = {}) {
    this.root = temporaryFolder(t);
    this.finisher = new Finisher({
      receivedPath: this.root,
      workerCount: 1,
      log: this.log,
      wantsWav: () => true,
      earlierOrderOf: async () => undefined,
      onEmpty: () => {},
      onFinished: async (segment, closed) => {
        await options.onFinished?.(segment, closed);
        this.finished.push(segment);
        if (this.finished.length === finishedCount) this.#all.resolve();
      },
      retryDelays: options.retryDelays ?? { firstMs: 1, longestMs: 2 },
    });
    t.after(() => this.finisher.close());
  }

  /** Resolves with the last of the expected segments, once nothing of it is left to do. */
  async allFinished(): Promise<readonly string[]> {
    await this.#all.promise;
    const names = this.finished.map(({ sidecar }) => `${sidecar.session}-${sidecar.index}`);
    for (const { sidecar } of this.finished) await this.finisher.settled(sidecar.session);
    return names;
  }

  leave(index: number, session = "s1"): ClosedSegment {
    return leaveSegment(this.root, frames, { format: pcmFormat, index, session });
  }

  /** Where the segment's WAV goes the disk is full, until a try has failed there and removed what it wrote. */
  fillDiskOf({ opening }: ClosedSegment): void {
    symlinkSync("/dev/full", pathOf(this.root, opening, "wavPart"));
  }
}

describe("Finisher on a full disk", { skip: !existsSync("/dev/full") && "this system has no /dev/full" }, () => {
  it("finishes the segment in the same run once there is room [S-2.5]", async (t) => {
    const bench = new Bench(t, 1);
    const segment = bench.leave(0);
    bench.fillDiskOf(segment);
    await bench.finisher.finish(segment, false);
    assert.deepEqual([bench.finisher.failedCount, bench.finisher.hasFailed("s1")], [1, true]);
    assert.equal(bench.finisher.willRetry("s1"), true);
    assert.equal(bench.finisher.hasFailed("s2"), false);
    assert.equal((await bench.log.line("ENOSPC")).message, failureMessage);
    assert.deepEqual(await bench.allFinished(), ["s1-0"]);
    assert.deepEqual([bench.finisher.failedCount, bench.finisher.hasFailed("s1")], [0, false]);
    assert.ok(existsSync(pathOf(bench.root, segment.opening, "wav")));
  });

  it("goes on with the session's next segments meanwhile", async (t) => {
    const bench = new Bench(t, 3);
    const [first, second, third] = [0, 1, 2].map((index) => bench.leave(index));
    bench.fillDiskOf(first!);
    for (const segment of [first!, second!, third!]) void bench.finisher.finish(segment, false);
    assert.deepEqual((await bench.allFinished()).toSorted(), ["s1-0", "s1-1", "s1-2"]);
    assert.equal(bench.finished.at(0)?.sidecar.index, 1);
    assert.equal(bench.finisher.failedCount, 0);
  });

  it("tries until it succeeds, and tells of the first failure as an error only", async (t) => {
    const bench = new Bench(t, 1);
    const segment = bench.leave(0);
    bench.fillDiskOf(segment);
    let failureCount = 0;
    bench.log.on(failureMessage, () => {
      failureCount += 1;
      if (failureCount < 4) bench.fillDiskOf(segment);
    });
    await bench.finisher.finish(segment, false);
    await bench.allFinished();
    assert.deepEqual([bench.log.at("error").length, bench.log.at("warn").length], [1, 3]);
    assert.equal(bench.finisher.failedCount, 0);
  });

  it("leaves what waits to the next start when it is closed", async (t) => {
    const bench = new Bench(t, 1, { retryDelays: { firstMs: 3_600_000, longestMs: 3_600_000 } });
    const segment = bench.leave(0);
    bench.fillDiskOf(segment);
    await bench.finisher.finish(segment, false);
    await bench.finisher.close();
    assert.deepEqual([bench.finisher.failedCount, bench.finisher.willRetry("s1")], [1, false]);
    assert.ok(existsSync(pathOf(bench.root, segment.opening, "binPart")));
  });
});

describe("Finisher on a failing catalogue", () => {
  it("hands the same segment on again, and derives nothing twice", async (t) => {
    const handedOn: FinishedSegment[] = [];
    const bench = new Bench(t, 1, {
      onFinished: async (segment, { opening }) => {
        handedOn.push(segment);
        // What would be derived again would be read from here.
        rmSync(pathOf(bench.root, opening, "bin"), { force: true });
        if (handedOn.length < 3) throw new StorageError("STORAGE_FULL", "the catalogue's disk is full");
      },
    });
    await bench.finisher.finish(bench.leave(0), false);
    assert.equal(bench.finisher.hasFailed("s1"), true);
    await bench.allFinished();
    assert.equal(handedOn.length, 3);
    assert.equal(handedOn[2], handedOn[0]);
    assert.equal(bench.finisher.failedCount, 0);
  });
});

describe("Finisher on a lasting failure", () => {
  it("tries nothing again in this run, and says that the session has a hole", async (t) => {
    const bench = new Bench(t, 1);
    const missing = bench.leave(0);
    rmSync(pathOf(bench.root, missing.opening, "binPart"));
    await bench.finisher.finish(missing, false);
    await bench.finisher.finish(bench.leave(1), false);
    assert.deepEqual(await bench.allFinished(), ["s1-1"]);
    assert.deepEqual(
      bench.log.at("error").map(({ message, fields }) => [message, fields["code"]]),
      [["segment not finished: its frames stay, the next start tries again", "ENOENT"]],
    );
    assert.deepEqual([bench.finisher.failedCount, bench.finisher.hasFailed("s1")], [1, true]);
    assert.equal(bench.finisher.willRetry("s1"), false);
  });

  it("counts what it does not take up, as a closed one", async (t) => {
    const bench = new Bench(t, 1);
    await bench.finisher.close();
    await bench.finisher.finish(bench.leave(0), false);
    assert.equal(bench.finisher.hasFailed("s1"), true);
  });
});

describe("Finisher without file descriptors", () => {
  it("outlives a thread that cannot start, and finishes all once there are some [S-2.6]", (t) => {
    const root = temporaryFolder(t);
    const source = `
      import fs from "node:fs";
      import { once, EventEmitter } from "node:events";
      import { Finisher } from ${JSON.stringify(import.meta.resolve("./finisher.ts"))};
      const fixture = await import(${JSON.stringify(import.meta.resolve("./segment-fixture.test-support.ts"))});
      const { leaveSegment, pcmFormat, pcmFrames, wobble } = fixture;
      const root = ${JSON.stringify(root)};
      const left = ["a", "b", "c"].map((session) =>
        leaveSegment(root, pcmFrames(wobble(3_200), 320), { format: pcmFormat, session }));
      const events = new EventEmitter();
      const warned = once(events, "warned");
      const log = { debug() {}, info() {}, warn: (_, message) => events.emit("warned", message), error() {} };
      let finishedCount = 0;
      const taken = [];
      try {
        for (;;) taken.push(fs.openSync(root, "r"));
      } catch (error) {
        console.log(error.code);
      }
      const finisher = new Finisher({
        receivedPath: root, workerCount: 2, log, wantsWav: () => true, earlierOrderOf: async () => undefined,
        onEmpty() {}, onFinished: async () => { finishedCount += 1; events.emit("finished"); }, retryDelays: { firstMs: 20, longestMs: 20 },
      });
      const finishing = left.map((segment) => finisher.finish(segment, false));
      console.log((await warned)[0]);
      for (const fd of taken) fs.closeSync(fd);
      await Promise.all(finishing);
      while (finishedCount < left.length) await once(events, "finished");
      await new Promise((resolve) => setImmediate(resolve));
      console.log(finishedCount, finisher.failedCount);
      await finisher.close();`;
    const script = 'ulimit -n 128 && exec "$0" --input-type=module -e "$1"';
    const child = spawnSync("sh", ["-c", script, process.execPath, source], { timeout: 50_000 });
    assert.equal(
      child.stdout.toString(),
      "EMFILE\na thread that finishes segments did not start: it is tried again\n3 0\n",
      child.stderr.toString(),
    );
  });
});
