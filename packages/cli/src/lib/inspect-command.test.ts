import assert from "node:assert/strict";
import { appendFile, copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { formatFrame } from "@eet/protocol";
import { runEet } from "./command-harness.test-support.ts";
import { makeFolder, type RecordedFolder, recordSpeech } from "./recorded-folder.test-support.ts";

let recorded: RecordedFolder;
before(async () => {
  recorded = await recordSpeech();
});
after(() => recorded.remove());

/** A segment's frames without what stands beside them. */
async function copyAlone(t: TestContext): Promise<string> {
  const path = join(await makeFolder(t), "lone.bin");
  await copyFile(`${recorded.segments[0]}.bin`, path);
  return path;
}

async function writeFrames(t: TestContext, ...frames: readonly Uint8Array[]): Promise<string> {
  const path = join(await makeFolder(t), "made.bin");
  await writeFile(path, Buffer.concat(frames));
  return path;
}

describe("eet inspect", () => {
  it("tells what a segment holds", async () => {
    const path = `${recorded.segments[1]}.bin`;
    const { exitCode, out, err } = await runEet(["inspect", path]);
    assert.deepEqual([exitCode, err], [0, ""]);
    const lines = out.split("\n");
    assert.equal(lines[0], `file      ${path}, 35200 bytes`);
    assert.match(lines[1] ?? "", /^recorded {2}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \(device-synced\)$/);
    assert.match(lines[2] ?? "", /^from {6}device kitchen, stream 1, session [0-9a-z]+, segment 1$/);
    assert.deepEqual(lines.slice(3, 8), [
      "format    adpcm, 16000 Hz, 1 channel, 320 samples a frame (as its sidecar says)",
      "duration  4.000 s, 64000 samples a channel",
      "frames    200, seq 200 to 399, 0 repeated",
      "gaps      none",
      "nibbles   low first (as the device or the configuration says)",
    ]);
    assert.match(lines[8] ?? "", /^levels {4}peak -\d+\.\d+ dBFS, rms -\d+\.\d+ dBFS, \d+ clipped, \d+ % silent, DC /);
    assert.deepEqual(lines.slice(9), [""]);
  });

  it("gives programs the facts of the sidecar", async () => {
    const { exitCode, out } = await runEet(["inspect", "--json", `${recorded.segments[0]}.bin`]);
    assert.equal(exitCode, 0);
    const sidecar = JSON.parse(await readFile(`${recorded.segments[0]}.json`, "utf8"));
    const { facts } = JSON.parse(out);
    assert.deepEqual([facts.samples, facts.nibble_order, facts.levels], [64_000, sidecar.nibble_order, sidecar.levels]);
    assert.deepEqual(facts.files.bin, sidecar.files.bin);
  });

  it("needs the sample rate where there is no sidecar", async (t) => {
    const path = await copyAlone(t);
    const { exitCode, out, err } = await runEet(["inspect", path]);
    assert.deepEqual([exitCode, out], [1, ""]);
    assert.match(err, /^eet inspect: .*lone\.bin has no sidecar beside it: give its format with --rate .*\n$/);
    const told = await runEet(["inspect", path, "--rate", "16000"]);
    assert.equal(told.exitCode, 0);
    assert.match(told.out, /^format {4}adpcm, 16000 Hz, 1 channel, .* \(as given, it has no sidecar\)$/m);
    assert.match(told.out, /^nibbles {3}low first \(found in the frames, exactly\)$/m);
    assert.doesNotMatch(told.out, /^from/m);
  });

  it("takes another nibble order than the sidecar's", async () => {
    const { out } = await runEet(["inspect", `${recorded.segments[0]}.bin`, "--nibble-order", "high"]);
    assert.match(out, /^nibbles {3}high first \(as the device or the configuration says\)$/m);
  });

  it("exits with 1 for a file that ends in something else than a frame", async (t) => {
    const path = await copyAlone(t);
    await appendFile(path, "xyz");
    const { exitCode, out } = await runEet(["inspect", path, "--rate", "16000"]);
    assert.equal(exitCode, 1);
    assert.match(out, /^torn {6}3 bytes behind the last whole frame$/m);
  });

  it("lists gaps and repeated frames", async (t) => {
    const silence = new Uint8Array(320);
    const path = await writeFrames(t, ...[7, 8, 8, 12, 14].map((seq) => formatFrame("pcm16", seq, silence)));
    const { exitCode, out } = await runEet(["inspect", path, "--rate", "8000", "--frame-samples", "160"]);
    assert.equal(exitCode, 0);
    assert.match(out, /^frames {4}5, seq 7 to 14, 1 repeated$/m);
    assert.match(out, /^gaps {6}2, 0\.080 s in all\n {10}seq 9 to 11: 480 samples\n {10}seq 13 to 13: 160 samples$/m);
    assert.doesNotMatch(out, /^nibbles/m);
  });

  it("does not decode multichannel ADPCM without its layout", async (t) => {
    const path = await writeFrames(t, formatFrame("adpcm", 0, new Uint8Array(4 + 320)));
    const args = ["inspect", path, "--rate", "8000", "--channels", "2"];
    assert.match((await runEet(args)).out, /^levels {4}not decoded: multichannel ADPCM needs --adpcm-layout$/m);
    assert.match((await runEet([...args, "--adpcm-layout", "single"])).out, /^levels {4}peak -120 dBFS/m);
  });

  it("says what else than a segment it was given", async (t) => {
    const folder = await makeFolder(t);
    const text = join(folder, "notes.bin");
    await writeFile(text, "these are no frames at all");
    for (const [path, words] of [
      [join(folder, "missing.bin"), "does not exist; give the path of a .bin file"],
      [folder, "is a folder; give the path of a .bin file in it"],
      [text, "does not start with a frame"],
    ] as const) {
      const { exitCode, out, err } = await runEet(["inspect", path]);
      assert.deepEqual([exitCode, out], [1, ""]);
      assert.ok(err.startsWith(`eet inspect: ${path} ${words}`), err);
    }
  });
});
