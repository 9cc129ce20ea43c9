import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeAdpcm, parseAdpcmHeader } from "@eet/audio";
import { encodeFrames, frameSampleCountOf } from "./frame-encoder.ts";
import { makeSweep } from "./wav-bytes.test-support.ts";

const adpcm = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;

describe("frameSampleCountOf", () => {
  it("gives the samples of the time", () => {
    assert.equal(frameSampleCountOf(20, 16_000, "adpcm"), 320);
    assert.equal(frameSampleCountOf(20, 22_050, "pcm16"), 441);
  });

  it("takes an even count for ADPCM [P-1.6]", () => {
    assert.equal(frameSampleCountOf(20, 22_050, "adpcm"), 442);
    assert.equal(frameSampleCountOf(10, 11_025, "adpcm"), 110);
  });

  it("refuses a frame that the handshake cannot declare", () => {
    assert.equal(frameSampleCountOf(341, 192_000, "pcm16"), 65_472);
    assert.throws(() => frameSampleCountOf(342, 192_000, "pcm16"), {
      name: "UsageError",
      message: /choose 1 to 341 ms/,
    });
  });
});

describe("encodeFrames", () => {
  it("cuts PCM into full frames and a shorter last one [P-1.3]", () => {
    const format = { codec: "pcm16", sampleRateHz: 8000, channels: 2, frameSampleCount: 2 } as const;
    const samples = Int16Array.of(1, -1, 2, -2, 0x1234, -32768);
    const frames = encodeFrames(samples, { format, nibbleOrder: "low" }, { predictor: 0, stepIndex: 0 });
    assert.deepEqual(
      frames.map(({ sampleCount }) => sampleCount),
      [2, 1],
    );
    assert.deepEqual([...frames[1]!.payload], [0x34, 0x12, 0x00, 0x80]);
  });

  it("puts the encoder's state before each ADPCM frame: decoding one leads to the next one's header [P-1.4]", () => {
    for (const nibbleOrder of ["low", "high"] as const) {
      const state = { predictor: 0, stepIndex: 0 };
      const frames = encodeFrames(makeSweep(3200), { format: adpcm, nibbleOrder }, state);
      const decoder = { predictor: 0, stepIndex: 0 };
      for (const { payload } of frames) {
        assert.deepEqual(parseAdpcmHeader(payload), decoder);
        decodeAdpcm(payload.subarray(4), 320, nibbleOrder, decoder, new Int16Array(320), 0);
      }
      assert.deepEqual(state, decoder);
    }
  });
});
