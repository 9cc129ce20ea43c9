import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryLog } from "../kernel/memory-log.test-support.ts";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { pcmFormat, recordOf } from "./live-bench.test-support.ts";
import type { PastRequest } from "./live-messages.ts";
import type { PastAsk, PastPicture, ReadPast } from "./past-meter.ts";
import { PastSource } from "./past-source.ts";

const session = recordOf(pcmFormat);
const request: PastRequest = { type: "past", id: 1, hwid: "mic", session: "s1", from_sample: 0, to_sample: 16_000 };
const nothing: PastPicture = { fromSample: 0, toSample: 0, runs: [], blocks: [] };

function openingOf(index: number): SegmentOpening {
  return {
    ...{ version: "eet.open/1", session, index, name: `segment-${index}`, folder: "" },
    ...{ start: { seq: 0, sample: 0 }, leadingGap: null, gapFill: "silence", bootId: "b", runId: "r", logNumber: 0 },
  };
}

function openSource(readPast: ReadPast) {
  const log = new MemoryLog();
  const source = new PastSource({ readPast, log });
  for (let index = 0; index < 5; index += 1)
    source.takeRecording({ type: "segment.opened", opening: openingOf(index) });
  return { source, log };
}

const wanted = () => true;

describe("PastSource", () => {
  it("asks for the last segments of a session that is received, and for 60 s at most", async () => {
    const asks: PastAsk[] = [];
    const { source } = openSource(async (ask) => {
      asks.push(ask);
      return nothing;
    });
    const long = { ...request, from_sample: 800, to_sample: Number.MAX_SAFE_INTEGER };
    assert.equal(await source.read(long, "high", wanted), nothing);
    const [ask] = asks;
    assert.deepEqual(
      ask?.openings.map(({ index }) => index),
      [2, 3, 4],
    );
    assert.deepEqual([ask?.fromSample, ask?.toSample, ask?.binCount, ask?.nibbleOrder], [800, 960_800, 128, "high"]);
    assert.equal(await source.read({ ...request, hwid: "~" }, undefined, wanted), undefined);
    assert.equal(await source.read({ ...request, session: "s2" }, undefined, wanted), undefined);
    source.takeRecording({ type: "session.closed", session, endedMs: 0 });
    assert.equal(await source.read(request, undefined, wanted), undefined);
    assert.equal(asks.length, 1);
  });

  it("reads two at a time, and nothing that is not wanted any more", async () => {
    const reads: (() => void)[] = [];
    const { source } = openSource(() => new Promise((resolve) => reads.push(() => resolve(nothing))));
    let isWanted = true;
    const answers = [1, 2, 3].map(() => source.read(request, undefined, () => isWanted));
    while (reads.length < 2) await new Promise((resolve) => setImmediate(resolve));
    isWanted = false;
    for (const finish of reads) finish();
    assert.deepEqual(await Promise.all(answers), [nothing, nothing, undefined]);
    assert.equal(reads.length, 2);
  });

  it("tells the log what could not be read, if somebody still waits for it", async () => {
    const { source, log } = openSource(() => Promise.reject(new Error("no such disk")));
    assert.equal(await source.read(request, undefined, wanted), undefined);
    assert.deepEqual(
      log.lines.map(({ level, fields }) => [level, fields["error"]]),
      [["warn", "no such disk"]],
    );
    let asked = 0;
    assert.equal(await source.read(request, undefined, () => asked++ === 0), undefined);
    assert.equal(log.lines.length, 1);
  });
});
