import assert from "node:assert/strict";
import {
  adpcmSampleCount,
  convertToS16,
  decodeMultichannelAdpcm,
  encodeAdpcm,
  FrameDecoder,
  formatAdpcmHeader,
  formatWavHeader,
  formatWavTrailer,
  multichannelSampleCount,
  NibbleOrderDetector,
  parseAdpcmHeader,
  parseWav,
  readWav,
  WavError,
  type WavInfo,
  WavStreamReader,
  withoutSampleRate,
} from "@eet/audio";
import fc from "fast-check";
import { assertWhole, attempt, attemptAsync, bytesTarget, type FuzzTarget, plainRecord } from "./fuzz-target.ts";

const state = plainRecord({
  predictor: fc.integer({ min: -32_768, max: 32_767 }),
  stepIndex: fc.integer({ min: 0, max: 88 }),
});

/** An ADPCM payload with the header in front. */
function payloadOf(sampleCount: number, seed: number): Uint8Array {
  const samples = Int16Array.from({ length: sampleCount }, (_, at) => Math.round(9_000 * Math.sin((at * seed) / 7)));
  const start = { predictor: seed * 100, stepIndex: seed % 89 };
  return Buffer.concat([formatAdpcmHeader(start), encodeAdpcm(samples, "low", start)]);
}

const payloads = [0, 1, 2, 40, 319, 320].map((count, seed) => payloadOf(count, seed));

const monoTarget = bytesTarget({
  name: "FrameDecoder: ADPCM of one channel, both orders",
  seeds: payloads,
  maxBytes: 600,
  property: (parameters) =>
    fc.assert(
      fc.property(state, (each) => assert.deepEqual(parseAdpcmHeader(formatAdpcmHeader(each)), each)),
      parameters,
    ),
  check: (payload) => {
    for (const order of ["low", "high"] as const) {
      for (const frameSampleCount of [0, 319, 320]) {
        let count = 0;
        const decoder = new FrameDecoder(order, (samples) => {
          count += samples.length;
        });
        const sampleCount = adpcmSampleCount(Math.max(4, payload.byteLength), frameSampleCount);
        const next = { predictor: 5, stepIndex: 88 };
        const isDecoded = attempt(() => decoder.decode(payload, sampleCount, next) ?? true, RangeError);
        if (isDecoded) assert.equal(count, sampleCount);
      }
    }
  },
});

const multichannelTarget = bytesTarget({
  name: "decodeMultichannelAdpcm: ms4 and single",
  weight: 60,
  seeds: payloads,
  maxBytes: 400,
  check: (payload) => {
    for (const layout of ["ms4", "single"] as const) {
      for (const channels of [1, 2, 3, 8]) {
        const sampleCount = multichannelSampleCount(payload.byteLength, { layout, channels });
        assertWhole(sampleCount, 0, payload.byteLength * 2, "the sample count");
        const out = new Int16Array(sampleCount * channels);
        const format = { layout, channels, order: "high" } as const;
        attempt(() => decodeMultichannelAdpcm(payload, format, sampleCount, out, 0), RangeError);
      }
    }
  },
});

const detectorTarget = bytesTarget({
  name: "NibbleOrderDetector: frames of anything",
  weight: 30,
  seeds: payloads.slice(3),
  maxBytes: 600,
  check: (bytes) => {
    const detector = new NibbleOrderDetector({ sampleRateHz: 8_000 });
    for (let seq = 0; seq < 4; seq += 1) {
      const payload = bytes.subarray(seq * 7);
      if (payload.byteLength < 4 || (payload[2] ?? 0) > 88) continue;
      detector.push({ seq, payload, sampleCount: (payload.byteLength - 4) * 2 });
    }
    const verdict = detector.verdict();
    assert.ok(verdict === undefined || verdict.order === "low" || verdict.order === "high");
  },
});

/** A whole WAV of ours. */
function wavOf(sampleCount: number, channels: number): Buffer {
  const trailer = formatWavTrailer({
    info: { INAM: "a", ISFT: "eet" },
    bext: {
      ...{ description: "d", originator: "eet", originatorReference: "r", codingHistory: "A=PCM\r\n" },
      ...{ originationDate: "2026-03-01", originationTime: "00:00:00", timeReferenceSamples: 5n },
    },
  });
  const header = formatWavHeader({ sampleRateHz: 8_000, channels, sampleCount, trailerBytes: trailer.byteLength });
  return Buffer.concat([header, Buffer.alloc(sampleCount * channels * 2, 7), trailer]);
}

/** A WAV by hand: chunks in any order. */
function riff(id: string, ...chunks: readonly (readonly [id: string, body: Uint8Array])[]): Buffer {
  const body = chunks.map(([name, bytes]) => {
    const head = Buffer.alloc(8, name);
    head.writeUInt32LE(bytes.byteLength, 4);
    return Buffer.concat([head, bytes, Buffer.alloc(bytes.byteLength & 1)]);
  });
  const all = Buffer.concat(body);
  const head = Buffer.from(`${id}    WAVE`, "latin1");
  head.writeUInt32LE(all.byteLength + 4, 4);
  return Buffer.concat([head, all]);
}

const floatFormat = Buffer.from("03000200803e000000f4010008002000", "hex");
const extensible = Buffer.from(
  "feff0100803e00000077010003001800160018000400000001000000000010008000 00aa00389b71".replaceAll(" ", ""),
  "hex",
);
const wavSeeds = [
  ...[wavOf(0, 1), wavOf(10, 1), wavOf(60, 2)],
  ...[riff("RIFF", ["fmt ", floatFormat], ["data", Buffer.alloc(24)])],
  ...[riff("RIFF", ["data", Buffer.alloc(24)], ["JUNK", Buffer.alloc(3)], ["fmt ", floatFormat])],
  ...[riff("RF64", ["ds64", Buffer.alloc(28, 1)], ["fmt ", extensible], ["data", Buffer.alloc(30)])],
];

function assertInfo(info: WavInfo, sizeBytes: number): void {
  assertWhole(info.dataOffset, 0, sizeBytes, "the data's offset");
  assertWhole(info.dataBytes, 0, sizeBytes - info.dataOffset, "the data's length");
  assert.equal(info.dataBytes % info.blockBytes, 0);
  assertWhole(info.channels, 1, 0xffff, "channels");
}

const wavTarget = bytesTarget({
  name: "parseWav, readWav, convertToS16",
  seeds: wavSeeds,
  maxBytes: 1_024,
  property: (parameters) =>
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 8 }), (sampleCount, channels) => {
        const info = parseWav(wavOf(sampleCount, channels));
        assert.deepEqual([info.dataOffset, info.dataBytes, info.channels], [44, sampleCount * channels * 2, channels]);
      }),
      parameters,
    ),
  check: async (bytes) => {
    const info = attempt(() => parseWav(bytes), WavError);
    const readAt = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
    const read = await attemptAsync(() => readWav({ sizeBytes: bytes.byteLength, readAt }), WavError);
    assert.deepEqual(read, info);
    if (info === undefined) return;
    assertInfo(info, bytes.byteLength);
    const audio = bytes.subarray(info.dataOffset, info.dataOffset + info.dataBytes);
    convertToS16(audio, info.sampleFormat, new Int16Array(audio.byteLength));
  },
});

const wavStreamTarget = bytesTarget({
  name: "WavStreamReader: WAVs in pieces",
  seeds: wavSeeds,
  maxBytes: 1_024,
  check: (bytes) => {
    const pieceBytes = 1 + ((bytes[5] ?? 0) % 40);
    const reader = new WavStreamReader();
    let audioBytes = 0;
    const isWhole = attempt(() => {
      for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
        audioBytes += reader.push(bytes.subarray(at, at + pieceBytes)).byteLength;
      }
      reader.end();
      return true;
    }, WavError);
    assert.ok(audioBytes <= bytes.byteLength);
    if (isWhole) assert.equal(audioBytes % (reader.info?.blockBytes ?? 1), 0);
  },
});

const flacTarget = bytesTarget({
  name: "withoutSampleRate: FLAC frames",
  weight: 40,
  seeds: [Buffer.from(`fff8c9a800${"55".repeat(40)}`, "hex"), Buffer.from(`fff869a8c280${"00".repeat(20)}`, "hex")],
  maxBytes: 300,
  check: (frame) => {
    const changed = attempt(() => withoutSampleRate(frame), RangeError);
    if (changed !== undefined) assert.equal(changed.byteLength, frame.byteLength);
  },
});

/** What reads audio. */
export const audioTargets: readonly FuzzTarget[] = [
  ...[monoTarget, multichannelTarget, detectorTarget, wavTarget, wavStreamTarget, flacTarget],
];
