import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type AdpcmPlan, roundTripAdpcm } from "./support/python-oracle.ts";
import { findFaults, joinWavs, type RecordedSegment, readSegments } from "./support/recordings.ts";
import { type CommandOutcome, runPythonClient } from "./support/run-command.ts";
import { ServerProcess } from "./support/server-process.ts";
import { readSpeech, speechPath, writeWav } from "./support/source-audio.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";
import { skipWithout } from "./support/tools.ts";

const skip = skipWithout("/usr/bin/python3");
const speech = await readSpeech();
const speechSampleCount = speech.length / 2;
/** Reading the speech again and again, so long that a loop wraps twice. */
const loopSeconds = 25;
const loopSampleCount = loopSeconds * 16_000;

interface Recorded {
  readonly segments: readonly RecordedSegment[];
  readonly outcomes: readonly CommandOutcome[];
}

/** Runs clients side by side against a server of their own and stops it: all they sent is then on disk. */
async function record(t: TestContext, folder: string, ...runs: readonly (readonly string[])[]): Promise<Recorded> {
  await using server = await ServerProcess.start({ folder, flags: ["--rotate-s", "3"] });
  const startMs = performance.now();
  const outcomes = await Promise.all(
    runs.map((args) => runPythonClient(["--url", server.url, "--json", ...args], { folder })),
  );
  const clientMs = performance.now() - startMs;
  assert.equal(await server.stop(), 0, server.errors);
  for (const { exitCode, err } of outcomes) assert.equal(exitCode, 0, err);
  assert.deepEqual(server.problems, [], "lines of warning in the server's log");
  const segments = await readSegments(`${folder}/data/received`);
  assert.deepEqual(await findFaults(`${folder}/data/received`), []);
  const audioS = outcomes.reduce((sum, { out }) => sum + JSON.parse(out).audioS, 0);
  t.diagnostic(`${audioS} s of audio in ${(clientMs / 1000).toFixed(1)} s, ${segments.length} segments`);
  return { segments, outcomes };
}

function assertNibbleOrders(segments: readonly RecordedSegment[], order: "high" | "low"): void {
  const found = new Set(segments.map(({ sidecar }) => JSON.stringify(sidecar.nibble_order)));
  assert.deepEqual(found, new Set([JSON.stringify({ order, source: "exact" })]));
}

async function assertAudio(segments: readonly RecordedSegment[], expected: Uint8Array): Promise<void> {
  const found = await joinWavs(segments);
  assert.equal(found.length, expected.length, "bytes of PCM");
  assert.ok(found.equals(expected), `samples differ from sample ${firstDifference(found, expected)} on`);
}

function firstDifference(found: Buffer, expected: Uint8Array): number {
  return Math.floor(found.findIndex((byte, at) => byte !== expected[at]) / 2);
}

function ofDevice(segments: readonly RecordedSegment[], hwid: string): readonly RecordedSegment[] {
  return segments.filter(({ sidecar }) => sidecar.hwid === hwid);
}

const plan: AdpcmPlan = { frameSampleCount: 320, sampleCount: speechSampleCount };

describe("the Python client against the server", () => {
  it("has its ADPCM decoded as audioop does, with a short last frame", { skip }, async (t) => {
    await using folder = await makeTemporaryFolder();
    const { segments } = await record(t, folder.path, ["--wav", speechPath]);
    assert.equal(speechSampleCount % plan.frameSampleCount, 160, "the last frame is short");
    assert.equal(segments.length, 4);
    assert.deepEqual(
      segments.map(({ sidecar }) => [sidecar.hwid, sidecar.stream_id, sidecar.index]),
      [0, 1, 2, 3].map((index) => [null, 1, index]),
    );
    assertNibbleOrders(segments, "high");
    await assertAudio(segments, roundTripAdpcm(speech, plan));
  });

  it("has its PCM stored as it is, with a short last frame", { skip }, async (t) => {
    await using folder = await makeTemporaryFolder();
    const { segments } = await record(t, folder.path, ["--wav", speechPath, "--codec", "pcm", "--hwid", "mic"]);
    await assertAudio(segments, speech);
  });

  it("sends low nibble first by option", { skip }, async (t) => {
    await using folder = await makeTemporaryFolder();
    const { segments } = await record(t, folder.path, ["--wav", speechPath, "--nibble-order", "low"]);
    assertNibbleOrders(segments, "low");
    await assertAudio(segments, roundTripAdpcm(speech, plan));
  });

  it("is received 50 times in parallel in both codecs", { skip }, async (t) => {
    await using folder = await makeTemporaryFolder();
    const fifty = ["--wav", speechPath, "--streams", "50"];
    const { segments, outcomes } = await record(
      t,
      folder.path,
      [...fifty, "--hwid", "adpcm"],
      [...fifty, "--hwid", "pcm", "--codec", "pcm", "--stream-id-base", "1000"],
    );
    assert.deepEqual(
      outcomes.map(({ out }) => JSON.parse(out).complete),
      [50, 50],
    );
    assertNibbleOrders(
      segments.filter(({ sidecar }) => sidecar.audio.codec === "adpcm"),
      "high",
    );
    const decoded = roundTripAdpcm(speech, plan);
    for (let number = 1; number <= 50; number++) {
      await assertAudio(ofDevice(segments, `adpcm-${number}`), decoded);
      await assertAudio(ofDevice(segments, `pcm-${number}`), speech);
    }
  });

  it("loops without a seam", { skip }, async (t) => {
    await using folder = await makeTemporaryFolder();
    const loop = ["--wav", speechPath, "--loop", "--seconds", String(loopSeconds)];
    const { segments } = await record(
      t,
      folder.path,
      [...loop, "--hwid", "adpcm"],
      [...loop, "--hwid", "pcm", "--codec", "pcm"],
    );
    assertNibbleOrders(ofDevice(segments, "adpcm"), "high");
    await assertAudio(ofDevice(segments, "adpcm"), roundTripAdpcm(speech, { ...plan, sampleCount: loopSampleCount }));
    const looped = Buffer.concat([speech, speech, speech]).subarray(0, loopSampleCount * 2);
    await assertAudio(ofDevice(segments, "pcm"), looped);
  });

  it("loops with an encoder that starts anew", { skip }, async (t) => {
    await using folder = await makeTemporaryFolder();
    const loop = ["--wav", speechPath, "--loop", "--reset-state", "--seconds", String(loopSeconds)];
    const { segments } = await record(t, folder.path, loop);
    assertNibbleOrders(segments, "high");
    const expected = roundTripAdpcm(speech, { ...plan, sampleCount: loopSampleCount, isReset: true });
    await assertAudio(segments, expected);
  });

  it("has the sample that audioop drops of odd frames restored [P-1.6]", { skip }, async (t) => {
    await using folder = await makeTemporaryFolder();
    const oddPlan: AdpcmPlan = { frameSampleCount: 441, sampleCount: 441 * 350 + 100 };
    const source = speech.subarray(0, oddPlan.sampleCount * 2);
    const wavPath = await writeWav(`${folder.path}/odd.wav`, source, 22_050);
    const { segments } = await record(t, folder.path, ["--wav", wavPath]);
    assertNibbleOrders(segments, "high");
    const repaired = segments.reduce((sum, { sidecar }) => sum + sidecar.repaired_samples, 0);
    const concealed = segments.reduce((sum, { sidecar }) => sum + sidecar.concealed_samples, 0);
    assert.deepEqual([repaired, concealed], [350, 0]);
    await assertAudio(segments, roundTripAdpcm(source, oddPlan));
  });
});
