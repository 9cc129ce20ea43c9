import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import vectors from "../../../../test/vectors/adpcm.json" with { type: "json" };
import { codecs, type StreamFormat } from "./format.ts";
import { formatHandshake, type Handshake, parseHandshake } from "./handshake.ts";
import { limits } from "./limits.ts";
import { ProtocolError } from "./protocol-error.ts";

const golden = bytesOf(vectors.handshake_adpcm_16k_mono_fs16);

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** The golden handshake with some bytes replaced. */
function patched(at: number, ...bytes: readonly number[]): Uint8Array {
  const copy = golden.slice();
  copy.set(bytes, at);
  return copy;
}

/** The golden handshake with a u32 or u16 replaced. */
function patchedUint(at: number, bits: 16 | 32, value: number): Uint8Array {
  const copy = golden.slice();
  const view = new DataView(copy.buffer);
  if (bits === 16) view.setUint16(at, value, true);
  else view.setUint32(at, value, true);
  return copy;
}

function throwsCode(code: string, message: Uint8Array, words?: RegExp): void {
  assert.throws(
    () => parseHandshake(message),
    (error) => error instanceof ProtocolError && error.code === code && (words?.test(error.message) ?? true),
  );
}

const anyFormat: fc.Arbitrary<StreamFormat> = fc.record(
  {
    codec: fc.constantFrom("pcm16" as const, "adpcm" as const),
    sampleRateHz: fc.integer({ min: limits.minSampleRateHz, max: limits.maxSampleRateHz }),
    channels: fc.integer({ min: 1, max: limits.maxChannels }),
    frameSampleCount: fc.nat({ max: 0xffff }),
  },
  { noNullPrototype: true },
);
const anyHandshake: fc.Arbitrary<Handshake> = fc.record(
  {
    streamId: fc.nat({ max: 0xffffffff }),
    timestampMs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    format: anyFormat,
  },
  { noNullPrototype: true },
);

describe("parseHandshake", () => {
  it("reads the vectors [P-1.1]", () => {
    assert.deepEqual(parseHandshake(golden), {
      streamId: 7,
      format: { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 16 },
      timestampMs: 1_700_000_000_000n,
    });
    assert.deepEqual(parseHandshake(bytesOf(vectors.handshake_pcm_ts0)), {
      streamId: 7,
      format: { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 16 },
      timestampMs: 0n,
    });
  });

  it("reads a message that is a view into a larger buffer", () => {
    const larger = new Uint8Array(64);
    larger.set(golden, 13);
    assert.deepEqual(parseHandshake(larger.subarray(13, 45)), parseHandshake(golden));
  });

  it("needs 32 bytes and ignores those past them [P-1.1]", () => {
    throwsCode("HANDSHAKE_TOO_SHORT", new Uint8Array());
    throwsCode("HANDSHAKE_TOO_SHORT", golden.subarray(0, 31), /31 bytes, 32 are needed/);
    assert.deepEqual(parseHandshake(Uint8Array.of(...golden, 1)), parseHandshake(golden));
    assert.deepEqual(parseHandshake(Uint8Array.of(...golden, ...golden)), parseHandshake(golden));
  });

  it("does not look at the reserved field [P-1.1]", () => {
    assert.deepEqual(parseHandshake(patched(22, 0xff, 0xff)), parseHandshake(golden));
  });

  it("refuses another magic, in the other byte order too [P-1.1]", () => {
    throwsCode("HANDSHAKE_MAGIC", patched(0, 0x44), /0x41445044, .* 0x41445043/);
    throwsCode("HANDSHAKE_MAGIC", patched(0, 0x41, 0x44, 0x50, 0x43));
    throwsCode("HANDSHAKE_MAGIC", bytesOf(vectors.pcm_frame_seq_max));
  });

  it("knows version 1 with header_len 32 only [P-1.1]", () => {
    throwsCode("HANDSHAKE_VERSION", patchedUint(4, 16, 0));
    throwsCode("HANDSHAKE_VERSION", patchedUint(4, 16, 2), /version 2/);
    throwsCode("HANDSHAKE_VERSION", patchedUint(6, 16, 31), /header_len 31/);
    throwsCode("HANDSHAKE_VERSION", patchedUint(6, 16, 33));
  });

  it("takes sample rates of 4 000 to 192 000 Hz [P-1.1]", () => {
    throwsCode("HANDSHAKE_SAMPLE_RATE", patchedUint(12, 32, 3_999), /3999 Hz, allowed are 4000 to 192000/);
    assert.equal(parseHandshake(patchedUint(12, 32, 4_000)).format.sampleRateHz, 4_000);
    assert.equal(parseHandshake(patchedUint(12, 32, 192_000)).format.sampleRateHz, 192_000);
    throwsCode("HANDSHAKE_SAMPLE_RATE", patchedUint(12, 32, 192_001));
    throwsCode("HANDSHAKE_SAMPLE_RATE", patchedUint(12, 32, 0));
  });

  it("takes 1 to 8 channels [P-1.1]", () => {
    throwsCode("HANDSHAKE_CHANNELS", patchedUint(16, 16, 0));
    assert.equal(parseHandshake(patchedUint(16, 16, 1)).format.channels, 1);
    assert.equal(parseHandshake(patchedUint(16, 16, 8)).format.channels, 8);
    throwsCode("HANDSHAKE_CHANNELS", patchedUint(16, 16, 9), /channels is 9, allowed are 1 to 8/);
  });

  it("takes codecs 0 and 1 [P-1.1]", () => {
    assert.equal(parseHandshake(patchedUint(18, 16, codecs.pcm16)).format.codec, "pcm16");
    assert.equal(parseHandshake(patchedUint(18, 16, codecs.adpcm)).format.codec, "adpcm");
    throwsCode("HANDSHAKE_CODEC", patchedUint(18, 16, 2), /codec is 2/);
  });

  it("takes any frame_samples, stream_id and timestamp [P-1.1]", () => {
    assert.equal(parseHandshake(patchedUint(20, 16, 0)).format.frameSampleCount, 0);
    assert.equal(parseHandshake(patchedUint(20, 16, 0xffff)).format.frameSampleCount, 0xffff);
    assert.equal(parseHandshake(patchedUint(8, 32, 0xffffffff)).streamId, 0xffffffff);
    assert.equal(parseHandshake(patched(24, ...Array(8).fill(0xff))).timestampMs, 2n ** 64n - 1n);
  });

  it("reads or throws a ProtocolError for any bytes", () => {
    const nearlyValid = fc
      .tuple(anyHandshake, fc.nat({ max: 31 }), fc.nat({ max: 255 }))
      .map(([handshake, at, byte]) => formatHandshake(handshake).fill(byte, at, at + 1));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), nearlyValid), (message) => {
        try {
          const { format } = parseHandshake(message);
          assert.ok(format.sampleRateHz >= limits.minSampleRateHz && format.channels <= limits.maxChannels);
        } catch (error) {
          assert.ok(error instanceof ProtocolError && error.code.startsWith("HANDSHAKE_"), String(error));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("formatHandshake", () => {
  it("writes the vectors [P-1.1]", () => {
    assert.deepEqual(formatHandshake(parseHandshake(golden)), golden);
    const pcm = bytesOf(vectors.handshake_pcm_ts0);
    assert.deepEqual(formatHandshake(parseHandshake(pcm)), pcm);
  });

  it("is the inverse of parseHandshake", () => {
    fc.assert(
      fc.property(anyHandshake, (handshake) => {
        assert.deepEqual(parseHandshake(formatHandshake(handshake)), handshake);
      }),
    );
  });

  it("refuses a format that no server takes", () => {
    const { format } = parseHandshake(golden);
    const write = (change: Partial<StreamFormat>) => () =>
      formatHandshake({ streamId: 1, format: { ...format, ...change }, timestampMs: 0n });
    assert.throws(write({ sampleRateHz: 3_999 }), { code: "HANDSHAKE_SAMPLE_RATE" });
    assert.throws(write({ channels: 9 }), { code: "HANDSHAKE_CHANNELS" });
  });

  it("refuses numbers that would be cut to their field", () => {
    const handshake = parseHandshake(golden);
    const write = (change: Partial<Handshake>) => () => formatHandshake({ ...handshake, ...change });
    const withFormat = (change: Partial<StreamFormat>) => write({ format: { ...handshake.format, ...change } });
    assert.throws(withFormat({ channels: 65_537 }), { code: "HANDSHAKE_CHANNELS" });
    assert.throws(withFormat({ channels: 1.5 }), /channels is 1.5/);
    assert.throws(withFormat({ sampleRateHz: 2 ** 32 + 16_000 }), { code: "HANDSHAKE_SAMPLE_RATE" });
    assert.throws(withFormat({ sampleRateHz: Number.NaN }), /sample_rate is NaN/);
    assert.throws(withFormat({ frameSampleCount: 65_536 }), /frame_samples is 65536.* 65535/);
    assert.throws(write({ streamId: 2 ** 32 }), RangeError);
    assert.throws(write({ streamId: -1 }), RangeError);
    assert.throws(write({ timestampMs: -1n }), RangeError);
    assert.throws(write({ timestampMs: 2n ** 64n }), RangeError);
  });
});
