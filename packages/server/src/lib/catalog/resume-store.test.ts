import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { segmentFileKinds } from "../kernel/finished-segment.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import { type CatalogFile, openCatalogFile } from "./catalog-file-store.ts";
import { finishedSegment, type SegmentDraft, sessionStartMs } from "./finished-segment.test-support.ts";
import { ResumeStore, resumeQueries } from "./resume-store.ts";
import { SegmentStore } from "./segment-store.ts";
import { UploadStore } from "./upload-store.ts";

const nowMs = 1_800_000_000_000;

let folder: string;
let file: CatalogFile;
let segments: SegmentStore;
let queue: UploadStore;
let resumes: ResumeStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-resumes-"));
  file = await openCatalogFile(join(folder, "catalog.db"));
  segments = new SegmentStore(file.sqlite);
  queue = new UploadStore(file, () => nowMs);
  resumes = new ResumeStore(file.sqlite);
});

afterEach(async () => {
  file.sqlite.close();
  await rm(folder, { recursive: true });
});

/** Adds a segment of an acknowledged session. */
function add({ sidecar, ...draft }: SegmentDraft): void {
  const segment = finishedSegment({ ...draft, sidecar: { acked: true, ...sidecar } });
  segments.addSegment(segment, { kinds: segmentFileKinds, isBackfill: false, queuedMs: nowMs });
}

/** Stores the files of the segments with these indexes. */
function store(...indexes: readonly number[]): void {
  for (const { id, index } of queue.claim(10_000, nowMs)) {
    if (indexes.includes(index)) queue.markStored([{ id, key: "k", etag: "e", storedMs: nowMs }]);
    else queue.release([id]);
  }
}

describe("ResumeStore.resumePoint", () => {
  it("gives all that a session goes on from [P-2.7]", () => {
    const { time } = finishedSegment().sidecar;
    const warned = { time: { ...time, warning: "out-of-range" } } as const;
    add({ index: 0, sidecar: warned });
    add({ index: 1, sidecar: warned });
    assert.deepEqual(resumes.resumePoint("s1"), {
      record: {
        session: "s1",
        hwid: "mic-1",
        streamId: 7,
        format: { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 },
        start: {
          startMs: sessionStartMs,
          rule: "device-synced",
          deviceMs: sessionStartMs,
          serverMs: sessionStartMs + 40.5,
          warning: "out-of-range",
        },
        profile: {},
        isAcked: true,
      },
      next: { seq: 1000, sample: 320_000 },
      nextIndex: 2,
      lastFrameSampleCount: 320,
      lastActiveMs: sessionStartMs + 20_040,
    });
  });

  it("goes on behind the last frame, not behind the last index", () => {
    add({ index: 0 });
    // Replaced a file that failed: frames of before index 1.
    add({ index: 2, sidecar: { first_seq: 500, last_seq: 549, start_sample: 160_000, samples: 16_000 } });
    add({ index: 1, sidecar: { first_seq: 550, last_seq: 600, start_sample: 176_000, samples: 16_320 } });
    const point = resumes.resumePoint("s1");
    assert.deepEqual([point?.next, point?.nextIndex], [{ seq: 601, sample: 192_320 }, 3]);
  });

  it("tells how long frames were on average where their size varies, gaps inside left out", () => {
    const gap = { to_seq: 0, estimated: true, cause: "not-received" } as const;
    const audio = { ...finishedSegment().sidecar.audio, frame_samples: 0 };
    const gaps = [
      { ...gap, from_seq: 990, start_sample: 150_000, samples: 10_000 },
      { ...gap, from_seq: 1100, start_sample: 160_000, samples: 500 },
    ];
    add({ index: 1, sidecar: { audio, gaps, frames: 3, samples: 800 } });
    // 300 samples in 3 frames: the gap in front lies outside of the segment.
    assert.equal(resumes.resumePoint("s1")?.lastFrameSampleCount, 100);
    add({ index: 1, sidecar: { audio, gaps: [], frames: 3, samples: 301 } });
    assert.equal(resumes.resumePoint("s1")?.lastFrameSampleCount, 100);
    add({ index: 1, sidecar: { audio, gaps: [], frames: 3, samples: 302 } });
    assert.equal(resumes.resumePoint("s1")?.lastFrameSampleCount, 101);
  });

  it("knows no plain session, and none without a segment", () => {
    add({ session: "plain", sidecar: { acked: false } });
    assert.equal(resumes.resumePoint("plain"), undefined);
    assert.equal(resumes.resumePoint("s1"), undefined);
  });

  it("follows seq past 2^32", () => {
    add({ sidecar: { first_seq: 2 ** 32 - 10, last_seq: 2 ** 33 } });
    assert.equal(resumes.resumePoint("s1")?.next.seq, 2 ** 33 + 1);
  });
});

describe("ResumeStore.uploadedNext", () => {
  it("stands at the first segment by seq that is not stored, and behind the last when all are", () => {
    for (const index of [0, 1, 2]) add({ index });
    assert.equal(resumes.uploadedNext("s1"), 0);
    store(1);
    assert.equal(resumes.uploadedNext("s1"), 0);
    store(0);
    assert.equal(resumes.uploadedNext("s1"), 1000);
    store(2);
    assert.equal(resumes.uploadedNext("s1"), 1500);
  });

  it("goes back when a stored segment is derived again with other bytes", () => {
    for (const index of [0, 1]) add({ index });
    store(0, 1);
    add({ index: 1, content: "b" });
    assert.equal(resumes.uploadedNext("s1"), 500);
  });

  it("knows no plain session, and none without a segment", () => {
    add({ session: "plain", sidecar: { acked: false } });
    store(0);
    assert.equal(resumes.uploadedNext("plain"), undefined);
    assert.equal(resumes.uploadedNext("s1"), undefined);
  });

  it("equals a walk over the session's segments, whatever their order and state", () => {
    const drafts = fc.uniqueArray(fc.record({ index: fc.nat(9), isStored: fc.boolean(), place: fc.nat(9) }), {
      selector: ({ index }) => index,
    });
    fc.assert(
      fc.property(drafts, (list) => {
        file.sqlite.exec("DELETE FROM segments");
        for (const { index, place } of list) {
          const seqs: Partial<Sidecar> = { first_seq: place * 500, last_seq: place * 500 + 499 };
          add({ index, sidecar: seqs });
          add({ session: "other", index, sidecar: seqs });
        }
        const isStored = new Map(list.map((draft) => [draft.index, draft.isStored]));
        for (const { id, index, session } of queue.claim(1000, nowMs)) {
          if (session === "s1" && isStored.get(index) === true)
            queue.markStored([{ id, key: "k", etag: "e", storedMs: nowMs }]);
          else queue.release([id]);
        }
        const walk = [...list].sort((a, b) => a.place - b.place);
        const first = walk.find((draft) => !draft.isStored) ?? null;
        const last = walk.at(-1);
        const expected = first === null ? last && last.place * 500 + 500 : first.place * 500;
        assert.equal(resumes.uploadedNext("s1"), expected);
      }),
      { numRuns: 100 },
    );
  });
});

describe("ResumeStore.sessionOfSegment", () => {
  it("tells the session and whether it is acknowledged", () => {
    add({});
    add({ session: "plain", sidecar: { acked: false } });
    assert.deepEqual(resumes.sessionOfSegment(1), { session: "s1", isAcked: true });
    assert.deepEqual(resumes.sessionOfSegment(2), { session: "plain", isAcked: false });
    assert.equal(resumes.sessionOfSegment(3), undefined);
  });
});

describe("resumeQueries", () => {
  it("look things up, and sort or scan nothing", () => {
    for (const [name, sql] of Object.entries(resumeQueries)) {
      const parameters = Array.from(sql.matchAll(/\?/g), () => 1);
      const plan = file.sqlite.prepare<number[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
      const steps = plan.map(({ detail }) => detail);
      assert.equal(steps.length, 1, `${name}: ${steps.join("; ")}`);
      assert.match(steps[0]!, /^SEARCH \w+ USING (?:COVERING INDEX|INDEX|INTEGER PRIMARY KEY|PRIMARY KEY)/, name);
    }
  });
});
