import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { runOracle } from "../../../../test/support/python-oracle.ts";
import { skipWithout } from "../../../../test/support/tools.ts";
import { recordingPath } from "./recordings.test-support.ts";
import { concatBytes, encodeAscii, formatChunk } from "./riff-chunk.ts";
import { WavError, type WavErrorCode } from "./wav-error.ts";
import { buildFormat, buildLyingChunk, buildWav } from "./wav-files.test-support.ts";
import { parseWav, readWav, type WavInfo, WavStreamReader } from "./wav-reader.ts";

const audio = Uint8Array.of(1, 2, 3, 4, 5, 6);
const data = formatChunk("data", audio);
const mono16 = { sampleFormat: "s16", channels: 1, sampleRateHz: 16000, blockBytes: 2 } as const;

function audioOf(file: Uint8Array): Uint8Array {
  const { dataOffset, dataBytes } = parseWav(file);
  return file.subarray(dataOffset, dataOffset + dataBytes);
}

/** Feeds a file in pieces of `pieceBytes` as if it came through a pipe. */
function stream(file: Uint8Array, pieceBytes = 1): { audio: Uint8Array; info: WavInfo | undefined } {
  const reader = new WavStreamReader();
  const pieces: Uint8Array[] = [];
  for (let offset = 0; offset < file.length; offset += pieceBytes) {
    pieces.push(reader.push(file.subarray(offset, offset + pieceBytes)));
  }
  reader.end();
  return { audio: concatBytes(...pieces), info: reader.info };
}

function assertFails(code: WavErrorCode, message: RegExp, action: () => unknown): void {
  assert.throws(action, (error) => error instanceof WavError && error.code === code && message.test(error.message));
}

/** A ds64 chunk for a data chunk of `dataBytes`. */
function buildDs64(dataBytes: number): Uint8Array {
  const body = new DataView(new ArrayBuffer(28));
  body.setUint32(8, dataBytes, true);
  return formatChunk("ds64", new Uint8Array(body.buffer));
}

describe("parseWav", () => {
  it("reads the canonical layout", () => {
    assert.deepEqual(parseWav(readFileSync(recordingPath("speech_16k.wav"))), {
      ...mono16,
      dataOffset: 44,
      dataBytes: 322880,
    });
  });

  it("finds fmt and data among other chunks, odd ones with their padding", () => {
    const odd = formatChunk("LIST", encodeAscii("INFO-"));
    assert.deepEqual(audioOf(buildWav([odd, buildFormat(), odd, data, odd])), audio);
  });

  it("reads data that comes before fmt", () => {
    assert.deepEqual(audioOf(buildWav([data, buildFormat()])), audio);
  });

  it("takes what is there when the data length is 0, unknown or too large", () => {
    const cut = (announced: number) => [buildFormat(), buildLyingChunk("data", audio, announced)];
    assert.deepEqual(audioOf(buildWav(cut(0), { riffBytes: 0 })), audio);
    assert.deepEqual(audioOf(buildWav(cut(0), { riffBytes: 36 })), audio);
    assert.deepEqual(audioOf(buildWav(cut(0xffffffff), { riffBytes: 0xffffffff })), audio);
    assert.deepEqual(audioOf(buildWav(cut(0x80000000), { riffBytes: 0x80000024 })), audio);
    assert.deepEqual(audioOf(buildWav(cut(7))), audio);
  });

  it("believes a data length of 0 when the file's own length covers the chunks after it", () => {
    const file = buildWav([buildFormat(), formatChunk("data", new Uint8Array()), formatChunk("LIST", audio)]);
    assert.equal(parseWav(file).dataBytes, 0);
    assert.equal(stream(file).audio.length, 0);
  });

  it("leaves out a last block that is cut short", () => {
    const file = buildWav([buildFormat({ channels: 2 }), data]);
    assert.deepEqual(audioOf(file), audio.subarray(0, 4));
  });

  it("takes the data length of RF64 and BW64 from ds64", () => {
    const chunks = [buildDs64(4), buildFormat(), buildLyingChunk("data", audio, 0xffffffff)];
    assert.deepEqual(audioOf(buildWav(chunks, { id: "RF64", riffBytes: 0xffffffff })), audio.subarray(0, 4));
    assert.deepEqual(audioOf(buildWav(chunks, { id: "BW64", riffBytes: 0xffffffff })), audio.subarray(0, 4));
    const short = [formatChunk("ds64", audio), ...chunks.slice(1)];
    assertFails("bad-format", /at least 16 bytes; got 6/, () => parseWav(buildWav(short, { id: "RF64" })));
  });

  it("tells what is wrong with a file that is no WAV it can read", () => {
    assertFails("not-wav", /got the bytes ""/, () => parseWav(new Uint8Array()));
    assertFails("not-wav", /"4f 67 67 53"/, () => parseWav(encodeAscii("OggS")));
    assertFails("not-wav", /WAVE/, () => parseWav(formatChunk("RIFF", encodeAscii("AVI LIST"))));
    assertFails("big-endian", /RIFX/, () => parseWav(buildWav([buildFormat(), data], { id: "RIFX" })));
    assertFails("no-data", /no audio/, () => parseWav(buildWav([buildFormat()])));
    assertFails("no-format", /fmt/, () => parseWav(buildWav([data])));
    assertFails("bad-format", /at least 16 bytes; got 6/, () => parseWav(buildWav([formatChunk("fmt ", audio), data])));
  });
});

describe("readWav", () => {
  it("reads only chunk headers, never past the end", async () => {
    const file = buildWav([data, formatChunk("junk", new Uint8Array(100001)), buildFormat()]);
    let readBytes = 0;
    const layout = await readWav({
      sizeBytes: file.length,
      readAt: async (offset, length) => {
        assert.ok(offset <= file.length);
        readBytes += length;
        return file.subarray(offset, offset + length);
      },
    });
    assert.deepEqual(layout, parseWav(file));
    assert.ok(readBytes < 100);
  });

  it("rejects with what reading rejects with", async () => {
    const failure = new Error("disk");
    await assert.rejects(readWav({ sizeBytes: 100, readAt: () => Promise.reject(failure) }), failure);
  });
});

describe("WavStreamReader", () => {
  const file = buildWav([formatChunk("LIST", encodeAscii("INFO-")), buildFormat(), data, formatChunk("LIST", audio)]);

  it("gives the audio alone, however the file is cut", () => {
    for (let pieceBytes = 1; pieceBytes <= file.length; pieceBytes += 1) {
      assert.deepEqual(stream(file, pieceBytes).audio, audio);
    }
    assert.deepEqual(stream(file).info, parseWav(file));
  });

  it("knows the layout as soon as the data chunk has begun", () => {
    const reader = new WavStreamReader();
    const { dataOffset } = parseWav(file);
    reader.push(file.subarray(0, dataOffset - 1));
    assert.equal(reader.info, undefined);
    reader.push(file.subarray(dataOffset - 1, dataOffset));
    assert.deepEqual(reader.info, parseWav(file));
  });

  it("hands out whole blocks only", () => {
    const stereo = buildWav([buildFormat({ channels: 2, bits: 24 }), formatChunk("data", new Uint8Array(21))]);
    const reader = new WavStreamReader();
    const sizes = Array.from(stereo, (byte) => reader.push(Uint8Array.of(byte)).length).filter((size) => size > 0);
    assert.deepEqual(sizes, [6, 6, 6]);
  });

  it("reads to the end of a stream of unknown length", () => {
    const endless = buildWav([buildFormat(), buildLyingChunk("data", audio, 0xffffffff)], { riffBytes: 0xffffffff });
    assert.equal(stream(endless).info?.dataBytes, Number.POSITIVE_INFINITY);
    assert.deepEqual(stream(endless, 5).audio, audio);
    const zero = buildWav([buildFormat(), buildLyingChunk("data", audio, 0)], { riffBytes: 0xffffffff });
    assert.deepEqual(stream(zero, 5).audio, audio);
  });

  it("tells that fmt must come first, and at the end that the header is not whole", () => {
    assertFails("format-after-data", /as a file/, () => stream(buildWav([data, buildFormat()])));
    assertFails("no-data", /cut short/, () => stream(file.subarray(0, 30)));
    assertFails("not-wav", /"52 49 46"/, () => stream(file.subarray(0, 3)));
    assertFails("bad-format", /got 0/, () => stream(buildWav([formatChunk("fmt ", new Uint8Array()), data])));
  });

  it("reads what sox and ffmpeg write to a pipe", { skip: skipWithout("sox", "ffmpeg") }, () => {
    const path = recordingPath("speech_16k.wav");
    const recorded = audioOf(readFileSync(path));
    const fromSox = new Uint8Array(runOracle("sox", [path, "-t", "wav", "-"]));
    assert.deepEqual(stream(fromSox, 4096).audio, new Uint8Array(recorded));
    const fromFfmpeg = new Uint8Array(runOracle("ffmpeg", ["-v", "error", "-i", path, "-f", "wav", "-"]));
    assert.deepEqual(stream(fromFfmpeg, 4096).audio, new Uint8Array(recorded));
    assert.deepEqual(audioOf(fromFfmpeg), new Uint8Array(recorded));
  });
});

describe("the WAV readers on broken files", () => {
  const base = buildWav([formatChunk("LIST", audio), buildDs64(6), buildFormat({ channels: 2 }), data]);
  const anyChunk = fc.oneof(
    fc.constantFrom(data, buildFormat(), buildFormat({ tag: 0xfffe }), buildDs64(100)),
    fc
      .tuple(fc.constantFrom("fmt ", "data", "ds64", "LIST"), fc.uint8Array({ maxLength: 50 }), fc.nat(0xffffffff))
      .map(([id, body, announced]) => buildLyingChunk(id, body, announced)),
  );
  const anyFile = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.nat(base.length).map((length) => base.subarray(0, length)),
    fc
      .array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 6 })
      .map((edits) => edits.reduce((bytes, [offset, value]) => bytes.with(offset, value), base)),
    fc.array(anyChunk, { maxLength: 6 }).map((chunks) => buildWav(chunks)),
  );

  function attempt<T>(action: () => T): T | WavErrorCode {
    try {
      return action();
    } catch (error) {
      if (error instanceof WavError) return error.code;
      throw error;
    }
  }

  it("throw nothing but WavError and never point outside the file", () => {
    fc.assert(
      fc.property(anyFile, (file) => {
        const layout = attempt(() => parseWav(file));
        if (typeof layout === "string") return;
        assert.ok(layout.dataOffset + layout.dataBytes <= file.length);
        assert.equal(layout.dataBytes % layout.blockBytes, 0);
      }),
      { numRuns: 2000 },
    );
  });

  it("agree with each other, however a stream is cut", () => {
    fc.assert(
      fc.property(anyFile, fc.integer({ min: 1, max: 20 }), (file, pieceBytes) => {
        const streamed = attempt(() => stream(file, pieceBytes).audio);
        if (streamed === "format-after-data") return;
        // A file's length tells more about a data length of 0 than a stream can know, so that the two may differ there.
        const parsed = attempt(() => audioOf(file));
        if (parsed instanceof Uint8Array && streamed instanceof Uint8Array && streamed.length === 0) return;
        assert.deepEqual(streamed, parsed);
      }),
      { numRuns: 2000 },
    );
  });
});
