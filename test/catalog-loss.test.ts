import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DeviceFleet } from "./support/device-fleet.ts";
import { readEventLog } from "./support/event-checker.ts";
import { runEet } from "./support/run-command.ts";
import { type LogLine, ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

interface Listed {
  readonly id: number;
  readonly name: string;
}

const flags = ["--rotate-s", "0.5"];
const originOf = ({ port }: ServerProcess) => `http://127.0.0.1:${port}`;

async function list(server: ServerProcess): Promise<readonly Listed[]> {
  const answer = await fetch(`${originOf(server)}/api/v1/segments?limit=1000`);
  assert.equal(answer.status, 200);
  return ((await answer.json()) as { readonly segments: readonly Listed[] }).segments;
}

/** Records until all that was recorded is told of. @returns what the catalogue lists, and what the log tells of */
async function record(server: ServerProcess) {
  await server.recovered();
  await using fleet = await DeviceFleet.open(server.url, "mic", 2);
  await fleet.ticked(100);
  await fleet[Symbol.asyncDispose]();
  let told: readonly unknown[] = [];
  const ends = () => told.filter((name) => name === undefined).length;
  while (ends() < 2) {
    const events = await readEventLog(originOf(server));
    const own = events.filter(({ type, hwid }) => hwid !== null && /^(segment.closed|session.ended)$/.test(type));
    told = own.map(({ data }) => data["name"]);
  }
  return { listed: await list(server), told: told.filter((name) => name !== undefined) };
}

const isWarning = ({ msg }: LogLine) => msg.includes("`eet reindex`");

describe("a data folder whose catalogue was lost", () => {
  it("says so at each start, gives no id twice, and is as before when reindexed", async () => {
    await using folder = await makeTemporaryFolder();
    const start = () => ServerProcess.start({ folder: folder.path, flags });
    const first = await start();
    const before = await record(first);
    assert.equal(await first.stop(), 0);
    assert.deepEqual(first.problems.filter(isWarning), [], "nothing is lost yet");
    for (const ending of ["", "-wal", "-shm"]) await rm(join(folder.path, `data/catalog.db${ending}`), { force: true });

    const second = await start();
    assert.equal(second.problems.filter(isWarning).length, 1);
    const after = await record(second);
    assert.equal(await second.stop(), 0);
    const lostIds = before.listed.map(({ id }) => id);
    assert.ok(
      after.listed.every(({ id }) => id > Math.max(...lostIds) + 1_000_000),
      "ids begin at the clock",
    );
    const third = await start();
    assert.equal(third.problems.filter(isWarning).length, 1, "it is said until something is done");
    assert.equal(await third.stop(), 0);

    const reindexed = await runEet(["reindex"], { folder: folder.path });
    assert.equal(reindexed.exitCode, 0, reindexed.err);
    await using fourth = await start();
    await fourth.recovered();
    assert.deepEqual(fourth.problems.filter(isWarning), []);
    const all = await list(fourth);
    const namesOf = (segments: readonly Listed[]) => segments.map(({ name }) => name).toSorted();
    assert.deepEqual(namesOf(all), namesOf([...before.listed, ...after.listed]));
    for (const { id, name } of after.listed) assert.equal(all.find((one) => one.name === name)?.id, id);
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
    assert.ok(!all.some(({ id }) => lostIds.includes(id)), "no id of the lost catalogue names another segment");
    const closed = (await readEventLog(originOf(fourth))).filter(({ type }) => type === "segment.closed");
    const names = closed.map(({ data }) => data["name"]).toSorted();
    assert.deepEqual(names, [...after.told].toSorted(), "what was told before the loss is not told again");
  });
});
