import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import Database from "better-sqlite3";
import type { Catalog } from "./catalog/catalog.ts";
import { openCatalog } from "./catalog/sqlite-catalog.ts";
import { DeviceProfiles } from "./device-profiles.ts";
import { Finisher } from "./finishing/finisher.ts";
import {
  leaveSegment,
  makeOpening,
  pathOf,
  pcmFormat,
  pcmFrames,
  wobble,
} from "./finishing/segment-fixture.test-support.ts";
import { systemClock } from "./kernel/clock.ts";
import { MemoryLog } from "./kernel/memory-log.test-support.ts";
import type { RecordingListener } from "./kernel/recording-events.ts";
import type { ClosedSegment, CloseReason } from "./kernel/segment-record.ts";
import { SegmentPipeline } from "./segment-pipeline.ts";
import { FrameLog } from "./storage/frame-log-store.ts";

const frames = pcmFrames(wobble(640), 320);
/** The one of {@link makeOpening}. */
const runId = "run-1";

describe("SegmentPipeline", () => {
  let root: string;
  let log: MemoryLog;
  let catalog: Catalog;
  let frameLog: FrameLog;
  let finisher: Finisher;
  let listener: RecordingListener;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "eet-pipeline-"));
    log = new MemoryLog();
    catalog = await openCatalog({ path: join(root, "catalog.db"), log, clock: systemClock });
    frameLog = await FrameLog.open({ folder: join(root, "frame-log"), runId, onError: assert.fail });
    const pipeline = new SegmentPipeline({
      ...{ catalog, log, receivedPath: root, uploading: undefined },
      ingest: {
        isOwnRun: (id) => id === runId,
        closeSegment: ({ logNumber }) => frameLog.closeSegment(logNumber),
        learn() {},
      },
      profiles: new DeviceProfiles(new Map(), []),
    });
    finisher = new Finisher({
      ...{ receivedPath: root, workerCount: 1, log, wantsWav: () => true },
      earlierOrderOf: async () => undefined,
      onFinished: (segment, closed) => pipeline.take(segment, closed),
      onEmpty: (closed) => pipeline.drop(closed),
    });
    listener = pipeline.listen(finisher);
  });

  afterEach(async () => {
    await finisher.close();
    await frameLog.close();
    await catalog.close();
    await rm(root, { recursive: true });
  });

  function leave(index: number, reason: CloseReason): ClosedSegment {
    const opening = { logNumber: frameLog.openSegment() };
    return leaveSegment(root, frames, { format: pcmFormat, isAcked: true, index, opening, closed: { reason } });
  }

  /** When the session ended, once all that was told is catalogued. */
  async function endedMs(): Promise<unknown> {
    await finisher.settled("s1");
    await catalog.close();
    const reader = new Database(join(root, "catalog.db"), { readonly: true });
    try {
      return reader.prepare("SELECT ended_ms FROM sessions").pluck().get();
    } finally {
      reader.close();
    }
  }

  const { session } = makeOpening({ isAcked: true });

  it("catalogues a segment, which then needs its opening no more [S-2.3]", async () => {
    const segment = leave(0, "rotation");
    listener({ type: "segment.closed", segment });
    await finisher.settled("s1");
    assert.equal((await catalog.resumePoint("s1"))?.nextIndex, 1);
    assert.equal(existsSync(pathOf(root, segment.opening, "open")), false);
  });

  it("notes the end of a session behind its last segment", async () => {
    listener({ type: "segment.closed", segment: leave(0, "rotation") });
    listener({ type: "session.closed", session, endedMs: 1_900_000_000_000 });
    assert.equal(await endedMs(), 1_900_000_000_000);
  });

  it("takes the end back when the session resumes, also while its last segment is still being finished [P-2.4]", async () => {
    listener({ type: "segment.closed", segment: leave(0, "disconnected") });
    listener({ type: "session.closed", session, endedMs: 1_900_000_000_000 });
    listener({ type: "session.resumed", session });
    assert.equal(await endedMs(), null);
  });

  it("notes the end of a session that had resumed", async () => {
    listener({ type: "segment.closed", segment: leave(0, "disconnected") });
    listener({ type: "session.closed", session, endedMs: 1_900_000_000_000 });
    listener({ type: "session.resumed", session });
    listener({ type: "segment.closed", segment: leave(1, "session-ended") });
    listener({ type: "session.closed", session, endedMs: 1_900_000_001_000 });
    assert.equal(await endedMs(), 1_900_000_001_000);
  });

  it("only logs that the catalogue refuses the end or the resumption", async () => {
    await catalog.close();
    listener({ type: "session.closed", session, endedMs: 1_900_000_000_000 });
    listener({ type: "session.resumed", session });
    await nextTurn();
    assert.deepEqual(
      log.at("warn").map(({ fields, message }) => [fields["session"], message]),
      Array.from({ length: 2 }, () => ["s1", "end or resumption of a session not catalogued"]),
    );
  });

  it("warns of a device whose clock contradicts the sample rate that it declares", () => {
    listener({ type: "drift.suspicious", session, driftPpm: 612.5 });
    assert.deepEqual(log.at("warn"), [
      {
        level: "warn",
        fields: { hwid: "mic-1", session: "s1", driftPpm: 612.5, sampleRateHz: 16_000 },
        message: "declared sample rate looks wrong",
      },
    ]);
  });
});
