import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { runEet } from "./command-harness.test-support.ts";
import { TestLibrary } from "./library/library.test-support.ts";

/** A tenth of a second. */
const hardlyAnyAgeD = 0.1 / 86_400;

let library: TestLibrary;
beforeEach(async () => {
  library = await TestLibrary.open();
});
afterEach(() => library.close());

async function fileCount(): Promise<number> {
  return (await readdir(join(library.recorded.receivedPath, "kitchen"))).length;
}

describe("eet retention", () => {
  it("has nothing to do without quotas, and says how long the disk lasts", async () => {
    for (const { exitCode, out, err } of await library.both(["retention"])) {
      assert.deepEqual([exitCode, err], [0, ""]);
      assert.match(
        out,
        /^nothing is past its quota\n414 kB on this disk; at the rate of the last hour it lasts: .+\n$/,
      );
    }
  });

  it("shows what a folder's settings would remove and why, and removes it when no server runs", async () => {
    // The audio ends 10 s in the future, as it was streamed faster than it was made: a size takes what no age does.
    const devices = { kitchen: { RetentionMaxGb: 0.0003 } };
    await writeFile(join(library.recorded.path, "appsettings.json"), JSON.stringify({ Devices: devices }));
    const folder = library.recorded.path;
    const plan = await runEet(["retention", "--dry-run", "--data", library.data], { folder });
    assert.equal(plan.exitCode, 0);
    const row = "kitchen +would be deleted for good +1 +164 kB +\\d{4}-.* +more than 0.3 MB of the device\n";
    assert.match(
      plan.out,
      new RegExp(`^device +what +segments +size +oldest \\(\\S+\\) +why\\n${row}414 kB on this disk`),
    );
    assert.equal(await fileCount(), 9);

    const refused = await runEet(["retention", "--run", "--data", library.data], { folder });
    assert.equal(refused.exitCode, 1);
    assert.match(refused.err, /data is in use by pid \d+/);
    await library.stopServer();
    const done = await runEet(["retention", "--run", "--json", "--data", library.data], { folder });
    assert.equal(done.exitCode, 0);
    const [device] = JSON.parse(done.out).devices;
    assert.deepEqual(
      device.entries.map(({ outcome, segments }: { outcome: string; segments: number }) => [outcome, segments]),
      [["delete", 1]],
    );
    assert.equal(await fileCount(), 6);
    const listed = await runEet(["ls", "kitchen", "--json", "--data", library.data], { folder });
    assert.equal(listed.out.trimEnd().split("\n").length, 2);
    const events = await runEet(["events", "--type", "segment.deleted", "--json", "--data", library.data], { folder });
    assert.equal(JSON.parse(events.out).data.reason, "retention: more than 0.3 MB of the device");
  });

  it("has a server do it by its own quotas", async () => {
    const url = await library.restartServer({ "retention-max-age-d": String(hardlyAnyAgeD) });
    const folder = library.recorded.path;
    const done = await runEet(["retention", "--run", "--url", url], { folder });
    assert.deepEqual([done.exitCode, done.err], [0, ""]);
    const after = await runEet(["retention", "--json", "--url", url], { folder });
    assert.equal(JSON.parse(after.out).refusals.length, 0);
  });

  it("refuses options that contradict each other", async () => {
    const both = await runEet(["retention", "--run", "--dry-run"]);
    assert.deepEqual([both.exitCode, both.err], [2, "eet retention: --run and --dry-run exclude each other\n"]);
    const alone = await runEet(["retention", "--allow-most"]);
    assert.deepEqual([alone.exitCode, alone.err], [2, "eet retention: --allow-most goes with --run\n"]);
  });
});
