import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeSession, type SessionOptions } from "./adpcm-session.test-support.ts";
import type { NibbleOrder } from "./ima-adpcm.ts";
import { type DetectorFrame, NibbleOrderDetector, type NibbleOrderVerdict } from "./nibble-order.ts";
import { generateAudio, readSamples, recordingPath } from "./recordings.test-support.ts";

const speech = readSamples(recordingPath("speech_16k.wav"));
const silence2s = new Int16Array(32000);

function join(...pieces: readonly Int16Array[]): Int16Array {
  return Int16Array.from(pieces.flatMap((piece) => [...piece]));
}

function detect(frames: readonly DetectorFrame[], sampleRateHz = 16000): NibbleOrderVerdict | undefined {
  const detector = new NibbleOrderDetector({ sampleRateHz });
  for (const frame of frames) detector.push(frame);
  return detector.verdict();
}

/** Sends the audio in both orders and expects each to be found by the given rule. */
function assertFindsBoth(
  source: NibbleOrderVerdict["source"],
  samples: Int16Array,
  options: Omit<SessionOptions, "order" | "frameSampleCount"> & { readonly frameSampleCount?: number } = {},
  alter: (frames: DetectorFrame[]) => DetectorFrame[] = (frames) => frames,
): void {
  for (const order of ["low", "high"] as const satisfies NibbleOrder[]) {
    const frames = alter(encodeSession(samples, { frameSampleCount: 320, ...options, order }));
    assert.deepEqual(detect(frames), { order, source });
  }
}

describe("NibbleOrderDetector", () => {
  it("finds the order of speech exactly [P-1.5]", () => assertFindsBoth("exact", speech));

  it("finds it after 2 s of digital silence, which does not vote", () => {
    assertFindsBoth("exact", join(silence2s, speech));
  });

  it("finds it when a looped recording resets the encoder each second", () => {
    assertFindsBoth("exact", speech, { resetEveryFrameCount: 50 });
  });

  it("finds it when every 7th frame is lost", () => {
    assertFindsBoth("exact", speech, {}, (frames) => frames.filter(({ seq }) => seq % 7 !== 6));
  });

  it("finds it across the wrap of seq", () => {
    const wrap = (frames: DetectorFrame[]) =>
      frames.slice(100, 104).map((frame, position) => ({ ...frame, seq: (0xffff_fffe + position) >>> 0 }));
    assertFindsBoth("exact", speech, {}, wrap);
  });

  it("finds it in odd frames whose last code was dropped, by the 16 codes that could follow [P-1.6]", () => {
    assertFindsBoth("exact", speech, { frameSampleCount: 441, oddCode: "drop" });
  });

  it("finds it in odd frames whose last byte was padded [P-1.6]", () => {
    assertFindsBoth("exact", speech, { frameSampleCount: 441, oddCode: "pad" });
  });

  it("finds it by statistics when the encoder is reset for each frame [P-1.5]", () => {
    assertFindsBoth("statistical", speech, { resetEveryFrameCount: 1 });
  });

  it("finds it by statistics after 2 s of silence and with every 7th frame lost", () => {
    const lossy = (frames: DetectorFrame[]) => frames.filter(({ seq }) => seq % 7 !== 6);
    assertFindsBoth("statistical", join(silence2s, speech), { resetEveryFrameCount: 1 }, lossy);
  });

  it("needs 3 votes, that is 4 contiguous frames of audio", () => {
    const frames = encodeSession(speech.subarray(32000), { order: "low", frameSampleCount: 320 });
    assert.equal(detect(frames.slice(0, 3)), undefined);
    assert.deepEqual(detect(frames.slice(0, 4)), { order: "low", source: "exact" });
  });

  it("needs 10 times as many votes as the other order has", () => {
    const lowFirst = encodeSession(speech.subarray(32000), { order: "low", frameSampleCount: 320 });
    const highFirst = encodeSession(speech.subarray(32000), { order: "high", frameSampleCount: 320 });
    // One vote for high, then a gap, then one vote more for low with each frame from the second on.
    const mixed = (lowCount: number) => [...highFirst.slice(0, 2), ...lowFirst.slice(50, 51 + lowCount)];
    assert.equal(detect(mixed(9)), undefined);
    assert.deepEqual(detect(mixed(10)), { order: "low", source: "exact" });
  });

  it("does not compare frames that are not contiguous", () => {
    const frames = encodeSession(speech, { order: "low", frameSampleCount: 320 });
    assert.equal(detect(frames.filter(({ seq }) => seq % 2 === 0)), undefined);
  });

  it("abstains on pure digital silence", () => {
    const silence = new Int16Array(16000 * 20);
    assert.equal(detect(encodeSession(silence, { order: "low", frameSampleCount: 320 })), undefined);
    const reset = { order: "high", frameSampleCount: 320, resetEveryFrameCount: 1 } as const;
    assert.equal(detect(encodeSession(silence, reset)), undefined);
  });

  it("finds it by statistics in a tone whose period divides the frame, where both orders come back to one state", () => {
    const tone = readSamples(recordingPath("sine_pcm16.wav"));
    assertFindsBoth("statistical", tone);
    assertFindsBoth("statistical", tone.subarray(0, 16000 * 3));
  });

  it("does not ask the statistics before 250 pairs were seen", () => {
    const reset = { order: "low", frameSampleCount: 320, resetEveryFrameCount: 1 } as const;
    const frames = encodeSession(join(speech, speech), reset).slice(100);
    assert.equal(detect(frames.slice(0, 250)), undefined);
    assert.deepEqual(detect(frames.slice(0, 400)), { order: "low", source: "statistical" });
  });

  it("asks the statistics only when more than half of the pairs fit neither order", () => {
    const reset = { order: "high", frameSampleCount: 320, resetEveryFrameCount: 1 } as const;
    const frames = encodeSession(join(new Int16Array(200 * 320), speech.subarray(16000)), reset);
    assert.equal(detect(frames.slice(0, 380)), undefined);
    assert.deepEqual(detect(frames), { order: "high", source: "statistical" });
  });

  it("abstains on frames whose codes are not audio at all", () => {
    const bytes = generateAudio(16000, 20).map((_, n) => Math.imul(n ^ 0x5bd1e995, 0x9e3779b1) >>> 16);
    const frames = Array.from({ length: 500 }, (_, seq) => {
      const payload = Uint8Array.from(bytes.subarray(seq * 164, (seq + 1) * 164));
      payload[2] = 20;
      return { seq, payload, sampleCount: 320 };
    });
    assert.equal(detect(frames), undefined);
  });

  it("keeps its verdict when the frames change afterwards", () => {
    const low = encodeSession(speech, { order: "low", frameSampleCount: 320 });
    const high = encodeSession(speech, { order: "high", frameSampleCount: 320 });
    assert.deepEqual(detect([...low, ...high, ...high]), { order: "low", source: "exact" });
  });

  it("refuses a payload without a whole header", () => {
    const detector = new NibbleOrderDetector({ sampleRateHz: 16000 });
    assert.throws(() => detector.push({ seq: 0, payload: new Uint8Array(3), sampleCount: 0 }), RangeError);
  });
});
