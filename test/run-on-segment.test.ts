import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { DeviceFleet } from "./support/device-fleet.ts";
import { readSegments } from "./support/recordings.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const rotate = ["--rotate-s", "1"];

/** Lines of a file that commands write. */
async function readRuns(folder: string): Promise<readonly string[]> {
  const text = await readFile(join(folder, "runs"), "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

/** A line of the log that a command wrote. */
const isSaid = (text: string) => (line: Readonly<Record<string, unknown>>) =>
  line["msg"] === "run-on-segment" && line["line"] === text;

describe("run-on-segment", () => {
  it("runs a command per segment with its facts, its output logged, again after a kill", async () => {
    await using folder = await makeTemporaryFolder();
    // The first run of the second server is of a segment that the first one has closed.
    const command =
      'test -s "$EET_BIN" && test -s "$EET_WAV" && test -s "$EET_JSON" && ' +
      'echo "$EET_HWID|$EET_INDEX|$EET_SAMPLES|$EET_SAMPLE_RATE_HZ|$EET_CHANNELS|$EET_BIN|$EET_START|$EET_RUN_ON_SEGMENT$NODE_COMPILE_CACHE|end" >> runs && ' +
      'echo "done $EET_NAME"';
    const flags = [...rotate, "--run-on-segment", command];
    {
      await using server = await ServerProcess.start({ folder: folder.path, flags });
      await using fleet = await DeviceFleet.open(server.url, "mic", 2);
      await server.line((line) => line["msg"] === "run-on-segment");
      await server.kill();
      await fleet.ended();
    }
    await using server = await ServerProcess.start({ folder: folder.path, flags });
    await server.recovered();
    const segments = await readSegments(`${folder.path}/data/received`);
    const said = new Set((await readRuns(folder.path)).map((line) => line.split("|")[5]));
    for (const { path, sidecar } of segments)
      if (!said.has(`${path}.bin`)) await server.line(isSaid(`done ${sidecar.name}`));
    const runs = await readRuns(folder.path);
    for (const { path, sidecar } of segments) {
      const own = new Set(runs.filter((run) => run.includes(`|${path}.bin|`)));
      const { hwid, index, samples, audio, time } = sidecar;
      const facts = [hwid, index, samples, audio.sample_rate_hz, audio.channels, `${path}.bin`];
      assert.deepEqual([...own], [[...facts, new Date(time.start_ms).toISOString(), "", "end"].join("|")]);
    }
    assert.equal(new Set(runs).size, segments.length);
  });

  it("ends commands that take too long, and lets none outlive the server", async () => {
    await using folder = await makeTemporaryFolder();
    const marker = "86399";
    // One in the background as well, which ends with the rest.
    const command = `echo started; sleep ${marker} & sleep ${marker}`;
    const limits = ["--run-timeout-s", "0.3", "--shutdown-timeout-s", "0.2"];
    const flags = [...rotate, ...limits, "--run-on-segment", command];
    await using server = await ServerProcess.start({ folder: folder.path, flags });
    await using fleet = await DeviceFleet.open(server.url, "mic", 1);
    const failure = await server.line((line) => line["target"] === "run-on-segment");
    assert.equal(failure["reason"], "the command took longer than 0.3 s");
    await server.nextLine(isSaid("started"));
    assert.equal(await server.stop(), 0);
    await fleet.ended();
    const { stdout } = await promisify(execFile)("ps", ["-eo", "args"]);
    assert.ok(!stdout.split("\n").some((line) => line.trim() === `sleep ${marker}`), "a command is left");
  });

  it("runs no more at the same time than it is told, of one device one", async () => {
    await using folder = await makeTemporaryFolder();
    const command = 'echo "begin $EET_HWID" >> runs; sleep 0.3; echo "end $EET_HWID" >> runs';
    const flags = [...rotate, "--run-concurrency", "2", "--run-on-segment", command];
    await using server = await ServerProcess.start({ folder: folder.path, flags });
    await using fleet = await DeviceFleet.open(server.url, "mic", 4);
    let runs: readonly string[] = [];
    for (let tickCount = 10; runs.length < 24; tickCount += 10) {
      await fleet.ticked(tickCount);
      runs = await readRuns(folder.path);
    }
    await fleet[Symbol.asyncDispose]();
    assert.equal(await server.stop(), 0);
    const running: string[] = [];
    let most = 0;
    for (const run of runs) {
      const [mark, hwid = ""] = run.split(" ");
      if (mark === "begin") {
        assert.ok(!running.includes(hwid), `two at once of ${hwid}`);
        running.push(hwid);
      } else running.splice(running.indexOf(hwid), 1);
      most = Math.max(most, running.length);
    }
    assert.equal(most, 2);
  });

  it("lets a command run eet, whose settings the variables are not", async () => {
    await using folder = await makeTemporaryFolder();
    const cli = join(import.meta.dirname, "..", "packages", "cli", "src", "main.ts");
    const command = `'${process.execPath}' '${cli}' config > /dev/null && echo config works`;
    const flags = [...rotate, "--run-on-segment", command];
    await using server = await ServerProcess.start({ folder: folder.path, flags });
    await using fleet = await DeviceFleet.open(server.url, "mic", 1);
    await server.line(isSaid("config works"));
    await fleet[Symbol.asyncDispose]();
    assert.equal(await server.stop(), 0);
  });
});
