import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { runOracle } from "../../../../test/support/python-oracle.ts";
import { skipWithout } from "../../../../test/support/tools.ts";
import { readSamples, recordingPath } from "./recordings.test-support.ts";
import { bytesPerSample, convertToS16, type WavSampleFormat } from "./sample-format.ts";
import { parseWav } from "./wav-reader.ts";

function convert(format: WavSampleFormat, bytes: Uint8Array): Int16Array {
  const out = new Int16Array(bytes.length / bytesPerSample(format));
  convertToS16(bytes, format, out);
  return out;
}

function bytesOf(values: Int16Array | Int32Array | Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer);
}

describe("convertToS16", () => {
  it("shifts unsigned 8 bit up", () => {
    assert.deepEqual([...convert("u8", Uint8Array.of(0, 1, 127, 128, 255))], [-32768, -32512, -256, 0, 32512]);
  });

  it("copies 16 bit, also from an odd offset", () => {
    const shifted = new Uint8Array(5);
    shifted.set(bytesOf(Int16Array.of(-32768, 4711)), 1);
    assert.deepEqual([...convert("s16", shifted.subarray(1))], [-32768, 4711]);
  });

  it("rounds 24 bit to nearest and keeps the top from wrapping", () => {
    const bytes = Uint8Array.of(0x7f, 0, 0, 0x80, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0x80);
    assert.deepEqual([...convert("s24", bytes)], [0, 1, -1, 32767, -32768]);
  });

  it("rounds 32 bit to nearest and keeps the top from wrapping", () => {
    const values = Int32Array.of(0x7fff, 0x8000, -0x8000, -0x8001, 0x7fffffff, -0x80000000);
    assert.deepEqual([...convert("s32", bytesOf(values))], [0, 1, 0, -1, 32767, -32768]);
  });

  it("scales, rounds and clips floating point, and makes NaN silence", () => {
    const values = [0, 0.5, -1, 1, 1.5, -7, Number.NaN, Number.POSITIVE_INFINITY, 1.4 / 32768, 1.6 / 32768];
    const expected = [0, 16384, -32768, 32767, 32767, -32768, 0, 32767, 1, 2];
    assert.deepEqual([...convert("f32", bytesOf(Float32Array.from(values)))], expected);
    assert.deepEqual([...convert("f64", bytesOf(Float64Array.from(values)))], expected);
  });

  it("refuses a part of a sample and an output that is too short", () => {
    assert.throws(() => convertToS16(new Uint8Array(4), "s24", new Int16Array(9)), /multiple of 3/);
    assert.throws(() => convertToS16(new Uint8Array(6), "s24", new Int16Array(1)), /at most 3/);
  });
});

describe("convertToS16 beside sox and libsndfile", { skip: skipWithout("sox", "sndfile-convert") }, () => {
  const folder = mkdtempSync(join(tmpdir(), "eet-audio-"));
  after(() => rmSync(folder, { recursive: true }));

  /** Louder speech (it clips) in the given encoding must become what sox makes of it, and nearly what libsndfile does. */
  function assertEqualsOracles(format: WavSampleFormat, encoding: string, bits: number): void {
    const wide = join(folder, `${format}.wav`);
    const soxNarrow = join(folder, `${format}-sox.wav`);
    const sndfileNarrow = join(folder, `${format}-sndfile.wav`);
    const speech = recordingPath("speech_16k.wav");
    runOracle("sox", ["-V1", "-D", speech, "-e", encoding, "-b", String(bits), wide, "vol", "2.61803"]);
    runOracle("sox", ["-V1", "-D", wide, "-e", "signed-integer", "-b", "16", soxNarrow]);
    runOracle("sndfile-convert", ["-pcm16", wide, sndfileNarrow]);

    const file = readFileSync(wide);
    const { sampleFormat, dataOffset, dataBytes } = parseWav(file);
    assert.equal(sampleFormat, format);
    const converted = convert(format, file.subarray(dataOffset, dataOffset + dataBytes));
    assert.deepEqual(converted, readSamples(soxNarrow));
    const sndfile = readSamples(sndfileNarrow);
    assert.equal(sndfile.length, converted.length);
    assert.ok(converted.every((sample, position) => Math.abs(sample - sndfile[position]!) <= 1));
  }

  it("converts 8 bit", () => assertEqualsOracles("u8", "unsigned-integer", 8));
  it("converts 24 bit", () => assertEqualsOracles("s24", "signed-integer", 24));
  it("converts 32 bit", () => assertEqualsOracles("s32", "signed-integer", 32));
  it("converts 32-bit float", () => assertEqualsOracles("f32", "floating-point", 32));
  it("converts 64-bit float", () => assertEqualsOracles("f64", "floating-point", 64));
});
