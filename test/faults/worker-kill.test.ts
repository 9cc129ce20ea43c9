import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as passed } from "node:timers/promises";
import { AckFleet } from "../support/ack-fleet.ts";
import { compileServer } from "../support/compiled-server.ts";
import { checkDelivery } from "../support/delivery-checker.ts";
import { faultRounds, faultSeed } from "../support/fault-seed.ts";
import { killWorker } from "../support/ingest-workers.ts";
import { findFaults, findLeftovers } from "../support/recordings.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { ServerProcess } from "../support/server-process.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const killCount = faultRounds(60);
const deviceCount = 20;
const workerCount = 2;
/** Kills under one server, after which all sessions are ended. */
const killsPerServer = 10;
const rotateS = 2;
/** Some segments. */
const burstFrameCount = 300;
const flags = [
  ...["--ingest-workers", String(workerCount), "--finish-workers", "1", "--rotate-s", String(rotateS)],
  ...["--flush-ms", "100", "--ack-ms", "50", "--shutdown-timeout-s", "300"],
];

/** Lines that tell only of the kills, and of the cuts that devices make themselves. */
const expectedCodes: ReadonlySet<unknown> = new Set(["CLIENT_LOST", "SUPERSEDED", "HANDSHAKE_TIMEOUT", "WORKER_DOWN"]);
const isSurprising = (line: { readonly msg: string; readonly [field: string]: unknown }) =>
  !expectedCodes.has(line["code"]) && !line.msg.startsWith("an ingest worker ended:");

const totals = { kills: 0, frames: 0, resumed: 0, unknown: 0, duplicates: 0 };

/**
 * Waits for the moment of a kill: while devices come back, while all stream, or while all send so much at once that several
 * of their segments are on the way to the disk together.
 */
async function moment(fleet: AckFleet, kind: number, random: () => number): Promise<void> {
  const enough = kind === 0 ? 1 : deviceCount;
  const isSo = () => fleet.devices.filter(({ isStreaming }) => isStreaming).length >= enough;
  await fleet.until(`${enough} devices stream`, isSo);
  if (kind === 1) for (const device of fleet.devices) device.make(burstFrameCount);
  await passed(random() * (kind === 2 ? 700 : 250));
}

/** One server whose workers are killed again and again under the same devices, until all is brought to an end. */
async function killUnder(server: ServerProcess, fleet: AckFleet, random: () => number, count: number): Promise<void> {
  for (let kill = 0; kill < count; kill++) {
    await moment(fleet, kill % 3, random);
    const places = random() < 0.2 ? [0, 1] : [Math.floor(random() * workerCount)];
    await Promise.all(places.map((place) => killWorker(server, place)));
    totals.kills += 1;
  }
  await fleet.finish();
}

describe("ingest workers killed under 20 acknowledged streams", () => {
  it(`leave every acknowledged frame once and in order, after ${killCount} kills [P-2.6] [P-2.7]`, async (t) => {
    t.diagnostic(`FAULT_SEED=${faultSeed}`);
    await using compiled = await makeTemporaryFolder();
    const environment = await compileServer(compiled.path);
    for (let done = 0, index = 0; done < killCount; done += killsPerServer, index++) {
      const where = `FAULT_SEED=${faultSeed}, server ${index}`;
      const seed = faultSeed + index * 1_000;
      await using folder = await makeTemporaryFolder();
      await using server = await ServerProcess.start({ folder: folder.path, flags, environment });
      const habits = { cut: 0.004, skip: 0.001 };
      using fleet = new AckFleet({ name: "worker", deviceCount, seed, habits, tickMs: 20 });
      fleet.aim(server.url);
      await killUnder(server, fleet, seededRandom(seed), Math.min(killsPerServer, killCount - done));
      assert.equal(await server.stop(), 0, server.errors);
      assert.deepEqual(server.problems.filter(isSurprising), [], `${where}: the server's log`);
      assert.deepEqual([fleet.faults, fleet.forgotten], [[], []], `${where}: what devices saw`);
      const received = join(folder.path, "data/received");
      assert.deepEqual(await findLeftovers(received), [], `${where}: files of open segments`);
      const findings = await checkDelivery(fleet.devices, { received, rotateS, isClosed: true });
      assert.deepEqual(findings.faults, [], `${where}: all brought to an end`);
      assert.deepEqual(await findFaults(received), [], `${where}: the server's own check`);
      for (const { madeNext, oldestSeq, hwid } of fleet.devices) assert.equal(oldestSeq, madeNext, `${where}, ${hwid}`);
      totals.frames += findings.frameCount;
      for (const name of ["resumed", "unknown", "duplicates"] as const) totals[name] += fleet.sum(name);
    }
    t.diagnostic(JSON.stringify(totals));
    assert.equal(totals.kills, killCount);
  });
});
