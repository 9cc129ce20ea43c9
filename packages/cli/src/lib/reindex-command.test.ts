import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
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
