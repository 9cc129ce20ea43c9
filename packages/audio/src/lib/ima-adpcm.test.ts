import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import vectors from "../../../../test/vectors/adpcm.json" with { type: "json" };
import {
  type AdpcmState,
  adpcmSampleCount,
  decodeAdpcm,
  encodeAdpcm,
  formatAdpcmHeader,
  isReachableByOneCode,
  maxStepIndex,
  parseAdpcmHeader,
} from "./ima-adpcm.ts";
import { referenceDecode, referenceEncode } from "./reference-adpcm.test-support.ts";

const { frame0, frame1 } = vectors;

function stateOf([predictor, stepIndex]: readonly number[]): AdpcmState {
  return { predictor: predictor!, stepIndex: stepIndex! };
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

const anyState = fc
  .tuple(fc.integer({ min: -32768, max: 32767 }), fc.integer({ min: 0, max: maxStepIndex }))
  .map(stateOf);
const anyOrder = fc.constantFrom("low" as const, "high" as const);

describe("decodeAdpcm", () => {
  it("decodes the vectors in both orders, the second frame from the first one's end state [P-1.4]", () => {
    for (const order of ["low", "high"] as const) {
      const state = stateOf(frame0.state_in);
      for (const frame of [frame0, frame1]) {
        const out = new Int16Array(frame.decoded.length);
        decodeAdpcm(bytesOf(order === "low" ? frame.lo_first : frame.hi_first), out.length, order, state, out, 0);
        assert.deepEqual([...out], frame.decoded);
        assert.deepEqual(state, stateOf(frame.state_out));
      }
    }
  });

  it("gives the vector's known garbage in the wrong order [P-1.5]", () => {
    const state = stateOf(frame0.state_in);
    const out = new Int16Array(16);
    decodeAdpcm(bytesOf(frame0.hi_first), 16, "low", state, out, 0);
    assert.deepEqual([...out], frame0.decoded_if_wrong_order);
    assert.deepEqual(state, stateOf(frame0.state_out_if_wrong_order));
  });

  it("stops after an odd number of samples and leaves the rest of the output alone", () => {
    const state = stateOf(frame0.state_in);
    const out = new Int16Array(20).fill(7);
    decodeAdpcm(bytesOf(frame0.lo_first), 5, "low", state, out, 2);
    assert.deepEqual([...out], [7, 7, ...frame0.decoded.slice(0, 5), ...Array(13).fill(7)]);
    assert.equal(state.predictor, frame0.decoded[4]);
  });

  it("equals the textbook arithmetic for any codes, order and state", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), anyOrder, anyState, (codes, order, start) => {
        const state = { ...start };
        const out = new Int16Array(codes.length * 2);
        decodeAdpcm(codes, out.length, order, state, out, 0);
        const expected = referenceDecode(codes, order, start);
        assert.deepEqual([...out], expected.samples);
        assert.deepEqual(state, expected.state);
      }),
    );
  });

  it("refuses to decode more than there is or fits", () => {
    const state = { predictor: 0, stepIndex: 0 };
    assert.throws(() => decodeAdpcm(new Uint8Array(2), 5, "low", state, new Int16Array(9), 0), RangeError);
    assert.throws(() => decodeAdpcm(new Uint8Array(2), 4, "low", state, new Int16Array(5), 2), RangeError);
  });
});

describe("encodeAdpcm", () => {
  it("encodes the vectors in both orders, the second frame from the first one's end state [P-1.4]", () => {
    for (const order of ["low", "high"] as const) {
      const state = stateOf(frame0.state_in);
      for (const frame of [frame0, frame1]) {
        const codes = encodeAdpcm(Int16Array.from(frame.pcm_in), order, state);
        assert.deepEqual(codes, bytesOf(order === "low" ? frame.lo_first : frame.hi_first));
        assert.deepEqual(state, stateOf(frame.state_out));
      }
    }
  });

  it("equals the textbook arithmetic for any samples, order and state", () => {
    fc.assert(
      fc.property(fc.int16Array({ maxLength: 200 }), anyOrder, anyState, (samples, order, start) => {
        const state = { ...start };
        const codes = encodeAdpcm(samples, order, state);
        const expected = referenceEncode(samples, order, start);
        assert.deepEqual(codes, expected.codes);
        assert.deepEqual(state, expected.state);
      }),
    );
  });

  it("ends in the state that a decoder of as many samples reaches, also when a zero pads the last byte", () => {
    fc.assert(
      fc.property(fc.int16Array({ maxLength: 50 }), anyOrder, anyState, (samples, order, start) => {
        const encoderState = { ...start };
        const decoderState = { ...start };
        const codes = encodeAdpcm(samples, order, encoderState);
        decodeAdpcm(codes, samples.length, order, decoderState, new Int16Array(samples.length), 0);
        assert.deepEqual(decoderState, encoderState);
      }),
    );
  });
});

describe("isReachableByOneCode", () => {
  it("accepts exactly the states that some code leads to [P-1.6]", () => {
    fc.assert(
      fc.property(anyState, fc.integer({ min: 0, max: 15 }), (from, code) => {
        const to = referenceDecode(Uint8Array.of(code), "low", from, 1).state;
        assert.equal(isReachableByOneCode(from, to), true);
        assert.equal(isReachableByOneCode(from, { ...to, stepIndex: (to.stepIndex + 20) % 89 }), false);
      }),
    );
  });

  it("refuses a predictor between the reachable ones", () => {
    assert.equal(isReachableByOneCode({ predictor: 0, stepIndex: 88 }, { predictor: 1, stepIndex: 87 }), false);
  });
});

describe("parseAdpcmHeader", () => {
  it("reads what formatAdpcmHeader writes, wherever the payload lies in its buffer", () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const shifted = new Uint8Array(9);
        shifted.set(formatAdpcmHeader(state), 3);
        assert.deepEqual(parseAdpcmHeader(shifted.subarray(3)), state);
      }),
    );
  });

  it("reads the header of the second vector frame", () => {
    assert.deepEqual(parseAdpcmHeader(bytesOf(frame1.wire_lo).subarray(12)), stateOf(frame1.state_in));
  });

  it("accepts step index 88, refuses 89 and a header cut short [P-1.4]", () => {
    assert.equal(parseAdpcmHeader(Uint8Array.of(0, 0, 88, 0)).stepIndex, 88);
    assert.throws(() => parseAdpcmHeader(Uint8Array.of(0, 0, 89, 0)), /0 to 88; got 89/);
    assert.throws(() => parseAdpcmHeader(Uint8Array.of(0, 0, 0)), /got 3 bytes/);
  });
});

describe("adpcmSampleCount", () => {
  it("counts two samples a byte after the header [P-1.4]", () => {
    assert.equal(adpcmSampleCount(4, 320), 0);
    assert.equal(adpcmSampleCount(164, 320), 320);
    assert.equal(adpcmSampleCount(54, 320), 100);
    assert.equal(adpcmSampleCount(164, 0), 320);
  });

  it("takes a dropped and a padded last code for a full frame of odd size [P-1.6]", () => {
    assert.equal(adpcmSampleCount(4 + 220, 441), 441);
    assert.equal(adpcmSampleCount(4 + 221, 441), 441);
    assert.equal(adpcmSampleCount(4 + 219, 441), 438);
  });
});
