import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runOracle } from "../../../../test/support/python-oracle.ts";
import { skipWithout } from "../../../../test/support/tools.ts";
import { LevelMeter, type Levels } from "./levels.ts";
import { readSamples, recordingPath, toBytes } from "./recordings.test-support.ts";

function measure(samples: Int16Array, format = { sampleRateHz: 16000, channels: 1 }): Levels {
  const meter = new LevelMeter(format);
  meter.push(samples);
  return meter.levels();
}

describe("LevelMeter", () => {
  it("measures the bundled sine at half of full scale", () => {
    assert.deepEqual(measure(readSamples(recordingPath("sine_pcm16.wav"))), {
      peakDbfs: -6.02,
      rmsDbfs: -9.03,
      clippedSampleCount: 0,
      silentShare: 0,
      dcOffset: 0,
    });
  });

  it("stays finite without samples and on digital silence, so that it can stand in JSON", () => {
    const silent = { peakDbfs: -120, rmsDbfs: -120, clippedSampleCount: 0, silentShare: 1, dcOffset: 0 };
    assert.deepEqual(measure(new Int16Array()), silent);
    assert.deepEqual(measure(new Int16Array(1000)), silent);
  });

  it("counts the samples at either end of the range", () => {
    assert.equal(measure(Int16Array.of(32767, -32768, 32766, -32767)).clippedSampleCount, 2);
    assert.equal(measure(Int16Array.of(-32768)).peakDbfs, 0);
  });

  it("gives the mean as a share of full scale", () => {
    assert.equal(measure(Int16Array.of(8192, 8192, -8192, -8192, -16384)).dcOffset, -0.1);
  });

  it("takes a block for silent just below -60 dBFS, and counts a started block by its length", () => {
    const samples = new Int16Array(320 + 320 + 160).fill(32, 0, 320).fill(33, 320, 321);
    assert.equal(measure(samples).silentShare, 0.6);
  });

  it("is not silent where only one of two channels is", () => {
    const stereo = new Int16Array(640 * 2).fill(0);
    stereo[1] = 1000;
    assert.equal(measure(stereo, { sampleRateHz: 16000, channels: 2 }).silentShare, 0.5);
  });

  it("gives the same levels however the audio is cut", () => {
    const speech = readSamples(recordingPath("speech_16k.wav"));
    const meter = new LevelMeter({ sampleRateHz: 16000, channels: 1 });
    for (let start = 0; start < speech.length; start += 777) meter.push(speech.subarray(start, start + 777));
    assert.deepEqual(meter.levels(), measure(speech));
  });

  it("agrees with sox on speech", { skip: skipWithout("sox") }, () => {
    const speech = readSamples(recordingPath("speech_16k.wav"));
    const { peakDbfs, rmsDbfs, dcOffset } = measure(speech);
    const raw = ["-t", "raw", "-e", "signed-integer", "-b", "16", "-r", "16000", "-c", "1", "-L", "-"];
    const statistics = String(runOracle("sh", ["-c", `sox ${raw.join(" ")} -n stats 2>&1`], toBytes(speech)));
    const read = (name: string) => Number(new RegExp(`${name}\\s+(-?[\\d.]+)`).exec(statistics)?.[1]);
    assert.ok(Math.abs(read("Pk lev dB") - peakDbfs) <= 0.01);
    assert.ok(Math.abs(read("RMS lev dB") - rmsDbfs) <= 0.01);
    assert.ok(Math.abs(read("DC offset") - dcOffset) <= 0.000001);
  });
});
