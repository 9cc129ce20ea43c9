import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFile, copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { formatFrame } from "@eet/protocol";
import { runEet } from "./command-harness.test-support.ts";
import { makeFolder, type RecordedFolder, recordSpeech } from "./recorded-folder.test-support.ts";

let recorded: RecordedFolder;
before(async () => {
  recorded = await recordSpeech();
});
after(() => recorded.remove());

/** A segment of the recording, with the given of its files only. */
async function copySegment(t: TestContext, ...endings: readonly string[]): Promise<string> {
  const path = join(await makeFolder(t), "copy");
  for (const ending of endings) await copyFile(`${recorded.segments[1]}${ending}`, `${path}${ending}`);
  return path;
}

/** Samples of a WAV with the canonical header. */
function dataOf(wav: Buffer): Buffer {
  return wav.subarray(44, 44 + wav.readUInt32LE(40));
}

describe("eet wav", () => {
  it("makes the server's WAV again, byte for byte", async (t) => {
    const path = await copySegment(t, ".bin", ".json");
    const { exitCode, out, err } = await runEet(["wav", `${path}.bin`]);
    assert.deepEqual([exitCode, err], [0, ""]);
    const expected = await readFile(`${recorded.segments[1]}.wav`);
    assert.ok(expected.equals(await readFile(`${path}.wav`)));
    const sha256 = createHash("sha256").update(expected).digest("hex");
    assert.equal(out, `${path}.wav: 4.000 s, ${expected.byteLength} bytes, sha256 ${sha256}\n`);
    assert.deepEqual((await readdir(dirname(path))).sort(), ["copy.bin", "copy.json", "copy.wav"]);
  });

  it("works without the sidecar when the format is given", async (t) => {
    const path = await copySegment(t, ".bin");
    const refused = await runEet(["wav", `${path}.bin`]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.err, /^eet wav: .*copy\.bin has no sidecar beside it: give its format with --rate .*\n$/);
    assert.deepEqual(await readdir(dirname(path)), ["copy.bin"]);

    const { exitCode, err } = await runEet(["wav", `${path}.bin`, "--rate", "16000", "--output", `${path}-made.wav`]);
    assert.deepEqual([exitCode, err], [0, ""]);
    const expected = dataOf(await readFile(`${recorded.segments[1]}.wav`));
    assert.ok(expected.equals(dataOf(await readFile(`${path}-made.wav`))));
  });

  it("decodes with the other nibble order when told", async (t) => {
    const path = await copySegment(t, ".bin", ".json");
    const { exitCode } = await runEet(["wav", `${path}.bin`, "--nibble-order", "high"]);
    assert.equal(exitCode, 0);
    const expected = dataOf(await readFile(`${recorded.segments[1]}.wav`));
    assert.ok(!expected.equals(dataOf(await readFile(`${path}.wav`))));
  });

  it("writes over a file with --force only", async (t) => {
    const path = await copySegment(t, ".bin", ".json");
    await writeFile(`${path}.wav`, "mine");
    const { exitCode, out, err } = await runEet(["wav", `${path}.bin`]);
    assert.deepEqual([exitCode, out], [1, ""]);
    assert.match(err, /copy\.wav is there already; write over it with --force, or name another file with --output\n$/);
    assert.equal(await readFile(`${path}.wav`, "utf8"), "mine");
    assert.equal((await runEet(["wav", `${path}.bin`, "--force"])).exitCode, 0);
    assert.ok((await readFile(`${recorded.segments[1]}.wav`)).equals(await readFile(`${path}.wav`)));
  });

  it("notes bytes behind the last frame and leaves them out", async (t) => {
    const path = await copySegment(t, ".bin");
    await appendFile(`${path}.bin`, "xyz");
    const { exitCode, err } = await runEet(["wav", `${path}.bin`, "--rate", "16000"]);
    assert.deepEqual([exitCode, err], [0, "note: 3 bytes behind the last whole frame were left out\n"]);
  });

  it("asks for the layout of multichannel ADPCM and leaves nothing behind", async (t) => {
    const folder = await makeFolder(t);
    const path = join(folder, "made.bin");
    await writeFile(path, formatFrame("adpcm", 0, new Uint8Array(4 + 320)));
    const args = ["wav", path, "--rate", "8000", "--channels", "2"];
    const { exitCode, err } = await runEet(args);
    assert.equal(exitCode, 1);
    assert.match(
      err,
      /made\.bin is multichannel ADPCM, which does not tell its layout; give it with --adpcm-layout\n$/,
    );
    assert.deepEqual(await readdir(folder), ["made.bin"]);
    assert.equal((await runEet([...args, "--adpcm-layout", "single"])).exitCode, 0);
    assert.deepEqual((await readdir(folder)).sort(), ["made.bin", "made.wav"]);
  });

  it("tells when the target cannot be written", async (t) => {
    const path = await copySegment(t, ".bin", ".json");
    const output = join(dirname(path), "no", "such", "folder.wav");
    const { exitCode, err } = await runEet(["wav", `${path}.bin`, "-o", output]);
    assert.equal(exitCode, 1);
    assert.match(err, /^eet wav: ENOENT: no such file or directory, open '.*folder\.wav\.part'/);
  });
});
