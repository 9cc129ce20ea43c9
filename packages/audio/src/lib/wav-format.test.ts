import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { concatBytes } from "./riff-chunk.ts";
import { WavError, type WavErrorCode } from "./wav-error.ts";
import { buildFormat } from "./wav-files.test-support.ts";
import { parseWavFormat } from "./wav-format.ts";

type FormatFields = Parameters<typeof buildFormat>[0];

function parse(fields: FormatFields): ReturnType<typeof parseWavFormat> {
  return parseWavFormat(buildFormat(fields).subarray(8));
}

/** A WAVE_FORMAT_EXTENSIBLE body around a plain format tag, or around another GUID when `guidEnd` says so. */
function parseExtensible(subTag: number, fields: FormatFields, guidEnd = 0x71): ReturnType<typeof parseWavFormat> {
  const head = buildFormat({ ...fields, tag: 0xfffe }).subarray(8);
  const guid = [subTag & 255, subTag >> 8, 0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, guidEnd];
  return parseWavFormat(concatBytes(head, Uint8Array.of(22, 0, 16, 0, 0, 0, 0, 0, ...guid)));
}

function assertFails(code: WavErrorCode, message: RegExp, action: () => unknown): void {
  assert.throws(action, (error) => error instanceof WavError && error.code === code && message.test(error.message));
}

describe("parseWavFormat", () => {
  it("reads PCM of 8, 16, 24 and 32 bit and float of 32 and 64 bit", () => {
    assert.equal(parse({ bits: 8 }).sampleFormat, "u8");
    assert.equal(parse({ bits: 16 }).sampleFormat, "s16");
    assert.equal(parse({ bits: 24 }).sampleFormat, "s24");
    assert.equal(parse({ bits: 32 }).sampleFormat, "s32");
    assert.equal(parse({ tag: 3, bits: 32 }).sampleFormat, "f32");
    assert.equal(parse({ tag: 3, bits: 64 }).sampleFormat, "f64");
  });

  it("reads any number of channels and any rate", () => {
    const expected = { sampleFormat: "s24", channels: 6, sampleRateHz: 192000, blockBytes: 18 };
    assert.deepEqual(parse({ bits: 24, channels: 6, sampleRateHz: 192000 }), expected);
  });

  it("takes a sample of 12 or 20 bit as the bytes that hold it", () => {
    assert.equal(parse({ bits: 12, blockBytes: 2 }).sampleFormat, "s16");
    assert.equal(parse({ bits: 20, blockBytes: 3 }).sampleFormat, "s24");
  });

  it("looks into WAVE_FORMAT_EXTENSIBLE", () => {
    assert.equal(parseExtensible(1, { bits: 24, channels: 2 }).sampleFormat, "s24");
    assert.equal(parseExtensible(3, { bits: 32 }).sampleFormat, "f32");
    assertFails("unsupported-format", /0x0055 \(MP3\)/, () => parseExtensible(0x55, {}));
    assertFails("unsupported-format", /0xfffe \(an unknown format\)/, () => parseExtensible(1, {}, 0));
    assertFails("bad-format", /must have 40 bytes; got 16/, () => parse({ tag: 0xfffe }));
  });

  it("names the format tag of compressed audio and tells what to do", () => {
    assertFails("unsupported-format", /0x0055 \(MP3\).*sox/, () => parse({ tag: 0x55 }));
    assertFails("unsupported-format", /0x0006 \(A-law\)/, () => parse({ tag: 6 }));
    assertFails("unsupported-format", /0x0011 \(IMA ADPCM\)/, () => parse({ tag: 0x11 }));
    assertFails("unsupported-format", /0x1234 \(an unknown format\)/, () => parse({ tag: 0x1234 }));
  });

  it("refuses sample sizes that have no format here", () => {
    assertFails("unsupported-format", /64-bit PCM/, () => parse({ bits: 64 }));
    assertFails("unsupported-format", /16-bit float/, () => parse({ tag: 3, bits: 16 }));
    assertFails("unsupported-format", /0-bit PCM/, () => parse({ bits: 0 }));
    assertFails("unsupported-format", /blocks of 3 bytes for 1 channels/, () => parse({ bits: 16, blockBytes: 3 }));
  });

  it("refuses a format without channels or rate, and one cut short", () => {
    assertFails("bad-format", /got 0 and 16000 Hz/, () => parse({ channels: 0 }));
    assertFails("bad-format", /got 1 and 0 Hz/, () => parse({ sampleRateHz: 0 }));
    assertFails("bad-format", /got 15/, () => parseWavFormat(new Uint8Array(15)));
  });
});
