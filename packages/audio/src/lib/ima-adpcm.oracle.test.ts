// The decoder against decoders that other people wrote.
import assert from "node:assert/strict";
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { runOracle, runPython } from "../../../../test/support/python-oracle.ts";
import { skipWithout } from "../../../../test/support/tools.ts";
import { encodeSession } from "./adpcm-session.test-support.ts";
import { FrameDecoder } from "./frame-decoder.ts";
import { adpcmHeaderBytes, encodeAdpcm, type NibbleOrder, parseAdpcmHeader } from "./ima-adpcm.ts";
import { generateAudio, readSamples, recordingPath, toBytes } from "./recordings.test-support.ts";
import { concatBytes, encodeAscii, formatChunk } from "./riff-chunk.ts";

const pythonSkip = { skip: skipWithout("/usr/bin/python3") };
const soxSkip = { skip: skipWithout("sox") };
const librivoxFolder = "/usr/share/pocketsphinx/test/data/librivox";

/** Encodes standard input frame by frame; writes per frame: u16 payload length, payload, the samples it decodes to. */
const audioopSession = `
import audioop, struct, sys
pcm, size, state = sys.stdin.buffer.read(), int(sys.argv[1]) * 2, (0, 0)
for start in range(0, len(pcm) - size + 1, size):
    before = state
    codes, state = audioop.lin2adpcm(pcm[start:start + size], 2, before)
    decoded, _ = audioop.adpcm2lin(codes, 2, before)
    if len(decoded) < size:
        decoded += struct.pack('<h', state[0])
    sys.stdout.buffer.write(struct.pack('<HhBB', len(codes) + 4, before[0], before[1], 0) + codes + decoded)
`;

interface OracleFrame {
  readonly payload: Uint8Array;
  readonly samples: readonly number[];
}

function runAudioop(samples: Int16Array, frameSampleCount: number): OracleFrame[] {
  const output = runPython(audioopSession, toBytes(samples), String(frameSampleCount));
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  const frames: OracleFrame[] = [];
  for (let offset = 0; offset < output.length; ) {
    const samplesOffset = offset + 2 + view.getUint16(offset, true);
    frames.push({
      payload: output.subarray(offset + 2, samplesOffset),
      samples: Array.from({ length: frameSampleCount }, (_, n) => view.getInt16(samplesOffset + n * 2, true)),
    });
    offset = samplesOffset + frameSampleCount * 2;
  }
  return frames;
}

function swapNibbles(payload: Uint8Array): Uint8Array {
  return payload.map((byte, position) => (position < adpcmHeaderBytes ? byte : (byte << 4) | (byte >> 4)));
}

/** Decodes in both orders and compares all samples but those nobody can know: an odd frame's last one at the very end. */
function assertEqualsAudioop(samples: Int16Array, frameSampleCount: number): void {
  const frames = runAudioop(samples, frameSampleCount);
  assert.ok(frames.length >= 49);
  const expected = frames.flatMap((frame) => frame.samples);
  const unknownCount = frameSampleCount % 2;
  for (const order of ["high", "low"] as const satisfies NibbleOrder[]) {
    const decoded: number[] = [];
    const decoder = new FrameDecoder(order, (piece) => decoded.push(...piece));
    frames.forEach(({ payload }, position) => {
      const next = frames[position + 1];
      const sent = order === "high" ? payload : swapNibbles(payload);
      decoder.decode(sent, frameSampleCount, next && parseAdpcmHeader(next.payload));
    });
    assert.equal(decoded.length, expected.length);
    assert.deepEqual(
      decoded.slice(0, decoded.length - unknownCount),
      expected.slice(0, expected.length - unknownCount),
    );
    assert.equal(decoder.concealedSampleCount, unknownCount);
    assert.equal(decoder.repairedSampleCount, unknownCount * (frames.length - 1));
  }
}

describe("decodeAdpcm beside audioop", pythonSkip, () => {
  it("decodes the speech recording to the same samples in 20 ms frames", () => {
    assertEqualsAudioop(readSamples(recordingPath("speech_16k.wav")), 320);
  });

  it("decodes the speech recording to the same samples in frames of odd size [P-1.6]", () => {
    assertEqualsAudioop(readSamples(recordingPath("speech_16k.wav")), 441);
  });

  it("decodes 8 kHz audio to the same samples", () => assertEqualsAudioop(generateAudio(8000, 1), 160));
  it("decodes 16 kHz audio to the same samples", () => assertEqualsAudioop(generateAudio(16000, 1), 320));
  it("decodes 22.05 kHz audio to the same samples [P-1.6]", () => assertEqualsAudioop(generateAudio(22050, 1), 441));
  it("decodes 44.1 kHz audio to the same samples", () => assertEqualsAudioop(generateAudio(44100, 1), 882));
  it("decodes 48 kHz audio to the same samples", () => assertEqualsAudioop(generateAudio(48000, 1), 960));

  it("decodes the other LibriVox recordings to the same samples", {
    skip: existsSync(librivoxFolder) ? false : "needs pocketsphinx-testdata",
  }, () => {
    for (const path of globSync(join(librivoxFolder, "*.wav"))) assertEqualsAudioop(readSamples(path), 320);
  });
});

describe("encodeAdpcm beside audioop", pythonSkip, () => {
  it("encodes the speech recording to the same payloads in high order", () => {
    const speech = readSamples(recordingPath("speech_16k.wav"));
    const expected = runAudioop(speech, 320).map(({ payload }) => Buffer.from(payload).toString("hex"));
    const actual = encodeSession(speech, { order: "high", frameSampleCount: 320 });
    assert.deepEqual(
      actual.map(({ payload }) => Buffer.from(payload).toString("hex")),
      expected,
    );
  });

  it("encodes an odd number of samples to audioop's bytes and one more, ending in the same state [P-1.6]", () => {
    const samples = generateAudio(8000, 0.1).subarray(0, 441);
    const state = { predictor: 0, stepIndex: 0 };
    const codes = encodeAdpcm(samples, "high", state);
    const [codesOnly] = runAudioop(samples, 441);
    assert.deepEqual(codes.subarray(0, 220), new Uint8Array(codesOnly!.payload.subarray(adpcmHeaderBytes)));
    assert.equal(codes.length, 221);
    assert.equal(state.predictor, codesOnly!.samples.at(-1));
  });
});

describe("decodeAdpcm beside sox", soxSkip, () => {
  const folder = mkdtempSync(join(tmpdir(), "eet-audio-"));
  after(() => rmSync(folder, { recursive: true }));

  /** The frames as blocks of a WAV with format tag 0x11, whose nibbles are low first. */
  function wrapAsImaWav(payloads: readonly Uint8Array[], sampleRateHz: number): Uint8Array {
    const blockBytes = payloads[0]!.length;
    const blockSampleCount = (blockBytes - adpcmHeaderBytes) * 2 + 1;
    const format = new DataView(new ArrayBuffer(20));
    format.setUint16(0, 0x11, true);
    format.setUint16(2, 1, true);
    format.setUint32(4, sampleRateHz, true);
    format.setUint32(8, Math.round((sampleRateHz * blockBytes) / blockSampleCount), true);
    format.setUint16(12, blockBytes, true);
    format.setUint16(14, 4, true);
    format.setUint16(16, 2, true);
    format.setUint16(18, blockSampleCount, true);
    const fact = new DataView(new ArrayBuffer(4));
    fact.setUint32(0, payloads.length * blockSampleCount, true);
    const chunks = concatBytes(
      formatChunk("fmt ", new Uint8Array(format.buffer)),
      formatChunk("fact", new Uint8Array(fact.buffer)),
      formatChunk("data", concatBytes(...payloads)),
    );
    return formatChunk("RIFF", concatBytes(encodeAscii("WAVE"), chunks));
  }

  function assertEqualsSox(samples: Int16Array, sampleRateHz: number, frameSampleCount: number): void {
    const frames = encodeSession(samples, { order: "low", frameSampleCount });
    const path = join(folder, `${sampleRateHz}.wav`);
    writeFileSync(
      path,
      wrapAsImaWav(
        frames.map(({ payload }) => payload),
        sampleRateHz,
      ),
    );
    const output = runOracle("sox", ["-D", path, "-t", "raw", "-e", "signed-integer", "-b", "16", "-L", "-"]);
    const blocks = new Int16Array(new Uint8Array(output).buffer);
    assert.equal(blocks.length, frames.length * (frameSampleCount + 1));
    let position = 0;
    const decoder = new FrameDecoder("low", (piece) => {
      // Each block's first sample is its predictor, which is state and not audio here. [P-1.4]
      assert.deepEqual(piece, blocks.subarray(position + 1, position + 1 + frameSampleCount));
      position += frameSampleCount + 1;
    });
    for (const { payload, sampleCount } of frames) decoder.decode(payload, sampleCount);
    assert.equal(position, blocks.length);
  }

  it("decodes low-first speech to the same samples", () => {
    assertEqualsSox(readSamples(recordingPath("speech_16k.wav")), 16000, 320);
  });

  it("decodes low-first 8 kHz audio to the same samples", () => assertEqualsSox(generateAudio(8000, 1), 8000, 160));
  // Blocks of a WAV hold 8 samples a step, so frames of 20 ms, 441 and 882 samples, do not fit.
  it("decodes low-first 22.05 kHz audio to the same samples", () =>
    assertEqualsSox(generateAudio(22050, 1), 22050, 440));
  it("decodes low-first 44.1 kHz audio to the same samples", () =>
    assertEqualsSox(generateAudio(44100, 1), 44100, 880));
  it("decodes low-first 48 kHz audio to the same samples", () => assertEqualsSox(generateAudio(48000, 1), 48000, 960));
});
