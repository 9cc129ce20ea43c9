import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { PastMessage } from "@eet/server/api-types";
import type { Query } from "../api/api-client.ts";
import { historyLength, LevelHistory } from "./level-history.ts";
import { MinuteReader, type PastAsk } from "./minute-reader.ts";

const nowMs = 1_800_000_000_400;
const second = Math.floor(nowMs / 1000);
const last = historyLength - 1;
const rateHz = 8_000;

/** A session that began ten minutes ago, of which segments are closed up to some seconds ago. */
interface Recording {
  readonly closedAgoS?: number;
  readonly driftPpm?: number;
  /** How far the server's clock is ahead, and with it all times of recordings. */
  readonly aheadMs?: number;
  /** What is written of the open segment ends so long ago. */
  readonly unwrittenMs?: number;
  readonly peaks?: (fromMs: number, width: number) => unknown;
}

function open(t: TestContext, recording: Recording) {
  t.mock.timers.enable({ apis: ["Date"], now: nowMs });
  const { closedAgoS, driftPpm = 0, aheadMs = 0, unwrittenMs = 0 } = recording;
  const stream = { session: "s1", startMs: nowMs + aheadMs - 600_000, sampleRateHz: rateHz };
  const asked: string[] = [];
  const iso = (ms: number) => new Date(ms).toISOString();
  /** Where samples stand that are received now. */
  const newestMs = nowMs + aheadMs + (driftPpm * 600_000) / 1e6;
  const newest = closedAgoS !== undefined && {
    ...{ session: "s1", stream_id: 7, drift_ppm: driftPpm },
    ...{ start: iso(newestMs - closedAgoS * 1000 - 60_000), end: iso(newestMs - closedAgoS * 1000) },
  };
  const steadyPeaks = (_fromMs: number, width: number) => ({
    peaks: [new Array(width).fill([-3_277, 1_000]).flat()],
    gaps: [],
  });
  const reader = new MinuteReader({
    readApi: async <Answer>(path: string, query: Query) => {
      asked.push(path);
      if (path === "/segments") return { segments: newest === false ? [] : [newest] } as Answer;
      assert.equal(query["stream"], 7);
      const [fromMs, toMs, width] = [Number(query["from"]), Number(query["to"]), Number(query["width"])];
      assert.equal(toMs - fromMs, width * 1000);
      return (recording.peaks ?? steadyPeaks)(fromMs, width) as Answer;
    },
    askPast: async (ask: PastAsk): Promise<PastMessage> => {
      asked.push(`past of ${(ask.to_sample - ask.from_sample) / rateHz} s`);
      const writtenSample = ((newestMs - unwrittenMs - stream.startMs) * rateHz) / 1000;
      const to_sample = Math.min(ask.to_sample, writtenSample);
      const seconds = Array.from({ length: Math.ceil((to_sample - ask.from_sample) / rateHz) }, () => ({
        ...{ peak_dbfs: -6, flags: 1 },
      }));
      return { ...ask, id: 1, to_sample, seconds };
    },
    clockAheadMs: () => aheadMs,
  });
  const history = new LevelHistory();
  history.take(-40, -46, 0, nowMs);
  return { asked, history, read: () => reader.read("mic", stream, history, new AbortController().signal) };
}

/** Of the last minute, runs of what is alike: peak, marks and how many seconds. */
function runsOf(history: LevelHistory): readonly string[] {
  const runs: { text: string; count: number }[] = [];
  for (let index = 0; index <= last; index += 1) {
    const marks = `${history.hasClippedAt(index) ? " clips" : ""}${history.hasGapAt(index) ? " gap" : ""}`;
    const text = `${Math.round(history.peakAt(index))}${marks}`;
    const run = runs.at(-1);
    if (run?.text === text) run.count += 1;
    else runs.push({ text, count: 1 });
  }
  return runs.map(({ text, count }) => `${count} of ${text}`);
}

describe("MinuteReader", () => {
  it("takes closed segments from their peaks and the rest from the open one, once", async (t) => {
    const { asked, history, read } = open(t, { closedAgoS: 10 });
    assert.equal(await read(), true);
    assert.deepEqual(runsOf(history), ["49 of -20", "10 of -6 clips", "1 of -40"]);
    assert.deepEqual(asked, ["/segments", "/devices/mic/peaks", "past of 10 s"]);
    await read();
    assert.equal(asked.length, 3);
  });

  it("asks for no peaks where no segment is closed", async (t) => {
    const { asked, history, read } = open(t, {});
    assert.equal(await read(), true);
    assert.deepEqual(runsOf(history), ["59 of -6 clips", "1 of -40"]);
    assert.deepEqual(asked, ["/segments", "past of 59 s"]);
  });

  it("asks for no peaks where the closed segments are older than a minute", async (t) => {
    const { asked, read } = open(t, { closedAgoS: 90 });
    await read();
    assert.deepEqual(asked, ["/segments", "past of 59 s"]);
  });

  it("leaves the second of which not all is written, and takes it the next time", async (t) => {
    const { asked, history, read } = open(t, { closedAgoS: 10, unwrittenMs: 900 });
    assert.equal(await read(), false);
    assert.deepEqual(runsOf(history), ["49 of -20", "9 of -6 clips", "1 of NaN", "1 of -40"]);
    await read();
    assert.deepEqual(asked.slice(3), ["/segments", "past of 1 s"]);
  });

  it("asks once for the peaks of what was never recorded", async (t) => {
    const peaks = (_fromMs: number, width: number) => ({ peaks: [new Array(width * 2).fill(null)], gaps: [] });
    const { asked, read } = open(t, { closedAgoS: 10, unwrittenMs: 900, peaks });
    await read();
    await read();
    assert.deepEqual(
      asked.filter((what) => what.endsWith("/peaks")),
      ["/devices/mic/peaks"],
    );
  });

  it("finds the minute by the clock of the server and the drift of the device", async (t) => {
    const { history, read } = open(t, { closedAgoS: 10, aheadMs: 3_600_000, driftPpm: -50_000 });
    await read();
    assert.deepEqual(runsOf(history), ["49 of -20", "10 of -6 clips", "1 of -40"]);
  });

  it("marks seconds that clip or lack something, and leaves those that are not recorded", async (t) => {
    const peaks = (fromMs: number, width: number) => {
      const left = new Array<number | null>(width * 2).fill(100);
      const right = new Array<number | null>(width * 2).fill(-100);
      // A second of full scale above, one below, one nearly so, and two without anything.
      left.splice(1, 1, 32_767);
      right.splice(2, 1, -32_768);
      left.splice(4, 2, -32_767, 32_766);
      for (const channel of [left, right]) channel.splice(6, 4, null, null, null, null);
      const gap = (at: number, cause: string) => ({
        ...{ start: new Date(fromMs + at * 1000).toISOString(), duration_s: 1, cause },
      });
      return { peaks: [left, right], gaps: [gap(3, "not-received"), gap(4, "not-recorded")] };
    };
    const { history, read } = open(t, { closedAgoS: 0, peaks });
    history.fillSecond(second - 50, { peakDbfs: -1, isClipped: false, hasGap: false });
    await read();
    assert.deepEqual(runsOf(history).slice(0, 4), ["2 of 0 clips", "1 of 0", "1 of NaN gap", "1 of NaN"]);
    assert.equal(history.peakAt(last - 50), -1, "what is known stays");
  });
});
