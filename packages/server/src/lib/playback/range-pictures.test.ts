import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { skipWithout } from "../../../../../test/support/tools.ts";
import { pcmFrames, wobble } from "../finishing/segment-fixture.test-support.ts";
import type { RecordFormat } from "../kernel/segment-record.ts";
import { startWallMs } from "../recording/recording.test-support.ts";
import { PlaybackBench } from "./playback-bench.test-support.ts";

const format: RecordFormat = { codec: "pcm16", sampleRateHz: 8_000, channels: 2, frameSampleCount: 160 };
const span = (fromMs: number, toMs: number) => ({ fromMs: startWallMs + fromMs, toMs: startWallMs + toMs });

/** 10 s of two channels in segments of 1 s; 2.0 to 2.2 s and 5 to 7 s are missing. */
async function recordStereo(bench: PlaybackBench) {
  const samples = wobble(160_000, 3);
  const isLost = (seq: number) => (seq >= 100 && seq < 110) || (seq >= 250 && seq < 350);
  const frames = pcmFrames(samples, 320).filter(({ seq }) => !isLost(seq));
  const segments = await bench.record({ format, frames, startMs: startWallMs });
  return { samples, segments };
}

/** Peaks by the definition, for columns that are whole multiples of what is stored. */
function expectedPeaks(samples: Int16Array, channel: number, width: number, seconds: number): (number | null)[] {
  const length = (seconds * 8_000) / width;
  return Array.from({ length: width }, (_, column) => {
    const places = Array.from({ length }, (_, n) => column * length + n).filter((place) => {
      const ms = place / 8;
      return !((ms >= 2_000 && ms < 2_200) || (ms >= 5_000 && ms < 7_000));
    });
    if (places.length === 0) return [null, null];
    const values = places.map((place) => samples[place * 2 + channel] as number);
    return [Math.min(...values), Math.max(...values)];
  }).flat();
}

describe("Playback.peaks", () => {
  for (const [width, isExact] of [
    [50, false],
    [800, true],
    [8_000, true],
  ] as const) {
    it(`are those of the samples, with nothing in gaps: ${width} columns`, async () => {
      await using bench = await PlaybackBench.open();
      const { samples } = await recordStereo(bench);
      const peaks = await bench.playback.peaks({ hwid: "mic", range: span(0, 10_000), width });
      assert.equal(peaks.isExact, isExact);
      assert.deepEqual(peaks.columns, [expectedPeaks(samples, 0, width, 10), expectedPeaks(samples, 1, width, 10)]);
      assert.deepEqual([peaks.gapCount, peaks.width, peaks.channels], [2, width, 2]);
    });
  }

  it("end when they are not wanted any more, measured or not, and later ones are drawn", async () => {
    await using bench = await PlaybackBench.open();
    await recordStereo(bench);
    const gone = new Error("nobody waits");
    for (const width of [50, 800]) {
      const request = { hwid: "mic", range: span(0, 10_000), width } as const;
      await assert.rejects(bench.playback.peaks({ ...request, signal: AbortSignal.abort(gone) }), gone);
      const leaving = new AbortController();
      const drawing = bench.playback.spectrogram({ ...request, width: 8_000, signal: leaving.signal });
      leaving.abort(gone);
      await assert.rejects(drawing, gone);
      assert.equal((await bench.playback.peaks(request)).width, width);
    }
  });

  it("need no audio where it was measured at its close, and measure it where they must", async () => {
    await using bench = await PlaybackBench.open();
    const { segments, samples } = await recordStereo(bench);
    const request = { hwid: "mic", range: span(0, 10_000), width: 50 } as const;
    await rm(bench.overviewPath, { recursive: true });
    assert.deepEqual((await bench.playback.peaks(request)).columns[1], expectedPeaks(samples, 1, 50, 10));
    for (const segment of segments) await bench.remove(segment, "wav", "bin");
    await bench.reopen();
    assert.deepEqual((await bench.playback.peaks(request)).columns[0], expectedPeaks(samples, 0, 50, 10));
    await rm(bench.overviewPath, { recursive: true });
    await bench.reopen();
    await assert.rejects(bench.playback.peaks(request), { code: "AUDIO_UNAVAILABLE" });
  });

  it("are measured again where the overview is damaged", async () => {
    await using bench = await PlaybackBench.open();
    const { segments, samples } = await recordStereo(bench);
    for (const { sidecar, folder } of segments) {
      await writeFile(join(bench.overviewPath, folder, `${sidecar.name}.overview`), "nothing");
    }
    const peaks = await bench.playback.peaks({ hwid: "mic", range: span(0, 10_000), width: 50 });
    assert.deepEqual(peaks.columns[0], expectedPeaks(samples, 0, 50, 10));
  });

  it("refuse widths and ranges out of bounds", async () => {
    await using bench = await PlaybackBench.open();
    await recordStereo(bench);
    const range = span(0, 10_000);
    for (const width of [0, 1.5, 8193]) {
      await assert.rejects(bench.playback.peaks({ hwid: "mic", range, width }), { code: "RANGE_INVALID" });
    }
    const long = span(0, 49 * 3_600_000);
    await assert.rejects(bench.playback.peaks({ hwid: "mic", range: long, width: 5 }), { code: "RANGE_INVALID" });
  });
});

/** 8 s: a tone of 1 kHz, then one of 3 kHz; 2 to 3 s are missing. */
async function recordTones(bench: PlaybackBench): Promise<void> {
  const samples = Int16Array.from({ length: 64_000 }, (_, n) => {
    return 16_384 * Math.sin((2 * Math.PI * (n < 32_000 ? 1_000 : 3_000) * n) / 8_000);
  });
  const mono = { ...format, channels: 1 };
  const frames = pcmFrames(samples, 160).filter(({ seq }) => seq < 100 || seq >= 150);
  await bench.record({ format: mono, frames, startMs: startWallMs });
}

describe("Playback.spectrogram", () => {
  for (const [width, height] of [
    [8, 128],
    [16, 64],
    [80, 128],
    [80, 512],
    [16, 300],
  ] as const) {
    it(`shows tones at their time and frequency, and nothing in gaps: ${width} x ${height}`, async () => {
      await using bench = await PlaybackBench.open();
      await recordTones(bench);
      const picture = await bench.playback.spectrogram({ hwid: "mic", range: span(0, 8_000), width, height });
      assert.equal(picture.values.length, width * height);
      const hzPerRow = (picture.highestHz - picture.lowestHz) / (height - 1);
      for (let column = 0; column < width; column++) {
        const second = Math.floor((column * 8) / width);
        const own = picture.values.subarray(column * height, (column + 1) * height);
        if (second === 2) {
          assert.ok(
            own.every((value) => value === 0),
            `column ${column}`,
          );
          continue;
        }
        const rows = [...own.keys()].filter((row) => own[row] === Math.max(...own));
        const middle = rows.reduce((sum, row) => sum + row, 0) / rows.length;
        const hz = picture.lowestHz + middle * hzPerRow;
        const expectedHz = second < 4 ? 1_000 : 3_000;
        assert.ok(Math.abs(hz - expectedHz) <= Math.max(hzPerRow, 32), `column ${column}: ${hz} Hz`);
      }
    });
  }

  it("makes a PNG that others read, with gaps transparent", { skip: skipWithout("ffmpeg") }, async () => {
    await using bench = await PlaybackBench.open();
    await recordTones(bench);
    const picture = await bench.playback.spectrogram({ hwid: "mic", range: span(0, 8_000), width: 16, height: 64 });
    const path = join(bench.recording.folder, "picture.png");
    await writeFile(path, await picture.png());
    const decoded = spawnSync("ffmpeg", ["-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgba", "-"]);
    assert.equal(decoded.stderr.toString(), "");
    assert.equal(decoded.stdout.length, 16 * 64 * 4);
    const pixel = (column: number, row: number) => [...decoded.stdout.subarray((row * 16 + column) * 4).subarray(0, 4)];
    for (let row = 0; row < 64; row++) {
      assert.equal(pixel(4, row)[3], 0);
      assert.equal(pixel(0, row)[3], 255);
    }
    // 1 kHz of 4 kHz is a quarter from below, and bright.
    const [brightest] = Array.from({ length: 64 }, (_, row) => row).sort(
      (a, b) => (pixel(0, b)[1] ?? 0) - (pixel(0, a)[1] ?? 0),
    );
    assert.ok(Math.abs((brightest ?? 0) - 47) <= 1, `row ${brightest}`);
  });
});
