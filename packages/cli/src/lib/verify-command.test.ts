import assert from "node:assert/strict";
import { cp, mkdir, open, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { runEet } from "./command-harness.test-support.ts";
import { makeFolder, type RecordedFolder, recordSpeech } from "./recorded-folder.test-support.ts";

let recorded: RecordedFolder;
before(async () => {
  recorded = await recordSpeech();
});
after(() => recorded.remove());

/** Paths of the segments without ending, below the checked folder. */
function segmentNames(): readonly string[] {
  return recorded.segments.map((path) => relative(recorded.receivedPath, path));
}

/** The recordings, to be damaged. */
async function copyRecordings(t: TestContext): Promise<string> {
  const folder = await makeFolder(t);
  await cp(recorded.receivedPath, folder, { recursive: true });
  return folder;
}

async function flipByte(path: string, offset: number): Promise<void> {
  const file = await open(path, "r+");
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset);
  await file.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, offset);
  await file.close();
}

const allGood = /^3 segments, 10\.1 s of audio, 88800 bytes of frames: all as they should be\n$/;

describe("eet verify", () => {
  it("exits with 0 when all is as recorded", async () => {
    const { exitCode, out, err } = await runEet(["verify", recorded.receivedPath]);
    assert.deepEqual([exitCode, err], [0, ""]);
    assert.match(out, allGood);
  });

  it("looks into the data folder of the settings by default", async () => {
    const { exitCode, out } = await runEet(["verify"], { folder: recorded.path });
    assert.equal(exitCode, 0);
    assert.match(out, allGood);
  });

  it("exits with 1 for a flipped bit, naming the segment", async (t) => {
    const folder = await copyRecordings(t);
    const [first, second] = segmentNames();
    await flipByte(join(folder, `${second}.bin`), 1000);
    await flipByte(join(folder, `${first}.wav`), 1000);
    const { exitCode, out } = await runEet(["verify", folder]);
    assert.equal(exitCode, 1);
    assert.deepEqual(out.split("\n").sort(), [
      "",
      "3 segments, 10.1 s of audio, 88800 bytes of frames: 2 with problems",
      `${first}: the .wav has the right size but another SHA-256 than the sidecar says`,
      `${second}: the .bin has the right size but another SHA-256 than the sidecar says`,
    ]);
  });

  it("misses a file that is gone", async (t) => {
    const folder = await copyRecordings(t);
    const [first] = segmentNames();
    await rm(join(folder, `${first}.json`));
    const { exitCode, out } = await runEet(["verify", folder]);
    assert.equal(exitCode, 1);
    assert.ok(out.startsWith(`${first}: the sidecar (.json) is missing\n`), out);
  });

  it("gives programs a line per segment and the summary apart", async () => {
    const { exitCode, out, err } = await runEet(["verify", "--json", recorded.receivedPath]);
    assert.equal(exitCode, 0);
    const verdicts: readonly { readonly segment: string; readonly problems: unknown }[] = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(verdicts.map(({ segment }) => segment).sort(), segmentNames());
    assert.deepEqual(
      verdicts.flatMap(({ problems }) => problems),
      [],
    );
    assert.match(err, allGood);
  });

  it("counts on a terminal while it works, and wipes the count", async () => {
    const { err } = await runEet(["verify", recorded.receivedPath], { isTty: true });
    assert.equal(err, "\r1 segment\r2 segments\r3 segments\r\x1b[K");
  });

  it("says what else than recordings it was given", async (t) => {
    const folder = await makeFolder(t);
    await mkdir(join(folder, "empty"));
    const file = `${recorded.segments[0]}.bin`;
    const missing = join(folder, "missing");
    const words = [
      [missing, 1, `eet verify: ${missing} does not exist; give the path of a folder with recordings\n`],
      [file, 1, `eet verify: ${file} is a file; give the path of the folder it is in\n`],
      [folder, 0, `nothing to check: no segment lies below ${folder}\n`],
    ] as const;
    for (const [path, expectedCode, text] of words) {
      const { exitCode, out, err } = await runEet(["verify", path]);
      assert.deepEqual([exitCode, out + err], [expectedCode, text]);
    }
  });

  it("ends at Ctrl-C with 130", async () => {
    const interruption = AbortSignal.abort();
    const { exitCode, err } = await runEet(["verify", recorded.receivedPath], { interruption });
    assert.deepEqual([exitCode, err], [130, "eet verify: interrupted after 1 segment\n"]);
  });
});
