import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { roundTripAdpcm } from "./support/python-oracle.ts";
import { findFaults, joinWavs, type RecordedSegment, readSegments, splitFrames } from "./support/recordings.ts";
import { ServerProcess } from "./support/server-process.ts";
import { readSpeech, speechPath } from "./support/source-audio.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";
import { skipWithout } from "./support/tools.ts";

const skip = skipWithout("/usr/bin/python3");
/** The client in a hurry: it grows its waits to half a minute, which would be the length of these tests. */
const impatientClient =
  "import sys, durable_client; durable_client.LONGEST_WAIT_S = 1; sys.exit(durable_client.main())";
const clientFolder = fileURLToPath(new URL("../examples/python", import.meta.url));
const speech = await readSpeech();
const frameBytes = 640;
const frameCount = Math.ceil(speech.length / frameBytes);
/** Close to the wrap, which then comes in the middle of the speech. */
const firstSeq = 2 ** 32 - 200;

/** A client that runs while the test goes on. Disposing of it kills it. */
class RunningClient implements AsyncDisposable {
  readonly #child;
  readonly #lines: AsyncIterator<string>;
  /** Settles with the exit code when the client ends by itself. */
  readonly exited: Promise<number | null>;
  /** What came on standard error. */
  readonly errors: string[] = [];

  constructor(...args: readonly string[]) {
    this.#child = spawn("/usr/bin/python3", ["-W", "ignore", "-c", impatientClient, "--wav", speechPath, ...args], {
      cwd: clientFolder,
      env: { PATH: process.env["PATH"] },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.exited = once(this.#child, "close").then(([code]) => code);
    const reader = createInterface(this.#child.stderr);
    reader.on("line", (line) => this.errors.push(line));
    this.#lines = reader[Symbol.asyncIterator]();
  }

  /** Waits for a line of progress whose count of `what`, such as "durable", is at least `count`. */
  async reports(what: string, count: number): Promise<void> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      assert.ok(!done, `the client ended before ${count} frames were ${what}: ${this.errors.join("\n")}`);
      if (Number(new RegExp(`(\\d+) ${what}`).exec(value)?.[1] ?? 0) >= count) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}

function startServer(folder: string, port = 0): Promise<ServerProcess> {
  return ServerProcess.start({ folder, flags: ["--port", String(port)] });
}

/** The segments of the one session that must be there, after their files were found to be as they should. */
async function readSession(t: TestContext, folder: string): Promise<readonly RecordedSegment[]> {
  const received = `${folder}/data/received`;
  assert.deepEqual(await findFaults(received), []);
  const segments = await readSegments(received);
  assert.equal(new Set(segments.map(({ sidecar }) => sidecar.session)).size, 1, "sessions");
  t.diagnostic(`${segments.length} segments: ${segments.map(({ sidecar }) => sidecar.close_reason).join(", ")}`);
  return segments;
}

/** The numbers of all frames on disk, from 0 on, in the order of the segments. */
async function readFrameNumbers(segments: readonly RecordedSegment[], first: number): Promise<readonly number[]> {
  const files = await Promise.all(segments.map(({ path }) => readFile(`${path}.bin`)));
  return files.flatMap((bytes) => splitFrames(bytes).map(({ seq }) => (seq - first) >>> 0));
}

describe("the durable Python client against the server", () => {
  it("has live audio recorded once and whole though the server is killed", { skip }, async (t) => {
    await using folder = await makeTemporaryFolder();
    await using first = await startServer(folder.path);
    const args = ["--url", first.url, "--hwid", "mic", "--codec", "pcm", "--live", "--first-seq", String(firstSeq)];
    await using client = new RunningClient(...args);
    await client.reports("durable", 100);
    await first.kill();
    await using second = await startServer(folder.path, first.port);
    assert.equal(await client.exited, 0, client.errors.join("\n"));
    assert.equal(await second.stop(), 0, second.errors);
    const segments = await readSession(t, folder.path);
    assert.deepEqual(await readFrameNumbers(segments, firstSeq), [...Array(frameCount).keys()]);
    assert.ok((await joinWavs(segments)).equals(speech));
  });

  it("has a file wait for the server that restarts", { skip }, async (t) => {
    await using folder = await makeTemporaryFolder();
    await using first = await startServer(folder.path);
    await using client = new RunningClient("--url", first.url, "--hwid", "file", "--buffer-s", "4");
    await client.reports("durable", 100);
    assert.equal(await first.stop(), 0, first.errors);
    await using second = await startServer(folder.path, first.port);
    assert.equal(await client.exited, 0, client.errors.join("\n"));
    assert.equal(await second.stop(), 0, second.errors);
    const segments = await readSession(t, folder.path);
    assert.deepEqual(await readFrameNumbers(segments, 0), [...Array(frameCount).keys()]);
    const plan = { frameSampleCount: frameBytes / 2, sampleCount: speech.length / 2 };
    assert.ok((await joinWavs(segments)).equals(roundTripAdpcm(speech, plan)));
  });

  it("has the place kept of live audio that it could not hold", { skip }, async (t) => {
    await using folder = await makeTemporaryFolder();
    await using first = await startServer(folder.path);
    const args = ["--url", first.url, "--hwid", "mic", "--codec", "pcm", "--live", "--buffer-s", "4"];
    await using client = new RunningClient(...args);
    await client.reports("durable", 50);
    await first.kill();
    await client.reports("dropped", 1);
    await using second = await startServer(folder.path, first.port);
    assert.equal(await client.exited, 1, client.errors.join("\n"));
    assert.equal(await second.stop(), 0, second.errors);
    const segments = await readSession(t, folder.path);
    const gaps = segments.flatMap(({ sidecar }) => sidecar.gaps);
    assert.deepEqual(
      gaps.map(({ cause }) => cause),
      ["device-dropped"],
    );
    const [{ from_seq: from, to_seq: to } = { from_seq: 0, to_seq: 0 }] = gaps;
    const kept = [...Array(frameCount).keys()].filter((number) => number < from || number >= to);
    assert.deepEqual(await readFrameNumbers(segments, 0), kept);
    const withSilence = Buffer.from(speech).fill(0, from * frameBytes, to * frameBytes);
    assert.ok((await joinWavs(segments)).equals(withSilence));
  });
});
