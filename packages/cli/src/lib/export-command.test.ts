import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { runEet } from "./command-harness.test-support.ts";
import { dataOf, TestLibrary } from "./library/library.test-support.ts";
import { makeFolder } from "./recorded-folder.test-support.ts";

const rateHz = 16_000;

let library: TestLibrary;
let samples: Buffer;
/** Wall time of the first sample. */
let startMs: number;
before(async () => {
  library = await TestLibrary.open();
  samples = await library.samples();
  const [first] = (await runEet(["ls", "kitchen", "--json", "--url", library.url])).out.split("\n");
  startMs = Date.parse(JSON.parse(first ?? "").start);
});
after(() => library.close());

/** Options of a range that begins and ends so many samples behind the first. */
function range(fromSample: number, toSample: number): string[] {
  const time = (sample: number) => new Date(startMs + (sample * 1000) / rateHz).toISOString();
  return ["--from", time(fromSample), "--to", time(toSample)];
}

/** Exports to a file of its own, by both ways. */
async function exportBoth(t: TestContext, args: readonly string[]) {
  const folder = await makeFolder(t);
  const places = [
    ["--url", library.url],
    ["--data", library.data],
  ];
  const results = [];
  for (const [at, place] of places.entries()) {
    const path = join(folder, `${at}.out`);
    const outcome = await runEet(["export", "kitchen", ...args, "-o", path, ...place], { folder });
    results.push({ ...outcome, path });
  }
  return { folder, results };
}

/** Sample at which a range of those that were streamed begins; the grid may lie a sample beside the ms. */
function placeOf(part: Buffer, aboutSample: number): number {
  for (const sample of [aboutSample, aboutSample - 1, aboutSample + 1, aboutSample + 2]) {
    if (samples.subarray(sample * 2, sample * 2 + part.length).equals(part)) return sample;
  }
  return -1;
}

describe("eet export", () => {
  it("writes the samples that were streamed, across segments, as WAV and raw", async (t) => {
    // From within the first segment into the third.
    const args = range(48_000, 144_000);
    const wav = await exportBoth(t, args);
    for (const { exitCode, out, err, path } of wav.results) {
      assert.deepEqual([exitCode, err], [0, ""]);
      assert.match(
        out,
        /^written +\S+, wav, 19\d kB\nrange +\S+T\S+[+-]\d\d:\d\d to \S+T\S+[+-]\d\d:\d\d\naudio +6\.00 s, 96000 samples a channel, 16000 Hz, 1 channel\n/,
      );
      assert.match(out, /\ngaps +none\n$/);
      const file = await readFile(path);
      assert.equal(dataOf(file).length, 192_000);
      assert.notEqual(placeOf(dataOf(file), 48_000), -1);
    }
    const raw = await exportBoth(t, [...args, "--format", "raw"]);
    for (const { path } of raw.results) {
      assert.deepEqual(await readFile(path), dataOf(await readFile(wav.results[0]?.path ?? "")));
    }
    assert.deepEqual((await readdir(wav.folder)).sort(), ["0.out", "1.out"]);
  });

  it("writes FLAC of the same length from both", async (t) => {
    const { results } = await exportBoth(t, [...range(0, 32_000), "--format", "flac"]);
    for (const { exitCode, out, path } of results) {
      assert.equal(exitCode, 0);
      assert.match(out, /, flac, .*\n.*\naudio +2\.00 s, 32000 samples/);
      assert.equal((await readFile(path)).subarray(0, 4).toString(), "fLaC");
    }
  });

  it("tells what is missing as JSON, as silence or left out", async (t) => {
    // A second before the first sample.
    const args = [...range(-16_000, 16_000), "--json"];
    for (const [gaps, sampleCount] of [
      ["silence", 32_000],
      ["list", 16_000],
    ] as const) {
      const { results } = await exportBoth(t, [...args, "--gaps", gaps]);
      for (const { out, path } of results) {
        const facts = JSON.parse(out);
        assert.deepEqual([facts.file, facts.samples, facts.gap_count], [path, sampleCount, 1]);
        assert.equal(Math.round(facts.gap_samples / 100), 160);
        assert.equal(facts.gaps[0].cause, "not-recorded");
        assert.ok(Math.abs(facts.gaps[0].duration_s - 1) < 0.001);
        assert.equal(dataOf(await readFile(path)).length, 2 * sampleCount);
      }
    }
  });

  it("writes to standard output for -, and what it says to the other", async () => {
    for (const { exitCode, out, err, bytes } of await library.both([
      ...["export", "kitchen", ...range(0, 16_000), "-o", "-", "--format", "raw"],
    ])) {
      assert.deepEqual([exitCode, out], [0, ""]);
      assert.match(err, /^written +standard output, raw, 32\.0 kB\n/);
      assert.deepEqual(bytes, samples.subarray(0, 32_000));
    }
  });

  it("writes over nothing unless it is forced, and leaves no half file", async (t) => {
    const folder = await makeFolder(t);
    const path = join(folder, "there.wav");
    await writeFile(path, "mine");
    const args = ["export", "kitchen", ...range(0, 16_000), "-o", "there.wav", "--url", library.url];
    const refused = await runEet(args, { folder });
    assert.equal(refused.exitCode, 1);
    assert.match(
      refused.err,
      /there\.wav is there already; write over it with --force, or name another file with -o\n$/,
    );
    assert.equal(await readFile(path, "utf8"), "mine");
    const nothing = ["export", "kitchen", "--from", "2001-01-01", "--to", "2001-01-02", "-o", "there.wav", "--force"];
    for (const place of [
      ["--url", library.url],
      ["--data", library.data],
    ]) {
      const empty = await runEet([...nothing, ...place], { folder });
      assert.equal(empty.exitCode, 1);
      assert.match(empty.err, /^eet export: RANGE_EMPTY: .+\. .+\n$/);
    }
    assert.deepEqual(await readdir(folder), ["there.wav"]);
    assert.equal(await readFile(path, "utf8"), "mine");
    assert.equal((await runEet([...args, "--force"], { folder })).exitCode, 0);
    assert.equal(dataOf(await readFile(path)).length, 32_000);
  });

  it("says what is wrong with the place of the file, and leaves nothing there", async (t) => {
    const folder = await makeFolder(t);
    await writeFile(join(folder, "file"), "mine");
    for (const [output, expected] of [
      ["missing/x.wav", /missing is no folder; make it first, or name another file with -o\n$/],
      ["file/x.wav", /file is no folder; make it first, or name another file with -o\n$/],
      [".", /is a folder; name a file in it with -o\n$/],
    ] as const) {
      const args = ["export", "kitchen", ...range(0, 16_000), "-o", output, "--force", "--url", library.url];
      const { exitCode, out, err } = await runEet(args, { folder });
      assert.deepEqual([exitCode, out], [1, ""]);
      assert.match(err, /^eet export: \//);
      assert.match(err, expected);
    }
    assert.deepEqual(await readdir(folder), ["file"]);
  });

  it("writes what one session recorded, and names the options in what it refuses", async (t) => {
    const facts = await exportBoth(t, [...range(0, 16_000), "--json"]);
    const [session = ""] = JSON.parse(facts.results[0]?.out ?? "").sessions;
    const { results } = await exportBoth(t, [...range(0, 16_000), "--session", session, "--format", "raw"]);
    for (const { exitCode, path } of results) {
      assert.equal(exitCode, 0);
      assert.deepEqual(await readFile(path), samples.subarray(0, 32_000));
    }
    for (const { exitCode, err } of (await exportBoth(t, [...range(0, 16_000), "--session", "nothing"])).results) {
      assert.equal(exitCode, 1);
      assert.match(err, /^eet export: RANGE_EMPTY: there is no session nothing\. /);
    }
    const folder = await makeFolder(t);
    const wrong = await runEet(["export", "kitchen", "--from", "-1m", "-o", "a", "--session", "A B"], { folder });
    assert.equal(wrong.exitCode, 2);
    const unknown = await runEet(["export", "attic", "--from", "-1m", "-o", "a", "--url", library.url], { folder });
    assert.match(unknown.err, /^eet export: RESOURCE_UNKNOWN: the device "attic" is not known\. `eet devices` lists /);
    assert.deepEqual(await readdir(folder), []);
  });

  it("shows how far it is where somebody watches", async (t) => {
    const folder = await makeFolder(t);
    const args = ["export", "kitchen", ...range(0, 160_000), "-o", "a.wav", "--url", library.url];
    const { err } = await runEet(args, { folder, isTty: true });
    assert.match(err, /exported 32\d kB of 32\d kB \(100 %\)\n/);
  });

  it("says so when the server goes away, and leaves no half file", async (t) => {
    const folder = await makeFolder(t);
    const server = createServer((_request, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("half", () => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { exitCode, err } = await runEet(["export", "kitchen", "--from", "-1m", "-o", "a", "--url", url], { folder });
    assert.equal(exitCode, 1);
    assert.match(err, /eet export: the audio ended before its end \(.+\); run it again\n$/);
    assert.deepEqual(await readdir(folder), []);
  });

  it("ends at once when it is interrupted", async (t) => {
    const folder = await makeFolder(t);
    const args = ["export", "kitchen", ...range(0, 160_000), "-o", "a.wav", "--url", library.url];
    const { exitCode } = await runEet(args, { folder, interruption: AbortSignal.abort() });
    assert.equal(exitCode, 130);
    assert.deepEqual(await readdir(folder), []);
  });
});
