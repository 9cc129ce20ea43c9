import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { describe, it } from "node:test";
import type { SegmentRow } from "../catalog/catalog-reader.ts";
import { overviewFilePath, readOverview } from "../finishing/overview-store.ts";
import { pcmFrames, wobble } from "../finishing/segment-fixture.test-support.ts";
import type { RecordFormat } from "../kernel/segment-record.ts";
import { startWallMs } from "../recording/recording.test-support.ts";
import { type OverviewKeeper, OverviewSource } from "./overview-source.ts";
import { PlaybackBench } from "./playback-bench.test-support.ts";
import { PlaybackThreads } from "./playback-threads.ts";
import { SegmentAudio } from "./segment-audio.ts";

const format: RecordFormat = { codec: "pcm16", sampleRateHz: 8_000, channels: 1, frameSampleCount: 160 };

/** A segment of a second without an overview, and what looks for one. */
class Scene implements AsyncDisposable {
  readonly bench: PlaybackBench;
  readonly segment: SegmentRow;
  readonly noted: number[] = [];
  readonly source: OverviewSource;
  readonly #threads: PlaybackThreads;
  mayStore = true;

  private constructor(bench: PlaybackBench, segment: SegmentRow) {
    const { log, overviewPath, catalog, recording } = bench;
    const { reader } = catalog;
    this.bench = bench;
    this.segment = segment;
    this.#threads = new PlaybackThreads({ threadCount: 1, log });
    const threads = this.#threads;
    const { receivedPath } = recording;
    const audio = new SegmentAudio({ reader, receivedPath, objects: undefined, threads, log });
    const keeper: OverviewKeeper = {
      mayStore: () => this.mayStore,
      noteStored: ({ id }) => void this.noted.push(id),
    };
    this.source = new OverviewSource({ reader, overviewPath, audio, threads, log, keeper });
  }

  static async open(): Promise<Scene> {
    const bench = await PlaybackBench.open();
    const frames = pcmFrames(wobble(8_000, 3), 160);
    const [segment] = await bench.record({ format, frames, startMs: startWallMs });
    assert.ok(segment !== undefined);
    await rm(bench.overviewPath, { recursive: true });
    return new Scene(bench, await bench.rowOf(segment));
  }

  async isStored(): Promise<boolean> {
    return (await readOverview(overviewFilePath(this.bench.overviewPath, this.segment))) !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads.close();
    await this.bench[Symbol.asyncDispose]();
  }
}

describe("OverviewSource", () => {
  it("stores what it has measured, and tells of it", async () => {
    await using scene = await Scene.open();
    assert.equal((await scene.source.overviewOf(scene.segment)).sampleCount, 8_000);
    assert.deepEqual([await scene.isStored(), scene.noted], [true, [scene.segment.id]]);
  });

  it("stores nothing on a disk that is low", async () => {
    await using scene = await Scene.open();
    scene.mayStore = false;
    assert.equal((await scene.source.overviewOf(scene.segment)).sampleCount, 8_000);
    assert.deepEqual([await scene.isStored(), scene.noted], [false, []]);
  });

  it("leaves nothing behind of a segment that was deleted while it was measured", async () => {
    await using scene = await Scene.open();
    const { id } = scene.segment;
    await scene.bench.catalog.annotations.deleteSegments({ segmentIds: [id], reason: "asked for" });
    assert.equal((await scene.source.overviewOf(scene.segment)).sampleCount, 8_000);
    assert.deepEqual([await scene.isStored(), scene.noted], [false, []]);
  });
});
