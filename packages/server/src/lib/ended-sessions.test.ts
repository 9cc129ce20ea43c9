import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { EndedSessions } from "./ended-sessions.ts";
import type { MonotonicMs, WallMs } from "./kernel/clock.ts";
import { StorageError } from "./kernel/errors.ts";
import { MemoryLog } from "./kernel/memory-log.test-support.ts";
import type { ResumePoint } from "./kernel/segment-record.ts";

const point: ResumePoint = {
  record: {
    session: "00000001",
    hwid: "mic",
    streamId: 7,
    format: { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 },
    start: { startMs: 1, rule: "server-arrival", deviceMs: 0, serverMs: 1, warning: null },
    profile: {},
    isAcked: true,
  },
  next: { seq: 5, sample: 1_600 },
  nextIndex: 1,
  lastFrameSampleCount: 320,
  lastActiveMs: 2,
};

let log: MemoryLog;
let asked: string[];
let settled: PromiseWithResolvers<void>;
let failed: Set<string>;
let retried: Set<string>;
let clockMs: number;
let found: () => ResumePoint | undefined;
let sessions: EndedSessions;

beforeEach(() => {
  log = new MemoryLog();
  asked = [];
  settled = Promise.withResolvers();
  failed = new Set();
  retried = new Set();
  clockMs = 0;
  found = () => point;
  sessions = new EndedSessions({
    log,
    clock: { wallMs: () => clockMs as WallMs, monotonicMs: () => clockMs as MonotonicMs },
    patience: { lookIntervalMs: 1, limitMs: 1_000 },
    catalog: {
      resumePoint: async (session) => {
        asked.push(session);
        return found();
      },
      uploadedNext: async () => 3,
    },
    finisher: {
      settled: () => settled.promise,
      hasFailed: (session) => failed.has(session),
      willRetry: (session) => retried.has(session),
    },
  });
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("EndedSessions", () => {
  it("asks the catalogue only when all that an earlier run left of the session is through [P-2.7]", async () => {
    const finding = sessions.find("00000001");
    await turn();
    assert.deepEqual(asked, []);
    sessions.listed(new Set());
    await turn();
    assert.deepEqual(asked, []);
    settled.resolve();
    assert.deepEqual(await finding, { point, uploadedNext: 3 });
    assert.deepEqual(asked, ["00000001"]);
  });

  it("does not know a session that the catalogue does not know", async () => {
    found = () => undefined;
    sessions.listed(new Set());
    settled.resolve();
    assert.equal(await sessions.find("00000001"), undefined);
  });

  it("does not trust a session of which something could not be read or finished", async () => {
    sessions.listed(new Set(["00000001"]));
    settled.resolve();
    assert.equal(await sessions.find("00000001"), undefined);
    failed.add("00000002");
    assert.equal(await sessions.find("00000002"), undefined);
    assert.deepEqual(asked, []);
  });

  it("knows none when recovery has stopped before it had seen everything", async () => {
    sessions.listed(undefined);
    assert.equal(await sessions.find("00000001"), undefined);
    assert.deepEqual(asked, []);
  });

  it("waits for a segment that is tried again, rather than have the device send it again [P-2.4]", async () => {
    failed.add("00000001");
    retried.add("00000001");
    sessions.listed(new Set());
    settled.resolve();
    let isFound = false;
    const finding = sessions.find("00000001").finally(() => {
      isFound = true;
    });
    await turn();
    assert.deepEqual([isFound, asked], [false, []]);
    failed.clear();
    retried.clear();
    assert.deepEqual(await finding, { point, uploadedNext: 3 });
  });

  it("has the device ask again when that takes long [P-2.8]", async () => {
    failed.add("00000001");
    retried.add("00000001");
    sessions.listed(new Set());
    settled.resolve();
    const finding = sessions.find("00000001");
    await turn();
    clockMs = 1_000;
    await assert.rejects(finding, { name: "LimitError", code: "RECOVERING" });
  });

  it("asks a catalogue again whose disk fails for now", async () => {
    let failureCount = 0;
    found = () => {
      failureCount += 1;
      if (failureCount <= 2) throw new StorageError("STORAGE_IO", "the disk is busy");
      return point;
    };
    sessions.listed(new Set());
    settled.resolve();
    assert.deepEqual(await sessions.find("00000001"), { point, uploadedNext: 3 });
    assert.equal(failureCount, 3);
  });

  it("does without a catalogue that fails for good, and tells so", async () => {
    found = () => {
      throw new StorageError("CATALOG_UNREADABLE", "the file is no catalogue");
    };
    sessions.listed(new Set());
    settled.resolve();
    assert.equal(await sessions.find("00000001"), undefined);
    assert.equal(log.lines.length, 1);
  });
});
