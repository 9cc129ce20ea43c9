import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { StreamFormat } from "@eet/protocol";
import fc from "fast-check";
import { PcmEncoder } from "./pcm-encoder.ts";

interface FrameVector {
  readonly pcm_in: readonly number[];
  readonly wire_lo: string;
  readonly wire_hi: string;
}

const vectors: { readonly frame0: FrameVector; readonly frame1: FrameVector } = JSON.parse(
  readFileSync(new URL("../../../../test/vectors/adpcm.json", import.meta.url), "utf8"),
);
const pcm: StreamFormat = { codec: "pcm16", sampleRateHz: 8_000, channels: 1, frameSampleCount: 4 };

/** All frames of the writes, the last shorter one included. */
function encodeAll(format: StreamFormat, writes: readonly Int16Array[], order: "low" | "high" = "low") {
  const encoder = new PcmEncoder(format, order);
  const frames = [];
  for (const samples of writes) {
    encoder.push(samples);
    for (let frame = encoder.next(); frame; frame = encoder.next()) frames.push(frame);
  }
  for (let frame = encoder.rest(); frame; frame = encoder.rest()) frames.push(frame);
  return frames;
}

describe("PcmEncoder", () => {
  it("cuts writes of any length into frames and gives the rest at the end", () => {
    const frames = encodeAll(pcm, [Int16Array.of(1, 2, 3), Int16Array.of(4, 5), Int16Array.of(), Int16Array.of(-1)]);
    assert.deepEqual(
      frames.map(({ payload, sampleCount }) => [Buffer.from(payload).toString("hex"), sampleCount]),
      [
        ["0100020003000400", 4],
        ["0500ffff", 2],
      ],
    );
  });

  it("keeps channels together", () => {
    const frames = encodeAll({ ...pcm, channels: 2, frameSampleCount: 2 }, [Int16Array.of(1, 2, 3, 4, 5, 6)]);
    assert.deepEqual(
      frames.map(({ payload, sampleCount }) => [payload.length, sampleCount]),
      [
        [8, 2],
        [4, 1],
      ],
    );
  });

  it("gives the same frames however the samples are written", () => {
    const sample = fc.integer({ min: -32768, max: 32767 });
    const format = { ...pcm, codec: "adpcm", frameSampleCount: 6 } as const;
    fc.assert(
      fc.property(fc.array(fc.array(sample, { maxLength: 30 }), { maxLength: 8 }), (writes) => {
        const parts = writes.map((samples) => Int16Array.from(samples));
        const whole = Int16Array.from(writes.flat());
        assert.deepEqual(encodeAll(format, parts), encodeAll(format, [whole]));
      }),
    );
  });

  it("gives the golden ADPCM frames in either order, the state running on [P-1.4] [P-1.5]", () => {
    const format = { ...pcm, codec: "adpcm", frameSampleCount: 16 } as const;
    const { frame0, frame1 } = vectors;
    const samples = Int16Array.from([...frame0.pcm_in, ...frame1.pcm_in]);
    for (const [order, key] of [
      ["low", "wire_lo"],
      ["high", "wire_hi"],
    ] as const) {
      const payloads = encodeAll(format, [samples], order).map(({ payload }) => Buffer.from(payload).toString("hex"));
      assert.deepEqual(payloads, [frame0[key].slice(24), frame1[key].slice(24)], order);
    }
  });

  it("makes frames of 20 ms where the size varies", () => {
    const frames = encodeAll({ ...pcm, frameSampleCount: 0 }, [new Int16Array(400)]);
    assert.deepEqual(
      frames.map(({ sampleCount }) => sampleCount),
      [160, 160, 80],
    );
  });

  it("copies what it is given", () => {
    const encoder = new PcmEncoder(pcm, "low");
    const samples = Int16Array.of(1, 2);
    encoder.push(samples);
    samples.fill(9);
    assert.deepEqual([...(encoder.rest()?.payload ?? [])], [1, 0, 2, 0]);
  });

  it("refuses parts of samples, and ADPCM of several channels [P-1.7]", () => {
    const stereo = { ...pcm, channels: 2 };
    assert.throws(() => new PcmEncoder(stereo, "low").push(Int16Array.of(1)), {
      name: "RangeError",
      message: /2 chan/,
    });
    const adpcm = new PcmEncoder({ ...stereo, codec: "adpcm" }, "low");
    assert.throws(() => adpcm.push(Int16Array.of(1, 2)), { name: "RangeError", message: /ADPCM of 2 channels/ });
  });
});
