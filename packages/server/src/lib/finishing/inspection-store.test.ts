import assert from "node:assert/strict";
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { finishSegment } from "./finish-segment-store.ts";
import { inspectBin } from "./inspection-store.ts";
import { decodeOnce } from "./reference-decode.test-support.ts";
import {
  adpcmFormat,
  adpcmFrames,
  binOf,
  leaveSegment,
  pathOf,
  pcmFormat,
  pcmFrames,
  temporaryFolder,
  wavSamples,
  wobble,
} from "./segment-fixture.test-support.ts";

const frames = adpcmFrames(wobble(16_000), 320, "high");

describe("inspectBin", () => {
  it("tells what the sidecar tells and derives the same WAV", async (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames, { profile: { cachedNibbleOrder: "low" } });
    const { sidecar } = finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered: true })!;
    const wavPath = join(root, "again.wav");
    const { facts, formatSource, trailingBytes, verdict } = await inspectBin(
      pathOf(root, segment.opening, "bin"),
      {},
      wavPath,
    );
    assert.deepEqual(facts, sidecar);
    assert.deepEqual([formatSource, trailingBytes], ["sidecar", 0]);
    assert.deepEqual(verdict, { order: "high", source: "exact" });
    assert.ok(readFileSync(wavPath).equals(readFileSync(pathOf(root, segment.opening, "wav"))));
  });

  it("tells what was observed in an acknowledged session", async (t) => {
    const root = temporaryFolder(t);
    const observations = { anchors: [], driftPpm: 9.5, droppedDuplicateCount: 1, deviceDroppedSeqs: [3] };
    const some = frames.filter(({ seq }) => seq !== 3);
    const segment = leaveSegment(root, some, { isAcked: true, closed: { observations } });
    const { sidecar } = finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered: false })!;
    const { facts } = await inspectBin(pathOf(root, segment.opening, "bin"), {}, join(root, "again.wav"));
    assert.deepEqual(facts, sidecar);
    assert.deepEqual([facts.acked, facts.drift_ppm, facts.gaps[0]?.cause], [true, 9.5, "device-dropped"]);
  });

  it("keeps the order that the sidecar's WAV has, unless another is asked for", async (t) => {
    const root = temporaryFolder(t);
    const few = frames.slice(0, 2);
    const segment = leaveSegment(root, few);
    finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered: false, earlierOrder: "high" });
    const binPath = pathOf(root, segment.opening, "bin");
    const wavPath = join(root, "again.wav");
    const kept = await inspectBin(binPath, {}, wavPath);
    assert.deepEqual(kept.facts.nibble_order, { order: "high", source: "cached" });
    assert.deepEqual(wavSamples(wavPath), decodeOnce(few, adpcmFormat, "high"));
    const asked = await inspectBin(binPath, { nibbleOrder: "low" }, wavPath);
    assert.deepEqual(asked.facts.nibble_order, { order: "low", source: "config" });
    assert.deepEqual(wavSamples(wavPath), decodeOnce(few, adpcmFormat, "low"));
  });

  it("reads an open segment with its .open.json", async (t) => {
    const root = temporaryFolder(t);
    const { opening } = leaveSegment(root, frames);
    appendFileSync(pathOf(root, opening, "binPart"), Buffer.alloc(7));
    const { facts, formatSource, trailingBytes } = await inspectBin(pathOf(root, opening, "binPart"), {}, null);
    assert.deepEqual([formatSource, trailingBytes, facts.frames, facts.files.wav], ["open segment", 7, 50, null]);
    writeFileSync(pathOf(root, opening, "open"), "{");
    await assert.rejects(inspectBin(pathOf(root, opening, "binPart"), {}, null), {
      code: "SEGMENT_UNREADABLE",
      message: /\.open\.json is torn/,
    });
  });

  it("reads frames alone, with the format given", async (t) => {
    const path = join(temporaryFolder(t), "found.bin");
    const wavPath = join(path, "..", "found.wav");
    const stereo = { ...pcmFormat, channels: 2, frameSampleCount: 0 };
    const sent = pcmFrames(wobble(2_000), 320, 12);
    writeFileSync(path, binOf(sent, stereo));
    const { facts, formatSource } = await inspectBin(path, { sampleRateHz: 8_000, channels: 2 }, wavPath);
    assert.equal(formatSource, "assumed");
    assert.deepEqual([facts.audio.codec, facts.first_seq, facts.samples], ["pcm16", 12, 1_000]);
    assert.deepEqual(wavSamples(wavPath), decodeOnce(sent, stereo, "low"));
  });

  it("finds the nibble order of frames alone", async (t) => {
    const path = join(temporaryFolder(t), "found.bin");
    writeFileSync(path, binOf(frames, adpcmFormat));
    const { facts } = await inspectBin(path, { sampleRateHz: 16_000 }, null);
    assert.deepEqual(facts.nibble_order, { order: "high", source: "exact" });
  });

  it("says which gap makes a WAV too long, at once", async (t) => {
    const path = join(temporaryFolder(t), "frames.bin");
    const [first, second] = pcmFrames(wobble(640), 320);
    writeFileSync(path, binOf([first!, { ...second!, seq: 2 ** 31 - 2 }], pcmFormat));
    const refusal = { code: "SEGMENT_UNREADABLE", message: /more than 2 GiB/ };
    await assert.rejects(inspectBin(path, { sampleRateHz: 16_000 }, null), refusal);
  });

  it("asks for the sample rate of frames alone", async (t) => {
    const root = temporaryFolder(t);
    const { opening } = leaveSegment(root, frames);
    rmSync(pathOf(root, opening, "open"));
    await assert.rejects(inspectBin(pathOf(root, opening, "binPart"), {}, null), {
      code: "SEGMENT_UNREADABLE",
      message: /give its format with --rate/,
    });
  });

  it("says what is not a .bin", async (t) => {
    const root = temporaryFolder(t);
    const path = join(root, "text.bin");
    writeFileSync(path, "this is no recording at all");
    const refusal = { code: "SEGMENT_UNREADABLE", message: /does not start with a frame.*41445046.*464d4350/ };
    await assert.rejects(inspectBin(path, { sampleRateHz: 16_000 }, null), refusal);
    const { opening } = leaveSegment(root, frames);
    renameSync(path, pathOf(root, opening, "binPart"));
    await assert.rejects(inspectBin(pathOf(root, opening, "binPart"), {}, null), {
      code: "SEGMENT_UNREADABLE",
      message: /does not start with an audio frame/,
    });
  });
});
