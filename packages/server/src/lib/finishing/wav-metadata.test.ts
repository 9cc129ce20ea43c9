import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import fc from "fast-check";
import { skipWithout } from "../../../../../test/support/tools.ts";
import { finishSegment } from "./finish-segment-store.ts";
import {
  cutSession,
  leaveSegment,
  makeOpening,
  pathOf,
  pcmFormat,
  pcmFrames,
  temporaryFolder,
  wobble,
} from "./segment-fixture.test-support.ts";
import { formatSegmentTrailer, timeReference } from "./wav-metadata.ts";

const dayMs = 86_400_000;

describe("timeReference", () => {
  it("is the number of samples since midnight UTC", () => {
    assert.equal(timeReference(Date.UTC(2026, 0, 2, 1, 0, 0), 16_000, 0), 3_600 * 16_000);
    assert.equal(timeReference(Date.UTC(2026, 0, 2, 0, 0, 0), 48_000, 17), 17);
  });

  it("differs between positions by exactly the samples between them, across midnight too", () => {
    const anyStart = fc.double({ min: 0, max: 4e12, noNaN: true });
    const anyRate = fc.constantFrom(4_000, 11_025, 16_000, 44_100, 192_000);
    const anySample = fc.nat(2 ** 40);
    fc.assert(
      fc.property(anyStart, anyRate, anySample, anySample, (startMs, rateHz, a, b) => {
        const day = 86_400 * rateHz;
        const [first, second] = [timeReference(startMs, rateHz, a), timeReference(startMs, rateHz, a + b)];
        assert.ok(Number.isInteger(first) && first >= 0 && first < day);
        assert.equal((((second - first) % day) + day) % day, b % day);
      }),
    );
  });

  it("starts again at midnight", () => {
    const startMs = Date.UTC(2026, 0, 2) - 500;
    assert.equal(timeReference(startMs, 16_000, 0), (dayMs / 1000) * 16_000 - 8_000);
    assert.equal(timeReference(startMs, 16_000, 8_000), 0);
  });
});

describe("formatSegmentTrailer", () => {
  it("dates the WAV by its own first sample", () => {
    const opening = makeOpening({ startMs: Date.UTC(2026, 0, 2) - 500 });
    const text = Buffer.from(formatSegmentTrailer(opening, 16_000)).toString("latin1");
    assert.match(text, /2026-01-0200:00:00/);
    assert.match(Buffer.from(formatSegmentTrailer(opening, 0)).toString("latin1"), /2026-01-0123:59:59/);
  });

  it("leaves out the artist where there is no device id", () => {
    const opening = makeOpening();
    const nameless = { ...opening, session: { ...opening.session, hwid: null } };
    assert.match(Buffer.from(formatSegmentTrailer(opening, 0)).toString("latin1"), /IART/);
    assert.doesNotMatch(Buffer.from(formatSegmentTrailer(nameless, 0)).toString("latin1"), /IART/);
  });

  it("is read by ffprobe and sndfile-info", { skip: skipWithout("ffprobe", "sndfile-info") }, (t) => {
    const root = temporaryFolder(t);
    const startMs = Date.UTC(2026, 0, 1, 23, 59, 58, 500);
    const segments = cutSession(pcmFrames(wobble(48_000), 320), { format: pcmFormat, startMs }, [50, 100]);
    const references = segments.map(({ frames, draft }) => {
      const segment = leaveSegment(root, frames, draft);
      finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered: false });
      const wavPath = pathOf(root, segment.opening, "wav");
      const probed = spawnSync("ffprobe", ["-v", "error", "-show_format", "-show_streams", "-of", "json", wavPath]);
      const { format, streams } = JSON.parse(probed.stdout.toString());
      assert.equal(streams[0].duration_ts, 16_000);
      assert.equal(format.tags.title, segment.opening.name);
      const info = spawnSync("sndfile-info", ["--broadcast", wavPath]).stdout.toString();
      assert.match(info, /Origination date +: 2026-01-0/);
      return [Number(format.tags.time_reference), Number(/Time ref .*\(([\d.]+) seconds\)/.exec(info)?.[1]) * 16_000];
    });
    assert.deepEqual(references, [
      [86_398.5 * 16_000, 86_398.5 * 16_000],
      [86_399.5 * 16_000, 86_399.5 * 16_000],
      [8_000, 8_000],
    ]);
  });
});
