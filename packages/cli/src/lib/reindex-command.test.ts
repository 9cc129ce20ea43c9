import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cp, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { reindexFolder, silentLog } from "@eet/server";
import { runEet } from "./command-harness.test-support.ts";
import { makeFolder, openServer, type RecordedFolder, recordSpeech } from "./recorded-folder.test-support.ts";

let recorded: RecordedFolder;
before(async () => {
  recorded = await recordSpeech();
});
after(() => recorded.remove());

const rebuilt = "catalogue rebuilt: 3 segments, 1 session, 1 device\n";

describe("eet reindex", () => {
  it("builds a catalogue that is gone from the sidecars", async () => {
    const catalogPath = join(recorded.path, "data", "catalog.db");
    await rm(catalogPath);
    const outcome = await runEet(["reindex"], { folder: recorded.path });
    assert.deepEqual(outcome, { exitCode: 0, out: rebuilt, err: "" });
    assert.ok(existsSync(catalogPath));
    const server = await openServer(recorded.path);
    await server.close();
  });

  it("builds one that is there anew, with the same outcome", async (t) => {
    const folder = await makeFolder(t);
    const args = ["reindex", "--data", join(recorded.path, "data")];
    assert.deepEqual(await runEet(args, { folder }), { exitCode: 0, out: rebuilt, err: "" });
    assert.deepEqual(await runEet(args, { folder }), { exitCode: 0, out: rebuilt, err: "" });
  });

  it("leaves out recordings that were copied to another folder, counts them and deletes nothing", async (t) => {
    const folder = await makeFolder(t);
    const data = join(folder, "data");
    await cp(join(recorded.path, "data", "received"), join(data, "received"), { recursive: true });
    // In order of paths before `kitchen`; of the third segment the sidecar alone.
    const [archive, kitchen] = ["archive", "kitchen"].map((name) => join(data, "received", name)) as [string, string];
    await cp(kitchen, archive, { recursive: true });
    const third = basename(recorded.segments[2] ?? "");
    await rm(join(archive, `${third}.bin`));
    const received = async () => (await readdir(join(data, "received"), { recursive: true })).sort();
    const before = await received();
    const { exitCode, out } = await runEet(["reindex", "--data", data], { folder });
    const leftOut = "3 copies of segments are left out, as another folder has the same; nothing is deleted";
    assert.deepEqual([exitCode, out], [0, `${rebuilt}${leftOut}; the log names each\n`]);
    assert.deepEqual(await received(), before);
    const named: unknown[] = [];
    const log = { ...silentLog, warn: (fields: { readonly copy?: unknown }) => named.push(fields.copy) };
    await rm(join(data, "catalog.db"));
    assert.deepEqual(await reindexFolder(data, log, () => {}), { segments: 3, sessions: 1, devices: 1, copies: 3 });
    const [first, second] = recorded.segments.map((path) => basename(path));
    assert.deepEqual(named, [`kitchen/${first}`, `kitchen/${second}`, `archive/${third}`]);
  });

  it("is refused while a server runs", async (t) => {
    const server = await openServer(recorded.path);
    t.after(() => server.close());
    const { exitCode, out, err } = await runEet(["reindex"], { folder: recorded.path });
    assert.deepEqual([exitCode, out], [1, ""]);
    assert.match(err, /^eet reindex: .*data is in use by pid \d+ on .*\. Stop the other server, or .*\n$/);
  });

  it("refuses a folder that is no data folder, and leaves it as it is", async (t) => {
    const folder = await makeFolder(t);
    const dataFolder = join(folder, "dta");
    const { exitCode, out, err } = await runEet(["reindex", "--data", dataFolder], { folder });
    const refusal = `${dataFolder} is no data folder, it has no received/ in it; name the right one with --data`;
    assert.deepEqual([exitCode, out, err], [1, "", `eet reindex: ${refusal}\n`]);
    assert.deepEqual(await readdir(folder), []);
  });

  it("does not go on with bad settings", async () => {
    const { exitCode, err } = await runEet(["reindex"], { folder: recorded.path, env: { EET_PORT: "x" } });
    assert.equal(exitCode, 1);
    assert.match(err, /^eet reindex: a setting is wrong:\n {2}Server:Port cannot be "x"/);
  });
});
