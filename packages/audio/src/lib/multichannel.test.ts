import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type AdpcmState, encodeAdpcm, formatAdpcmHeader, type NibbleOrder } from "./ima-adpcm.ts";
import { decodeMultichannelAdpcm, type MultichannelLayout, multichannelSampleCount } from "./multichannel.ts";
import { referenceDecode } from "./reference-adpcm.test-support.ts";
import { concatBytes } from "./riff-chunk.ts";

/** Encodes channels of equal length, a multiple of 8, group by group. */
function encodeMs4(channels: readonly Int16Array[], order: NibbleOrder, starts: readonly AdpcmState[]): Uint8Array {
  const states = starts.map((state) => ({ ...state }));
  const groups: Uint8Array[] = [];
  for (let position = 0; position < channels[0]!.length; position += 8) {
    channels.forEach((samples, channel) => {
      groups.push(encodeAdpcm(samples.subarray(position, position + 8), order, states[channel]!));
    });
  }
  return concatBytes(...starts.map(formatAdpcmHeader), ...groups);
}

function decode(payload: Uint8Array, layout: MultichannelLayout, channels: number, order: NibbleOrder): number[] {
  const sampleCount = multichannelSampleCount(payload.length, { layout, channels });
  const out = new Int16Array(sampleCount * channels);
  decodeMultichannelAdpcm(payload, { layout, channels, order }, sampleCount, out, 0);
  return [...out];
}

const anyOrder = fc.constantFrom("low" as const, "high" as const);
const anyState = fc
  .tuple(fc.integer({ min: -32768, max: 32767 }), fc.integer({ min: 0, max: 88 }))
  .map(([predictor, stepIndex]): AdpcmState => ({ predictor, stepIndex }));

describe("decodeMultichannelAdpcm", () => {
  it("gives each ms4 channel what a mono decoder makes of its codes [P-1.7]", () => {
    const anyChannels = fc
      .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 6 }))
      .chain(([channelCount, groupCount]) =>
        fc.array(fc.tuple(fc.int16Array({ minLength: groupCount * 8, maxLength: groupCount * 8 }), anyState), {
          minLength: channelCount,
          maxLength: channelCount,
        }),
      );
    fc.assert(
      fc.property(anyChannels, anyOrder, (channels, order) => {
        const starts = channels.map(([, state]) => state);
        const payload = encodeMs4(
          channels.map(([samples]) => samples),
          order,
          starts,
        );
        const decoded = decode(payload, "ms4", channels.length, order);
        channels.forEach(([samples, start], channel) => {
          const expected = referenceDecode(encodeAdpcm(samples, order, { ...start }), order, start).samples;
          assert.deepEqual(
            decoded.filter((_, position) => position % channels.length === channel),
            expected,
          );
        });
      }),
    );
  });

  it("runs one predictor over the interleaved samples of layout single [P-1.7]", () => {
    const start = { predictor: -500, stepIndex: 30 };
    const interleaved = Int16Array.from({ length: 60 }, (_, position) => 9000 * Math.sin(position / 3));
    const codes = encodeAdpcm(interleaved, "high", { ...start });
    const decoded = decode(concatBytes(formatAdpcmHeader(start), codes), "single", 3, "high");
    assert.deepEqual(decoded, referenceDecode(codes, "high", start).samples);
  });

  it("decodes fewer samples than the last group holds, from the given place on", () => {
    const samples = Int16Array.from({ length: 16 }, (_, position) => position * 100);
    const start = { predictor: 0, stepIndex: 0 };
    const payload = encodeMs4([samples, samples], "low", [start, start]);
    const out = new Int16Array(24).fill(7);
    decodeMultichannelAdpcm(payload, { layout: "ms4", channels: 2, order: "low" }, 10, out, 2);
    assert.deepEqual([...out], [7, 7, ...decode(payload, "ms4", 2, "low").slice(0, 20), 7, 7]);
  });

  it("refuses more samples than the payload holds or the output takes, and a payload without all headers", () => {
    const format = { layout: "ms4", channels: 2, order: "low" } as const;
    const out = new Int16Array(16);
    assert.throws(() => decodeMultichannelAdpcm(new Uint8Array(16), format, 9, out, 0), /payload holds 8/);
    assert.throws(() => decodeMultichannelAdpcm(new Uint8Array(16), format, 8, out, 1), /room for 7/);
    assert.throws(() => decodeMultichannelAdpcm(new Uint8Array(4), format, 0, out, 0), /got 0 bytes/);
  });
});

describe("multichannelSampleCount", () => {
  it("counts whole groups of all channels in layout ms4", () => {
    assert.equal(multichannelSampleCount(8, { layout: "ms4", channels: 2 }), 0);
    assert.equal(multichannelSampleCount(15, { layout: "ms4", channels: 2 }), 0);
    assert.equal(multichannelSampleCount(16, { layout: "ms4", channels: 2 }), 8);
    assert.equal(multichannelSampleCount(4, { layout: "ms4", channels: 2 }), 0);
  });

  it("counts the codes of whole blocks in layout single", () => {
    assert.equal(multichannelSampleCount(4, { layout: "single", channels: 3 }), 0);
    assert.equal(multichannelSampleCount(6, { layout: "single", channels: 3 }), 1);
    assert.equal(multichannelSampleCount(7, { layout: "single", channels: 3 }), 2);
  });
});
