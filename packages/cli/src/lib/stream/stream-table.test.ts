import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatProgressLine, formatSummary } from "./stream-report.ts";
import type { StreamProgress, StreamRun } from "./stream-run.ts";
import { formatTable } from "./stream-table.ts";
import { sumStreams } from "./stream-totals.ts";

const sampleRateHz = 16_000;
const nowMs = 1_000_000;

function amount(seconds: number) {
  return { frameCount: seconds * 50, sampleCount: seconds * sampleRateHz };
}

const progress: StreamProgress = {
  delivery: "acked",
  sent: amount(100),
  durable: amount(90),
  uploaded: amount(40),
  buffered: { ...amount(10), byteCount: 81_920 },
  spooled: undefined,
  dropped: amount(0),
  reconnectCount: 0,
};

function makeRun(streamId: number, changes: Partial<StreamRun> = {}): StreamRun {
  return {
    target: { streamId, hwid: `mic-${streamId}` },
    state: "open",
    progress,
    lagMs: 3,
    outage: undefined,
    failure: undefined,
    isTokenRefused: false,
    open: () => Promise.resolve(),
    ended: Promise.resolve(),
    ...changes,
  };
}

const outage = { reason: "no connection (ECONNREFUSED): check the URL", untilMs: nowMs + 11_400 };
const away = makeRun(2, {
  state: "reconnecting",
  outage,
  progress: { ...progress, dropped: amount(5), reconnectCount: 12 },
});
const plain = makeRun(3, { progress: { ...progress, delivery: "plain", durable: undefined, uploaded: undefined } });

function draw(runs: readonly StreamRun[], height = 24, width = 80): string[] {
  return formatTable(runs, sumStreams(runs, sampleRateHz, 50), { width, height, nowMs });
}

describe("formatTable", () => {
  it("shows what is sent, durable, uploaded and held of each stream and of all, and why one waits", () => {
    assert.deepEqual(draw([makeRun(1), away, plain]), [
      "stream device         state            sent s durable s  uploaded  held s reconn",
      "1      mic-1          open              100.0      90.0      40.0    10.0      0",
      "2      mic-2          retry in 12 s     100.0      90.0      40.0    10.0     12",
      "3      mic-3          open              100.0         -         -    10.0      0",
      "all                                     300.0     180.0      80.0    30.0     12",
      "50 s: 2 of 3 open, 0 complete, 15000 frames (6.00x), lag 3 ms",
      "WARNING: 250 frames (5.0 s) dropped",
      "mic-2 tries again in 12 s: no connection (ECONNREFUSED): check the URL",
    ]);
  });

  it("fits 80 characters with the longest names and a day of audio", () => {
    const long = { ...progress, sent: amount(86_400), durable: amount(86_400), uploaded: amount(86_400) };
    const lines = draw([
      makeRun(65_535, { target: { streamId: 999_999, hwid: "m".repeat(64) }, progress: long }),
      makeRun(1, { state: "reconnecting", outage: { reason: "r".repeat(200), untilMs: nowMs + 60_000 } }),
    ]);
    for (const line of lines) assert.ok(line.length <= 80, line);
    assert.match(lines[1] ?? "", / 86400\.0 +86400\.0 +86400\.0 +10\.0 +0$/);
  });

  it("fits the terminal's height", () => {
    const lines = draw(
      Array.from({ length: 30 }, (_, index) => makeRun(index)),
      9,
    );
    assert.equal(lines.length, 8);
    assert.equal(lines[5], "… and 26 more");
  });
});

describe("formatProgressLine", () => {
  it("says in one line how all streams are, and what is wrong", () => {
    const runs = [makeRun(1), away];
    assert.equal(
      formatProgressLine(runs, sumStreams(runs, sampleRateHz, 50), nowMs),
      "50 s: 1 of 2 open, 0 complete, 10000 frames, 200.0 s of audio (4.00x), 180.0 s durable, 80.0 s uploaded, " +
        "20.0 s held, lag 3 ms, 12 reconnects, WARNING: 250 frames (5.0 s) dropped; " +
        "mic-2 tries again in 12 s: no connection (ECONNREFUSED): check the URL",
    );
  });

  it("says of version 1 only what can be told", () => {
    assert.equal(
      formatProgressLine([plain], sumStreams([plain], sampleRateHz, 50), nowMs),
      "50 s: 1 of 1 open, 0 complete, 5000 frames, 100.0 s of audio (2.00x), lag 3 ms",
    );
  });
});

describe("formatSummary", () => {
  it("says how much is durable and, where that is known, uploaded", () => {
    const run = makeRun(1, { state: "complete" });
    assert.equal(
      formatSummary(sumStreams([run], sampleRateHz, 50)),
      "1 of 1 streams complete: 5000 frames, 1600000 samples, 100.00 s of audio in 50.00 s, 90.00 s durable, 40.00 s uploaded by now",
    );
    assert.match(formatSummary(sumStreams([plain], sampleRateHz, 50)), /100\.00 s of audio in 50\.00 s$/);
  });
});
