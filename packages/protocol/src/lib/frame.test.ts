import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import vectors from "../../../../test/vectors/adpcm.json" with { type: "json" };
import type { StreamFormat } from "./format.ts";
import { countFrameSamples, formatFrame, frameRules, parseFrame } from "./frame.ts";
import { limits } from "./limits.ts";
import { ProtocolError } from "./protocol-error.ts";

const pcm: StreamFormat = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 16 };
const adpcm: StreamFormat = { ...pcm, codec: "adpcm" };

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** A frame of `codec` with a payload of so many zero bytes: valid ADPCM and valid PCM alike. */
function frameOf(format: StreamFormat, payloadBytes: number): Uint8Array {
  return formatFrame(format.codec, 0, new Uint8Array(payloadBytes));
}

function throwsCode(code: string, message: Uint8Array, format: StreamFormat, words?: RegExp): void {
  assert.throws(
    () => parseFrame(message, frameRules(format)),
    (error) => error instanceof ProtocolError && error.code === code && (words?.test(error.message) ?? true),
  );
}

const anyFormat: fc.Arbitrary<StreamFormat> = fc.record({
  codec: fc.constantFrom("pcm16" as const, "adpcm" as const),
  sampleRateHz: fc.integer({ min: limits.minSampleRateHz, max: limits.maxSampleRateHz }),
  channels: fc.integer({ min: 1, max: limits.maxChannels }),
  frameSampleCount: fc.oneof(fc.constant(0), fc.nat({ max: 2_000 }), fc.nat({ max: 0xffff })),
});

describe("parseFrame", () => {
  it("reads the vectors [P-1.2]", () => {
    const rules = frameRules(adpcm);
    assert.deepEqual(parseFrame(bytesOf(vectors.frame0.wire_lo), rules), { payloadBytes: 12, seq: 0 });
    assert.deepEqual(parseFrame(bytesOf(vectors.frame0.wire_hi), rules), { payloadBytes: 12, seq: 0 });
    assert.deepEqual(parseFrame(bytesOf(vectors.frame1.wire_lo), rules), { payloadBytes: 8, seq: 1 });
    const last = parseFrame(bytesOf(vectors.pcm_frame_seq_max), frameRules(pcm));
    assert.deepEqual(last, { payloadBytes: 32, seq: 0xffffffff });
  });

  it("reads a message that is a view into a larger buffer", () => {
    const frame = bytesOf(vectors.frame0.wire_lo);
    const larger = new Uint8Array(64).fill(0xee);
    larger.set(frame, 5);
    assert.deepEqual(parseFrame(larger.subarray(5, 5 + frame.length), frameRules(adpcm)), { payloadBytes: 12, seq: 0 });
  });

  it("reads a message between others as it reads it alone", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ maxLength: 20 }),
        fc.nat(20),
        (noise, before, more) => {
          for (const message of [noise, bytesOf(vectors.frame0.wire_lo), bytesOf(vectors.pcm_frame_seq_max)]) {
            const whole = Uint8Array.of(...before, ...message, ...new Uint8Array(more).fill(0x46));
            const [from, to] = [before.length, before.length + message.length];
            const read = (parse: () => unknown) => {
              try {
                return parse();
              } catch (error) {
                return (error as Error).message;
              }
            };
            for (const rules of [frameRules(pcm), frameRules(adpcm)])
              assert.deepEqual(
                read(() => parseFrame(whole, rules, from, to)),
                read(() => parseFrame(message, rules)),
              );
          }
        },
      ),
    );
  });

  it("reads nothing behind the bytes", () => {
    const frame = frameOf(pcm, 8);
    assert.throws(() => parseFrame(frame, frameRules(pcm), 0, frame.length + 1), RangeError);
  });

  it("needs the whole header [P-1.2]", () => {
    throwsCode("FRAME_TOO_SHORT", new Uint8Array(), pcm);
    throwsCode("FRAME_TOO_SHORT", frameOf(pcm, 0).subarray(0, 11), pcm, /11 bytes/);
    assert.deepEqual(parseFrame(frameOf(pcm, 0), frameRules(pcm)), { payloadBytes: 0, seq: 0 });
  });

  it("tells the other codec, a second handshake and any other magic apart [P-1.2]", () => {
    throwsCode("FRAME_CODEC", bytesOf(vectors.frame0.wire_lo), pcm, /not pcm16/);
    throwsCode("FRAME_CODEC", bytesOf(vectors.pcm_frame_seq_max), adpcm, /not adpcm/);
    throwsCode("FRAME_MAGIC", bytesOf(vectors.handshake_adpcm_16k_mono_fs16), adpcm, /second handshake/);
    throwsCode("FRAME_MAGIC", bytesOf(vectors.ack.FINI), adpcm, /0x494e4946/);
  });

  it("wants a length equal to the message's size minus 12 [P-1.2]", () => {
    const frame = frameOf(pcm, 8);
    throwsCode("FRAME_LENGTH", frame.subarray(0, 18), pcm, /length says 8 bytes, the message holds 6/);
    throwsCode("FRAME_LENGTH", Uint8Array.of(...frame, 0, 0), pcm);
    throwsCode("FRAME_LENGTH", frame.slice().fill(0xff, 4, 8), pcm, /4294967295/);
  });

  it("takes a PCM frame up to frame_samples, a shorter last one too [P-1.3]", () => {
    assert.equal(parseFrame(frameOf(pcm, 30), frameRules(pcm)).payloadBytes, 30);
    assert.equal(parseFrame(frameOf(pcm, 32), frameRules(pcm)).payloadBytes, 32);
    throwsCode("FRAME_PAYLOAD_SIZE", frameOf(pcm, 31), pcm, /31 bytes/);
    throwsCode("FRAME_TOO_LONG", frameOf(pcm, 33), pcm, /33 bytes, .* allow 32/);
    throwsCode("FRAME_TOO_LONG", frameOf(pcm, 34), pcm);
  });

  it("wants whole sample groups of all PCM channels [P-1.3]", () => {
    const stereo = { ...pcm, channels: 2 };
    assert.equal(parseFrame(frameOf(stereo, 60), frameRules(stereo)).payloadBytes, 60);
    throwsCode("FRAME_PAYLOAD_SIZE", frameOf(stereo, 62), stereo, /steps of 4/);
    throwsCode("FRAME_TOO_LONG", frameOf(stereo, 68), stereo);
  });

  it("takes ADPCM payloads of 4 to 4 + ceil(frame_samples * channels / 2) + 16 bytes [P-1.4]", () => {
    throwsCode("FRAME_PAYLOAD_SIZE", frameOf(adpcm, 3), adpcm);
    assert.equal(parseFrame(frameOf(adpcm, 4), frameRules(adpcm)).payloadBytes, 4);
    assert.equal(parseFrame(frameOf(adpcm, 4 + 8 + 16), frameRules(adpcm)).payloadBytes, 28);
    throwsCode("FRAME_TOO_LONG", frameOf(adpcm, 29), adpcm);
    const odd = { ...adpcm, frameSampleCount: 441, channels: 3 };
    assert.equal(frameRules(odd).maxPayloadBytes, 4 + 662 + 16);
  });

  it("takes any size up to a message's when frame_samples is 0 [P-1.1]", () => {
    const largest = limits.maxMessageBytes - limits.frameHeaderBytes;
    for (const format of [pcm, adpcm]) {
      const varying = { ...format, frameSampleCount: 0 };
      assert.equal(parseFrame(frameOf(varying, largest), frameRules(varying)).payloadBytes, largest);
      throwsCode("FRAME_TOO_LONG", withLength(limits.frameHeaderBytes + largest + 1, varying), varying);
    }
  });

  it("allows no declared frame to be larger than a message", () => {
    const largest = { ...pcm, channels: 8, frameSampleCount: 0xffff };
    assert.ok(frameRules(largest).maxPayloadBytes <= limits.maxMessageBytes - limits.frameHeaderBytes);
  });

  it("takes step indexes up to 88 [P-1.4]", () => {
    assert.equal(parseFrame(withStepIndexes(adpcm, 88), frameRules(adpcm)).payloadBytes, 12);
    throwsCode("FRAME_STEP_INDEX", withStepIndexes(adpcm, 89), adpcm, /step index is 89, allowed are 0 to 88/);
    throwsCode("FRAME_STEP_INDEX", withStepIndexes(adpcm, 255), adpcm);
  });

  it("looks at one state header per channel in the ms4 layout, else at one [P-1.7]", () => {
    const stereo = { ...adpcm, channels: 2 };
    const second = withStepIndexes(stereo, 0, 89);
    assert.equal(parseFrame(second, frameRules(stereo)).payloadBytes, 12);
    assert.equal(parseFrame(second, frameRules(stereo, "single")).payloadBytes, 12);
    assert.throws(() => parseFrame(second, frameRules(stereo, "ms4")), { code: "FRAME_STEP_INDEX" });
    assert.throws(() => parseFrame(frameOf(stereo, 7), frameRules(stereo, "ms4")), { code: "FRAME_PAYLOAD_SIZE" });
    assert.equal(frameRules(stereo, "ms4").maxPayloadBytes, 8 + 16 + 16);
  });

  it("reads or throws a ProtocolError for any bytes", () => {
    const nearlyValid = fc
      .tuple(anyFormat, fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 20 }), fc.nat({ max: 255 }))
      .map(([format, payload, at, byte]) => formatFrame(format.codec, 1, payload).fill(byte, at, at + 1));
    const anyLayout = fc.constantFrom(undefined, "ms4" as const, "single" as const);
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 64 }), nearlyValid),
        anyFormat,
        anyLayout,
        (message, format, layout) => {
          try {
            const { payloadBytes, seq } = parseFrame(message, frameRules(format, layout));
            assert.equal(payloadBytes, message.length - limits.frameHeaderBytes);
            assert.ok(seq >= 0 && seq <= 0xffffffff);
            assert.ok(countFrameSamples(format, payloadBytes, layout) >= 0);
          } catch (error) {
            assert.ok(error instanceof ProtocolError && error.code.startsWith("FRAME_"), String(error));
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

/** A frame of so many bytes whose length field is right, made without `formatFrame`'s limit. */
function withLength(messageBytes: number, format: StreamFormat): Uint8Array {
  const message = new Uint8Array(messageBytes);
  message.set(frameOf(format, 0));
  new DataView(message.buffer).setUint32(4, messageBytes - limits.frameHeaderBytes, true);
  return message;
}

/** An ADPCM frame of 12 payload bytes with these step indexes in consecutive state headers. */
function withStepIndexes(format: StreamFormat, ...stepIndexes: readonly number[]): Uint8Array {
  const payload = new Uint8Array(12);
  stepIndexes.forEach((stepIndex, channel) => {
    payload[channel * 4 + 2] = stepIndex;
  });
  return formatFrame(format.codec, 0, payload);
}

describe("formatFrame", () => {
  it("writes the vectors [P-1.2]", () => {
    const frame = bytesOf(vectors.frame1.wire_hi);
    assert.deepEqual(formatFrame("adpcm", 1, frame.subarray(12)), frame);
    const last = bytesOf(vectors.pcm_frame_seq_max);
    assert.deepEqual(formatFrame("pcm16", 0xffffffff, last.subarray(12)), last);
  });

  it("is the inverse of parseFrame", () => {
    fc.assert(
      fc.property(anyFormat, fc.nat({ max: 0xffffffff }), fc.uint8Array({ maxLength: 64 }), (format, seq, bytes) => {
        const varying = { ...format, frameSampleCount: 0 };
        const unit = format.codec === "pcm16" ? format.channels * 2 : 1;
        const head = format.codec === "adpcm" ? 4 : 0;
        const payload = new Uint8Array(head + Math.floor(bytes.length / unit) * unit);
        payload.set(bytes.subarray(0, payload.length - head), head);
        const message = formatFrame(format.codec, seq, payload);
        assert.deepEqual(parseFrame(message, frameRules(varying)), { payloadBytes: payload.length, seq });
        assert.deepEqual(message.subarray(limits.frameHeaderBytes), payload);
      }),
    );
  });

  it("carries seq modulo 2^32 [P-2.2]", () => {
    assert.equal(parseFrame(formatFrame("pcm16", 2 ** 32 + 5, new Uint8Array()), frameRules(pcm)).seq, 5);
  });

  it("refuses a payload that makes the message larger than 1 MiB", () => {
    const largest = limits.maxMessageBytes - limits.frameHeaderBytes;
    assert.equal(formatFrame("pcm16", 0, new Uint8Array(largest)).length, limits.maxMessageBytes);
    assert.throws(() => formatFrame("pcm16", 0, new Uint8Array(largest + 1)), { code: "MESSAGE_TOO_BIG" });
  });
});

describe("countFrameSamples", () => {
  it("counts PCM samples per channel [P-1.3]", () => {
    assert.equal(countFrameSamples(pcm, 32), 16);
    assert.equal(countFrameSamples(pcm, 0), 0);
    assert.equal(countFrameSamples({ ...pcm, channels: 8 }, 32), 2);
  });

  it("counts two ADPCM samples a byte behind the state header [P-1.4]", () => {
    assert.equal(countFrameSamples(adpcm, 4), 0);
    assert.equal(countFrameSamples(adpcm, 12), 16);
    assert.equal(countFrameSamples({ ...adpcm, frameSampleCount: 0 }, 12), 16);
  });

  it("takes an odd full frame one code short or one long for a full one [P-1.6]", () => {
    const odd = { ...adpcm, frameSampleCount: 441 };
    assert.equal(countFrameSamples(odd, 4 + 219), 438);
    assert.equal(countFrameSamples(odd, 4 + 220), 441);
    assert.equal(countFrameSamples(odd, 4 + 221), 441);
    assert.equal(countFrameSamples(odd, 4 + 222), 444);
  });

  it("shares the codes among the channels, without the state headers of the layout [P-1.7]", () => {
    const stereo = { ...adpcm, channels: 2 };
    assert.equal(countFrameSamples(stereo, 4 + 16), 16);
    assert.equal(countFrameSamples(stereo, 4 + 16, "single"), 16);
    assert.equal(countFrameSamples(stereo, 8 + 16, "ms4"), 16);
  });
});
