import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeSession } from "./adpcm-session.test-support.ts";
import { FrameDecoder } from "./frame-decoder.ts";
import { parseAdpcmHeader } from "./ima-adpcm.ts";
import { readSamples, recordingPath } from "./recordings.test-support.ts";

const speech = readSamples(recordingPath("speech_16k.wav")).subarray(16000, 16000 + 441 * 20);
const whole = encodeSession(speech, { order: "low", frameSampleCount: 441, oddCode: "pad" });
const dropped = encodeSession(speech, { order: "low", frameSampleCount: 441, oddCode: "drop" });

function collect(): { decoder: FrameDecoder; samples: number[] } {
  const samples: number[] = [];
  return { decoder: new FrameDecoder("low", (piece) => samples.push(...piece)), samples };
}

function decodeWhole(): number[] {
  const { decoder, samples } = collect();
  for (const { payload, sampleCount } of whole) decoder.decode(payload, sampleCount);
  return samples;
}

describe("FrameDecoder", () => {
  it("gives an odd frame's samples without the code that pads its last byte", () => {
    const { decoder, samples } = collect();
    decoder.decode(whole[0]!.payload, 441);
    assert.equal(samples.length, 441);
    assert.equal(decoder.repairedSampleCount + decoder.concealedSampleCount, 0);
  });

  it("restores dropped last samples from the next frames' headers [P-1.6]", () => {
    const { decoder, samples } = collect();
    dropped.forEach(({ payload }, position) => {
      const next = dropped[position + 1];
      decoder.decode(payload, 441, next && parseAdpcmHeader(next.payload));
    });
    assert.deepEqual(samples.slice(0, -1), decodeWhole().slice(0, -1));
    assert.equal(samples.length, 441 * 20);
    assert.equal(decoder.repairedSampleCount, 19);
    assert.equal(decoder.concealedSampleCount, 1);
  });

  it("holds the last sample where the next frame is missing or belongs to another run", () => {
    const { decoder, samples } = collect();
    decoder.decode(dropped[0]!.payload, 441);
    decoder.decode(dropped[1]!.payload, 441, { predictor: 31000, stepIndex: 88 });
    assert.equal(samples.length, 882);
    assert.equal(samples[440], samples[439]);
    assert.equal(samples[881], samples[880]);
    assert.equal(decoder.concealedSampleCount, 2);
    assert.equal(decoder.repairedSampleCount, 0);
  });

  it("wants the next header's step index to fit as well as its predictor", () => {
    const { decoder } = collect();
    const next = parseAdpcmHeader(dropped[1]!.payload);
    decoder.decode(dropped[0]!.payload, 441, { ...next, stepIndex: (next.stepIndex + 30) % 89 });
    assert.equal(decoder.repairedSampleCount, 0);
  });

  it("keeps the time of a frame that lost more than one code", () => {
    const { decoder, samples } = collect();
    decoder.decode(dropped[0]!.payload.subarray(0, 104), 441, parseAdpcmHeader(dropped[1]!.payload));
    assert.deepEqual(samples.slice(200), Array(241).fill(samples[199]));
    assert.equal(decoder.concealedSampleCount, 241);
  });

  it("decodes the frames around a lost one as if it were there", () => {
    const { decoder, samples } = collect();
    for (const { payload, seq } of whole) if (seq !== 5) decoder.decode(payload, 441);
    const all = decodeWhole();
    assert.deepEqual(samples, [...all.slice(0, 5 * 441), ...all.slice(6 * 441)]);
  });

  it("emits nothing for a frame that is only a header", () => {
    const { decoder, samples } = collect();
    decoder.decode(Uint8Array.of(1, 2, 3, 0), 0);
    assert.deepEqual(samples, []);
  });
});
