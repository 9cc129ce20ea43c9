import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatWavTrailer } from "./wav-trailer.ts";

const bext = {
  description: "d",
  originator: "o",
  originatorReference: "r",
  originationDate: "2026-07-03",
  originationTime: "21:15:07",
  timeReferenceSamples: 0,
};

function textAt(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.subarray(offset, offset + length)).toString("utf8");
}

describe("formatWavTrailer", () => {
  it("writes the texts in a fixed order, zero-terminated and padded to even lengths [S-1.5]", () => {
    const trailer = formatWavTrailer({ info: { ISFT: "EET", IART: "kü" }, bext });
    assert.equal(textAt(trailer, 0, 4), "LIST");
    assert.equal(new DataView(trailer.buffer).getUint32(4, true), 28);
    assert.equal(textAt(trailer, 8, 28), "INFOIART\x04\0\0\0kü\0ISFT\x04\0\0\0EET\0");
    assert.equal(textAt(formatWavTrailer({ info: { INAM: "ab" }, bext }), 12, 12), "INAM\x03\0\0\0ab\0\0");
  });

  it("leaves the list out when no text is given", () => {
    const trailer = formatWavTrailer({ info: { INAM: "" }, bext });
    assert.equal(textAt(trailer, 0, 4), "bext");
    assert.equal(trailer.length, 8 + 602);
  });

  it("lays bext out as EBU Tech 3285 version 1 does", () => {
    const trailer = formatWavTrailer({
      info: {},
      bext: { ...bext, timeReferenceSamples: 0x1_2345_6789n, codingHistory: "A=PCM\r\n" },
    });
    const view = new DataView(trailer.buffer, 8);
    assert.equal(new DataView(trailer.buffer).getUint32(4, true), 602 + 7);
    assert.equal(textAt(trailer, 8, 2), "d\0");
    assert.equal(textAt(trailer, 8 + 256, 2), "o\0");
    assert.equal(textAt(trailer, 8 + 288, 2), "r\0");
    assert.equal(textAt(trailer, 8 + 320, 18), "2026-07-0321:15:07");
    assert.equal(view.getUint32(338, true), 0x2345_6789);
    assert.equal(view.getUint32(342, true), 1);
    assert.equal(view.getUint16(346, true), 1);
    assert.ok(trailer.subarray(8 + 348, 8 + 602).every((byte) => byte === 0));
    assert.equal(textAt(trailer, 8 + 602, 8), "A=PCM\r\n\0");
  });

  it("cuts texts that are too long and replaces what is not ASCII", () => {
    const trailer = formatWavTrailer({
      info: {},
      bext: { ...bext, originator: "ö".repeat(40), description: "x".repeat(300) },
    });
    assert.equal(textAt(trailer, 8 + 255, 35), `x${"?".repeat(32)}r\0`);
  });

  it("takes the largest time reference and refuses one beyond it", () => {
    const withReference = (timeReferenceSamples: bigint | number) =>
      formatWavTrailer({ info: {}, bext: { ...bext, timeReferenceSamples } });
    assert.equal(new DataView(withReference(2n ** 64n - 1n).buffer).getBigUint64(8 + 338, true), 2n ** 64n - 1n);
    assert.throws(() => withReference(2n ** 64n), /got 18446744073709551616/);
    assert.throws(() => withReference(-1), /got -1/);
    assert.throws(() => withReference(0.5), RangeError);
  });

  it("refuses dates and times of another form", () => {
    assert.throws(() => formatWavTrailer({ info: {}, bext: { ...bext, originationDate: "3.7.2026" } }), /yyyy-mm-dd/);
    assert.throws(() => formatWavTrailer({ info: {}, bext: { ...bext, originationTime: "21:15" } }), /hh:mm:ss/);
  });
});
