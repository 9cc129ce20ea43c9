import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { backUp, restoreBackup } from "@eet/server";
import { DeviceFleet } from "../../../../test/support/device-fleet.ts";
import { MemoryDisk, skipWithoutMount } from "../../../../test/support/mounted-disk.ts";
import { OpenServer } from "../../../../test/support/open-server.ts";
import { listFiles } from "../../../../test/support/recordings.ts";
import { ServerProcess } from "../../../../test/support/server-process.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { untilEvent } from "../../../../test/support/until-event.ts";
import { runEet } from "./command-harness.test-support.ts";

const main = join(import.meta.dirname, "../main.ts");

interface Report {
  readonly segmentCount: number;
  readonly linkedCount: number;
  readonly copiedCount: number;
  readonly keptCount: number;
  readonly prunedCount: number;
  readonly gone: readonly string[];
  readonly damaged: readonly string[];
}

/** Runs it to its end, which must be good. */
async function eet(folder: string, ...args: readonly string[]): Promise<string> {
  const { exitCode, out, err } = await runEet(args, { folder });
  assert.equal(exitCode, 0, `eet ${args.join(" ")}: ${out}${err}`);
  return out;
}

const report = async (folder: string, ...args: readonly string[]): Promise<Report> =>
  JSON.parse(await eet(folder, ...args, "--json"));

/** What a server that starts on a data folder has in its catalogue. */
async function countSegments(folder: string, data: string): Promise<number> {
  await using server = await OpenServer.open(folder, { data: join(folder, data) });
  await server.line("recovery done");
  assert.equal((await fetch(`http://127.0.0.1:${server.port}/readyz`)).status, 200);
  return await countLocal(`http://127.0.0.1:${server.port}`);
}

/** Segments of which a running server has the files. */
async function countLocal(origin: string): Promise<number> {
  const metrics = await (await fetch(`${origin}/metrics`)).text();
  return Number(/^eet_segments\{state="local"\} (\d+)$/m.exec(metrics)?.[1]);
}

let folder: TemporaryFolder;
/** What was backed up last while devices were sending. */
let backedUp: Report;
before(async () => {
  folder = await makeTemporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path, flags: ["--rotate-s", "0.5"] });
  await using _fleet = await DeviceFleet.open(server.url, "mic", 20);
  const origin = `http://127.0.0.1:${server.port}`;
  await untilEvent(origin, "segment.closed", "mic-0");
  const first = await report(folder.path, "backup", "backup");
  await untilEvent(origin, "segment.closed", "mic-0", async () => (await countLocal(origin)) > first.segmentCount);
  const second = await report(folder.path, "backup", "backup");
  assert.ok(second.segmentCount > first.segmentCount, "it goes on recording meanwhile");
  assert.ok(second.keptCount >= 3 * first.segmentCount, "what was there is not taken again");
  assert.equal(second.linkedCount, 3 * (second.segmentCount - first.segmentCount), "the same disk: linked");
  backedUp = second;
  assert.equal(await server.stop(), 0, server.errors);
});
after(() => folder[Symbol.asyncDispose]());

describe("eet backup", () => {
  it("backs up under load: restored elsewhere, `eet verify` finds it as it should be, and a server starts on it", async () => {
    const { segmentCount } = backedUp;
    const restored = await report(folder.path, "restore", "backup", "--data", "restored");
    assert.deepEqual([restored.segmentCount, restored.gone, restored.damaged], [segmentCount, [], []]);
    const verdict = await eet(folder.path, "verify", join(folder.path, "restored/received"));
    assert.match(verdict, new RegExp(`^${segmentCount} segments, .*: all as they should be\n$`));
    assert.deepEqual((await listFiles(join(folder.path, "restored/received"))).length, 3 * segmentCount);
    assert.equal(await countSegments(folder.path, "restored"), segmentCount);
  });

  it("lets one backup at a time write to a folder", async () => {
    const args = [main, "backup", "backup"];
    let answer = "";
    const onProgress = () => {
      answer ||= spawnSync(process.execPath, args, { cwd: folder.path, encoding: "utf8", timeout: 30_000 }).stderr;
    };
    const { signal } = new AbortController();
    const [dataFolder, target] = [join(folder.path, "data"), join(folder.path, "backup")];
    await backUp({ dataFolder, target, onProgress, signal });
    assert.match(answer, /another backup writes to .*backup: pid \d+ on .*; wait for its end\n$/);
    await eet(folder.path, "backup", "backup");
  });

  it("holds the folder that it restores: nothing else starts there, also once it was interrupted", async () => {
    const dataFolder = join(folder.path, "held");
    const interruption = new AbortController();
    let answer = "";
    const onProgress = () => {
      if (interruption.signal.aborted) return;
      // Waited for: the restoration stands still meanwhile.
      const args = [main, "serve", "--port", "0", "--data", dataFolder];
      answer = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 30_000 }).stderr;
      interruption.abort(new Error("interrupted"));
    };
    const source = join(folder.path, "backup");
    const restoration = restoreBackup({ source, dataFolder, onProgress, signal: interruption.signal });
    await assert.rejects(restoration, /interrupted/);
    assert.match(answer, /held is in use by pid/);
    await assert.rejects(OpenServer.open(folder.path, { data: dataFolder }), { code: "RESTORE_UNFINISHED" });
    const { exitCode, err } = await runEet(["reindex", "--data", "held"], { folder: folder.path });
    assert.equal(exitCode, 1);
    assert.match(err, /held is half restored.*run `eet restore` again/is);
    const { segmentCount, gone } = await report(folder.path, "restore", "backup", "--data", "held");
    assert.deepEqual(gone, []);
    assert.equal(await countSegments(folder.path, "held"), segmentCount);
  });

  it("leaves a folder alone that a server runs on", async () => {
    const dataFolder = join(folder.path, "running");
    await using _server = await OpenServer.open(folder.path, { data: dataFolder });
    await writeFile(join(dataFolder, "eet-restoring.json"), "{}");
    const { exitCode, err } = await runEet(["restore", "backup", "--data", "running"], { folder: folder.path });
    assert.equal(exitCode, 1);
    assert.match(err, /running is in use by pid \d+/);
  });

  it("takes the rest along when it is run again, and prunes what is gone only when told", async () => {
    const last = await report(folder.path, "backup", "backup");
    assert.ok(last.segmentCount > backedUp.segmentCount);
    const device = join(folder.path, "backup/received/mic-0");
    const stray = join(device, "stream_0_mic-0_20200101_000000_gone-0.bin");
    await writeFile(stray, "of a segment that was deleted");
    assert.equal((await report(folder.path, "backup", "backup")).prunedCount, 0);
    assert.equal((await report(folder.path, "backup", "backup", "--prune")).prunedCount, 1);
    const text = await eet(folder.path, "backup", "backup");
    assert.equal(
      text,
      `backed up: ${last.segmentCount} segments; 0 files copied, 0 linked (0 B), ${3 * last.segmentCount} were there\n`,
    );
  });

  it("copies to another disk, compared with the SHA-256, and names what is damaged or missing", {
    skip: skipWithoutMount(),
  }, async () => {
    await using disk = await MemoryDisk.create(join(folder.path, "disk"), 256);
    const target = join(disk.path, "backup");
    const names = (await readdir(join(folder.path, "data/received/mic-1")))
      .filter((name) => name.endsWith(".bin"))
      .sort();
    const [first = "", second = ""] = names.map((name) => join(folder.path, "data/received/mic-1", name));
    const [firstBytes, secondBytes] = [await readFile(first), await readFile(second)];
    await writeFile(first, Buffer.from(firstBytes).fill(0xee, 20, 40));
    await rm(second);
    const { exitCode, out } = await runEet(["backup", target, "--json"], { folder: folder.path });
    assert.equal(exitCode, 1);
    const { segmentCount, copiedCount, gone, damaged }: Report = JSON.parse(out);
    assert.deepEqual(gone, [join("mic-1", names[1] ?? "")]);
    assert.ok(damaged.length >= 1 && damaged.every((line) => line.endsWith("has other bytes than the catalogue says")));
    assert.equal(copiedCount, 3 * segmentCount - 2);
    // Written anew: the backup on this disk has the same file under another name.
    for (const [path, bytes] of [
      [first, firstBytes],
      [second, secondBytes],
    ] as const) {
      await rm(path, { force: true });
      await writeFile(path, bytes);
    }
    assert.equal((await report(folder.path, "backup", target)).copiedCount, 2);
    assert.match(await eet(folder.path, "verify", join(target, "received")), /: all as they should be\n$/);
  });

  it("refuses folders that are something else", async () => {
    await mkdir(join(folder.path, "other"));
    await writeFile(join(folder.path, "other/file"), "");
    const fails = async (expected: RegExp, ...args: readonly string[]) => {
      const { exitCode, err } = await runEet(args, { folder: folder.path });
      assert.equal(exitCode, 1);
      assert.match(err, expected);
    };
    await fails(/other is no backup, it has no eet-backup\.json in it; name another folder/, "backup", "other");
    await fails(/lie within each other/, "backup", "data/backup");
    await fails(/nowhere is no data folder/, "backup", "backup", "--data", "nowhere");
    await fails(/other is no backup/, "restore", "other", "--data", "new");
    await mkdir(join(folder.path, "damaged"));
    for (const text of ["{", "null", "[1]", '{"format":[]}']) {
      await writeFile(join(folder.path, "damaged/eet-backup.json"), text);
      await fails(
        /eet-backup\.json (?:is damaged|says ).*this version knows eet\.backup-1/,
        "restore",
        "damaged",
        "--data",
        "new",
      );
    }
    await fails(/data is not empty; name a new folder/, "restore", "backup");
    assert.ok((await stat(join(folder.path, "data/catalog.db"))).size > 0);
  });
});
