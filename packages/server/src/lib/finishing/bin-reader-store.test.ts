import assert from "node:assert/strict";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type FrameRules, frameRules } from "@eet/protocol";
import fc from "fast-check";
import { type BinFrame, BinReader, type BinSource, holdBin } from "./bin-reader-store.ts";
import {
  adpcmFormat,
  adpcmFrames,
  binOf,
  pcmFormat,
  pcmFrames,
  temporaryFolder,
  wobble,
} from "./segment-fixture.test-support.ts";

function readAll(bin: BinSource, rules: FrameRules, endOffset?: number): { frames: BinFrame[]; offset: number } {
  const reader = BinReader.of(bin, rules, endOffset);
  const frames: BinFrame[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
  reader.close();
  return { frames, offset: reader.offset };
}

describe("BinReader", () => {
  it("gives each frame as it was written, also across its windows", (t) => {
    const path = join(temporaryFolder(t), "a.bin");
    const sent = pcmFrames(wobble(400_000), 320);
    writeFileSync(path, binOf(sent, pcmFormat));
    const { frames } = readAll(path, frameRules(pcmFormat));
    assert.deepEqual(
      frames.map(({ seq, payload }) => ({ seq, payload: Buffer.from(payload) })),
      sent,
    );
  });

  it("gives a frame larger than its window", (t) => {
    const path = join(temporaryFolder(t), "a.bin");
    const format = { ...pcmFormat, frameSampleCount: 0 };
    const sent = pcmFrames(wobble(500_000), 400_000);
    writeFileSync(path, binOf(sent, format));
    const { frames } = readAll(path, frameRules(format));
    assert.deepEqual(
      frames.map(({ payload }) => Buffer.from(payload)),
      sent.map(({ payload }) => payload),
    );
  });

  it("ends at the last whole frame of every truncation", (t) => {
    const path = join(temporaryFolder(t), "a.bin");
    const bin = binOf(adpcmFrames(wobble(600), [40, 41, 2, 120], "low"), adpcmFormat);
    const ends = [0];
    for (let at = 0; at < bin.length; at += 12 + bin.readUInt32LE(at + 4))
      ends.push(at + 12 + bin.readUInt32LE(at + 4));
    for (let size = 0; size <= bin.length; size++) {
      writeFileSync(path, bin.subarray(0, size));
      const expected = Math.max(...ends.filter((end) => end <= size));
      assert.equal(readAll(path, frameRules(adpcmFormat)).offset, expected);
    }
  });

  it("ends at the given offset as if the file did", (t) => {
    const path = join(temporaryFolder(t), "a.bin");
    const bin = binOf(pcmFrames(wobble(960), 320), pcmFormat);
    writeFileSync(path, bin);
    for (const source of [path, bin]) {
      assert.equal(readAll(source, frameRules(pcmFormat), 652 * 2 + 651).offset, 652 * 2);
      assert.equal(readAll(source, frameRules(pcmFormat), 1_000_000).offset, 652 * 3);
    }
  });

  it("peeks without taking, and keeps what it gave before valid", (t) => {
    const path = join(temporaryFolder(t), "a.bin");
    const sent = pcmFrames(wobble(400_000), 320);
    writeFileSync(path, binOf(sent, pcmFormat));
    const reader = BinReader.open(path, frameRules(pcmFormat));
    for (const [index, { payload }] of sent.entries()) {
      const frame = reader.next();
      assert.equal(reader.peek()?.seq, sent[index + 1]?.seq);
      assert.deepEqual(frame && Buffer.from(frame.payload), payload);
    }
    reader.close();
  });

  it("stops in front of what the wire would have refused [P-1.4]", (t) => {
    const path = join(temporaryFolder(t), "a.bin");
    const bin = binOf(adpcmFrames(wobble(960), 320, "low"), adpcmFormat);
    const second = 12 + bin.readUInt32LE(4);
    bin[second + 12 + 2] = 89;
    writeFileSync(path, bin);
    assert.equal(readAll(path, frameRules(adpcmFormat)).offset, second);
  });

  it("takes any bytes without throwing, and stops at a frame boundary inside them", (t) => {
    const path = join(temporaryFolder(t), "a.bin");
    const start = binOf(adpcmFrames(wobble(900), 320, "low"), adpcmFormat);
    const damage = fc.array(fc.tuple(fc.nat(start.length - 1), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(damage, fc.uint8Array({ maxLength: 64 }), fc.boolean(), (changes, tail, isAllRandom) => {
        const bytes = isAllRandom ? Buffer.from(tail) : Buffer.concat([start, tail]);
        if (!isAllRandom) for (const [at, value] of changes) bytes[at] = value;
        writeFileSync(path, bytes);
        const { frames, offset } = readAll(path, frameRules(adpcmFormat));
        let end = 0;
        for (const frame of frames) {
          assert.equal(frame.offset, end);
          end += 12 + frame.payload.length;
        }
        assert.equal(offset, end);
        assert.ok(end <= bytes.length);
      }),
    );
  });
});

describe("holdBin", () => {
  it("takes a file into memory up to an offset, and tells how long it is", (t) => {
    const path = join(temporaryFolder(t), "a.bin");
    const bytes = Buffer.alloc(1_000, "eet");
    writeFileSync(path, bytes);
    assert.deepEqual(holdBin(path, 300), { source: bytes.subarray(0, 300), fileBytes: 1_000 });
    assert.deepEqual(holdBin(path, 2_000), { source: bytes, fileBytes: 1_000 });
  });

  it("leaves a long one where it is", (t) => {
    const path = join(temporaryFolder(t), "a.bin");
    writeFileSync(path, "");
    truncateSync(path, 2 ** 31);
    assert.deepEqual(holdBin(path, Number.MAX_SAFE_INTEGER), { source: path, fileBytes: 2 ** 31 });
  });
});
