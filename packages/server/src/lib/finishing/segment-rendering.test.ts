import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { scanFrames } from "./frame-scan.ts";
import { hashFile, withTarget } from "./hashed-target-store.ts";
import type { NibbleDecision } from "./nibble-decision.ts";
import { decodeOnce, type SentFrame } from "./reference-decode.test-support.ts";
import {
  adpcmFormat,
  adpcmFrames,
  cutSession,
  leaveSegment,
  pathOf,
  pcmFormat,
  pcmFrames,
  type SegmentDraft,
  temporaryFolder,
  wavSamples,
  wobble,
} from "./segment-fixture.test-support.ts";
import { isDecodable, type Rendering, renderSegment } from "./segment-rendering.ts";

type Order = NibbleDecision["order"];

function render(
  t: TestContext,
  frames: readonly SentFrame[],
  draft: SegmentDraft = {},
  order: Order = "low",
): { rendering: Rendering; samples: number[]; wavPath: string } {
  const root = temporaryFolder(t);
  const segment = leaveSegment(root, frames, draft);
  const { opening, nextFrame } = segment;
  const binPath = pathOf(root, opening, "binPart");
  const wavPath = join(root, "out.wav");
  const nibbleOrder = { order, source: "config" } as const;
  const scan = scanFrames(segment, binPath);
  const rendering = withTarget(wavPath, (wav) =>
    renderSegment({ opening, bin: binPath, scan, nibbleOrder, nextFrame }, wav),
  );
  return { rendering, samples: wavSamples(wavPath), wavPath };
}

describe("renderSegment", () => {
  it("writes PCM as it came", (t) => {
    const samples = wobble(1_000);
    const result = render(t, pcmFrames(samples, 320), { format: pcmFormat });
    assert.deepEqual(result.samples, [...samples]);
    assert.equal(result.rendering.sampleCount, 1_000);
    assert.equal(result.rendering.levels.clippedSampleCount, 0);
  });

  it("tells the size and the hash of what it wrote, with and without writing it", (t) => {
    const root = temporaryFolder(t);
    const { opening } = leaveSegment(root, pcmFrames(wobble(200_000), 320), { format: pcmFormat });
    const binPath = pathOf(root, opening, "binPart");
    const wavPath = join(root, "out.wav");
    const request = {
      opening,
      bin: binPath,
      scan: scanFrames({ opening, observations: null }, binPath),
      nibbleOrder: null,
      nextFrame: null,
    };
    const written = withTarget(wavPath, (wav) => renderSegment(request, wav)).wav;
    assert.deepEqual(written, hashFile(wavPath, Number.MAX_SAFE_INTEGER));
    assert.deepEqual(withTarget(null, (wav) => renderSegment(request, wav)).wav, written);
  });

  it("decodes ADPCM in the order decided [P-1.5]", (t) => {
    const high = adpcmFrames(wobble(3_200), 320, "high");
    const low = adpcmFrames(wobble(3_200), 320, "low");
    assert.deepEqual(render(t, high, {}, "high").samples, decodeOnce(high, adpcmFormat, "high"));
    assert.deepEqual(render(t, low, {}, "low").samples, decodeOnce(low, adpcmFormat, "low"));
    assert.deepEqual(render(t, low, {}, "low").samples, render(t, high, {}, "high").samples);
  });

  it("fills gaps with silence of their exact length, or leaves them out [S-1.5]", (t) => {
    const frames = pcmFrames(
      wobble(100_000).map((sample) => sample | 1),
      320,
    ).filter(({ seq }) => seq < 2 || seq > 200);
    const filled = render(t, frames, { format: pcmFormat });
    assert.deepEqual(filled.samples, decodeOnce(frames, pcmFormat, "low"));
    assert.equal(filled.rendering.sampleCount, 100_000);
    const skipped = render(t, frames, { format: pcmFormat, opening: { gapFill: "skip" } });
    assert.deepEqual(skipped.samples, decodeOnce(frames, pcmFormat, "low", 0));
    assert.equal(skipped.rendering.sampleCount, 100_000 - 199 * 320);
  });

  it("restores the last sample of odd frames from the frame that follows [P-1.6]", (t) => {
    const format = { ...adpcmFormat, frameSampleCount: 321 };
    const samples = wobble(3_210);
    const frames = adpcmFrames(samples, 321, "low", "drop");
    const { rendering, samples: decoded } = render(t, frames, { format });
    assert.deepEqual(decoded, decodeOnce(frames, format, "low"));
    assert.deepEqual([rendering.repairedSampleCount, rendering.concealedSampleCount], [9, 1]);
    const whole = render(t, adpcmFrames(samples, 321, "low", "pad"), { format });
    assert.deepEqual(decoded.slice(0, 9 * 321), whole.samples.slice(0, 9 * 321));
  });

  it("restores it across the end of the segment when the next frame is known, and holds it otherwise", (t) => {
    const format = { ...adpcmFormat, frameSampleCount: 321 };
    const frames = adpcmFrames(wobble(3_210), 321, "low", "drop");
    const [first] = cutSession(frames, { format }, [5]);
    const known = render(t, first!.frames, first!.draft);
    assert.deepEqual(known.samples, decodeOnce(frames, format, "low").slice(0, 5 * 321));
    assert.equal(known.rendering.concealedSampleCount, 0);
    const { nextFrame } = first!.draft.closed!;
    const late = { ...nextFrame!, seq: nextFrame!.seq + 1 };
    const unknown = render(t, first!.frames, { ...first!.draft, closed: { nextFrame: late } });
    assert.deepEqual([unknown.rendering.repairedSampleCount, unknown.rendering.concealedSampleCount], [4, 1]);
    assert.equal(unknown.samples.at(-1), unknown.samples.at(-2));
  });

  it("holds it in front of a gap and of a repeat", (t) => {
    const format = { ...adpcmFormat, frameSampleCount: 321 };
    const frames = adpcmFrames(wobble(3_210), 321, "low", "drop");
    const lossy = frames
      .filter(({ seq }) => seq !== 4)
      .flatMap((frame) => (frame.seq === 6 ? [frame, frame] : [frame]));
    assert.equal(render(t, lossy, { format }).rendering.concealedSampleCount, 3);
  });

  it("decodes several channels by their layout [P-1.7]", (t) => {
    const random = wobble(9_000);
    const payloads = Array.from({ length: 6 }, (_, index) => {
      const payload = Buffer.from(random.buffer, index * 600, 8 + 160);
      const copy = Buffer.from(payload);
      copy[2] = 40;
      copy[6] = 50;
      return { seq: index, payload: copy };
    });
    const format = { ...adpcmFormat, channels: 2, frameSampleCount: 160 };
    for (const adpcmLayout of ["ms4", "single"] as const) {
      const { samples } = render(t, payloads, { format, profile: { adpcmLayout } }, "high");
      assert.deepEqual(samples, decodeOnce(payloads, format, "high", 0, adpcmLayout));
    }
  });

  it("leaves nothing behind when it fails", (t) => {
    const root = temporaryFolder(t);
    const { opening } = leaveSegment(root, pcmFrames(wobble(640), 320), { format: pcmFormat });
    const scan = scanFrames({ opening, observations: null }, pathOf(root, opening, "binPart"));
    const wavPath = join(root, "out.wav");
    const request = { opening, bin: join(root, "missing.bin"), scan, nibbleOrder: null, nextFrame: null };
    assert.throws(() => withTarget(wavPath, (wav) => renderSegment(request, wav)), { code: "ENOENT" });
    assert.throws(() => readFileSync(wavPath), { code: "ENOENT" });
  });
});

describe("isDecodable", () => {
  it("asks multichannel ADPCM for a layout [P-1.7]", (t) => {
    const root = temporaryFolder(t);
    const openingOf = (draft: SegmentDraft) => leaveSegment(root, [], draft).opening;
    const stereo = { ...adpcmFormat, channels: 2 };
    assert.equal(isDecodable(openingOf({ format: stereo })), false);
    assert.equal(isDecodable(openingOf({ format: stereo, profile: { adpcmLayout: "ms4" } })), true);
    assert.equal(isDecodable(openingOf({ format: { ...pcmFormat, channels: 8 } })), true);
    assert.equal(isDecodable(openingOf({})), true);
  });
});
