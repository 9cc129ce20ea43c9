import assert from "node:assert/strict";
import { appendFileSync, renameSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { decodeOnce, placeOnce, type SentFrame } from "../finishing/reference-decode.test-support.ts";
import {
  adpcmFormat,
  adpcmFrames,
  binOf,
  cutSession,
  leaveSegment,
  pathOf,
  pcmFormat,
  pcmFrames,
  temporaryFolder,
  wobble,
} from "../finishing/segment-fixture.test-support.ts";
import type { RecordFormat, SegmentOpening } from "../kernel/segment-record.ts";
import { PastMeter, type PastPicture } from "../live/past-meter.ts";
import { measureOpenAudio, type OpenSegment } from "./open-audio.ts";

const binCount = 128;

/** Leaves frames on disk as one segment or more, as they are while the last one is being written. */
function leave(
  t: TestContext,
  frames: readonly SentFrame[],
  format: RecordFormat,
  cuts: readonly number[] = [],
): { readonly openings: readonly SegmentOpening[]; readonly segments: OpenSegment[]; readonly folder: string } {
  const folder = temporaryFolder(t);
  const openings = cutSession(frames, { format }, cuts).map(
    ({ frames: some, draft }) => leaveSegment(folder, some, draft).opening,
  );
  const segments = openings.map((opening) => ({
    ...{ opening, index: undefined },
    basePath: join(folder, opening.folder, opening.name),
  }));
  return { openings, segments, folder };
}

/** What a stretch should look like: each frame decoded by itself, as the textbooks do it. */
function expected(
  frames: readonly SentFrame[],
  format: RecordFormat,
  order: "low" | "high",
  range: { readonly fromSample: number; readonly toSample: number },
  all = Int16Array.from(decodeOnce(frames, format, order)),
): PastPicture {
  const meter = new PastMeter({ ...range, binCount, format, knownFrom: 0 });
  let end = 0;
  for (const { sample, sampleCount } of placeOnce(frames, format)) {
    end = sample + sampleCount;
    if (end > meter.firstSample) meter.push(all.subarray(sample * format.channels, end * format.channels), sample);
  }
  return meter.finish(end);
}

function measure(segments: readonly OpenSegment[], fromSample: number, toSample: number, order?: "low" | "high") {
  return measureOpenAudio({ segments, fromSample, toSample, binCount, nibbleOrder: order });
}

/** Frames of 20 ms some of which are missing. */
function withGaps(frames: readonly SentFrame[]): readonly SentFrame[] {
  return frames.filter(({ seq }) => seq % 97 > 4 && (seq < 300 || seq > 360));
}

describe("measureOpenAudio", () => {
  const stereo: RecordFormat = { ...pcmFormat, channels: 2 };
  const odd: RecordFormat = { ...adpcmFormat, frameSampleCount: 321 };
  for (const [what, format, frames, order] of [
    ["PCM", pcmFormat, pcmFrames(wobble(12 * 16_000), 320), "low"],
    ["PCM of two channels", stereo, pcmFrames(wobble(12 * 32_000), 640), "low"],
    ["ADPCM, low nibble first", adpcmFormat, adpcmFrames(wobble(12 * 16_000), 320, "low"), "low"],
    ["ADPCM, high nibble first", adpcmFormat, adpcmFrames(wobble(12 * 16_000), 320, "high"), "high"],
    ["ADPCM in odd frames", odd, adpcmFrames(wobble(12 * 16_050), 321, "high"), "high"],
  ] as const)
    it(`measures ${what} with gaps in segments as it was sent [P-1.5] [P-1.6]`, (t) => {
      const sent = withGaps(frames);
      // The last frame, which is odd, is completed by none.
      const received = sent.slice(0, -1);
      // What completes an odd frame is not looked for in the next segment.
      const { segments } = leave(t, received, format, format === odd ? [] : [150, 310, 311]);
      const known = format === odd ? sent : received;
      const all = Int16Array.from(decodeOnce(known, format, order));
      for (const [fromSample, toSample] of [
        [0, 192_000],
        [43_210, 65_432],
        [100_000, 160_000],
      ] as const) {
        const { picture } = measure(segments, fromSample, toSample);
        const range = { fromSample, toSample };
        const reference = expected(known, format, order, range, all);
        const end = Math.min(reference.toSample, picture.toSample);
        assert.equal(picture.fromSample, reference.fromSample);
        assert.ok(end > fromSample && (format === odd || reference.toSample === picture.toSample));
        assert.deepEqual(startsOf(picture, end), startsOf(reference, end));
        assert.deepEqual(columnsOf(picture, end), columnsOf(reference, end));
        assert.deepEqual(
          picture.blocks.filter(({ endSample }) => endSample <= end),
          reference.blocks.filter(({ endSample }) => endSample <= end),
        );
      }
    });

  it("finds the same with what an earlier look told, and reads on from there", (t) => {
    const frames = adpcmFrames(wobble(30 * 16_000), 320, "high");
    const { segments, openings, folder } = leave(t, frames.slice(0, 1_000), adpcmFormat);
    const early = measure(segments, 0, 16_000);
    assert.deepEqual(early.indexes[0]?.verdict?.order, "high");
    const [opening] = openings;
    assert.ok(opening);
    appendFileSync(pathOf(folder, opening, "binPart"), binOf(frames.slice(1_000), adpcmFormat));
    let known = segments.map((segment) => ({ ...segment, index: early.indexes[0] }));
    for (const fromSample of [300_000, 400_000, 100_000]) {
      const fresh = measure(segments, fromSample, fromSample + 40_000);
      const again = measure(known, fromSample, fromSample + 40_000);
      assert.deepEqual(again.picture, fresh.picture);
      assert.ok(columnsOf(again.picture, Number.POSITIVE_INFINITY).length >= 49);
      known = known.map((segment) => ({ ...segment, index: again.indexes[0] }));
    }
    assert.equal(known[0]?.index?.marks.length, 6, "a mark each 5 s");
  });

  it("takes what live says where the frames do not tell their order", (t) => {
    // One frame has no other to be compared with.
    const frames = adpcmFrames(wobble(16_000), 16_000, "high");
    const format = { ...adpcmFormat, frameSampleCount: 16_000 };
    const { segments } = leave(t, frames, format);
    const range = { fromSample: 0, toSample: 16_000 };
    for (const order of ["high", "low"] as const)
      assert.deepEqual(measure(segments, 0, 16_000, order).picture, expected(frames, format, order, range));
  });

  it("goes as far as whole frames are written, and on when more are", (t) => {
    const frames = pcmFrames(wobble(32_000), 320);
    const { segments, openings, folder } = leave(t, frames.slice(0, 31), pcmFormat);
    const [opening] = openings;
    assert.ok(opening);
    const path = pathOf(folder, opening, "binPart");
    truncateSync(path, 30 * (12 + 640) + 100);
    assert.equal(measure(segments, 0, 32_000).picture.toSample, 9_600);
    truncateSync(path, 30 * (12 + 640));
    appendFileSync(path, binOf(frames.slice(30), pcmFormat));
    assert.deepEqual(measure(segments, 9_600, 32_000).picture.toSample, 32_000);
  });

  it("follows a segment that is being finished to its new name, and does without one that is gone", (t) => {
    const frames = pcmFrames(wobble(48_000), 320);
    const { segments, openings, folder } = leave(t, frames, pcmFormat, [50, 100]);
    const [first, second, third] = openings;
    assert.ok(first && second && third);
    const whole = measure(segments, 0, 48_000).picture;
    for (const opening of [first, second])
      renameSync(pathOf(folder, opening, "binPart"), pathOf(folder, opening, "bin"));
    assert.deepEqual(measure(segments, 0, 48_000).picture, whole);
    rmSync(pathOf(folder, second, "bin"));
    const holed = measure(segments, 0, 48_000).picture;
    assert.deepEqual([holed.fromSample, holed.toSample], [0, 48_000]);
    assert.deepEqual(startsOf(holed, 48_000), [...everyColumn(0, 16_000), ...everyColumn(32_000, 48_000)]);
    rmSync(pathOf(folder, first, "bin"));
    rmSync(pathOf(folder, third, "binPart"));
    assert.deepEqual(startsOf(measure(segments, 0, 48_000).picture, 48_000), []);
  });
});

function everyColumn(from: number, to: number): readonly number[] {
  return Array.from({ length: (to - from) / 800 }, (_, index) => from + index * 800);
}

function startsOf({ runs }: PastPicture, end: number): readonly number[] {
  return runs
    .flatMap(({ start, columns, columnSamples }) => columns.map((_, place) => start + place * columnSamples))
    .filter((start) => start < end);
}

function columnsOf(picture: PastPicture, end: number): readonly Uint8Array[] {
  return picture.runs.flatMap(({ columns }) => columns).slice(0, startsOf(picture, end).length);
}
