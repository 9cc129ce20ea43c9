import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { AckDevice } from "../support/ack-device.ts";
import { AckFleet } from "../support/ack-fleet.ts";
import { Ballast } from "../support/ballast.ts";
import { checkDelivery } from "../support/delivery-checker.ts";
import { faultSeed } from "../support/fault-seed.ts";
import { workerPids } from "../support/ingest-workers.ts";
import { MemoryDisk, skipWithoutMount } from "../support/mounted-disk.ts";
import { findFaults, findLeftovers } from "../support/recordings.ts";
import { ServerProcess } from "../support/server-process.ts";
import { readHealth } from "../support/stored-recordings.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { skipWithout } from "../support/tools.ts";

const deviceCount = 8;
const flags = [
  "--rotate-s",
  "1",
  "--finish-workers",
  "2",
  "--flush-ms",
  "50",
  "--ack-ms",
  "50",
  "--shutdown-timeout-s",
  "300",
];
/** Longer than the disk guard's interval, and than a session tries before it gives up. */
const deadlineMs = 180_000;
const where = `FAULT_SEED=${faultSeed}`;

function openFleet(name = "mic", fleetNumber = 0): AckFleet {
  return new AckFleet({ name, deviceCount, seed: faultSeed, fleetNumber, habits: { cut: 0.001, skip: 0.001 } });
}

/** Waits until something has come about for each device. */
async function each(fleet: AckFleet, what: string, isSo: (device: AckDevice) => boolean): Promise<void> {
  await Promise.all(fleet.devices.map((device) => device.until(what, () => isSo(device), deadlineMs)));
}

/** Closed with 4507 by the server; a device that had just cut its connection finds that it is refused with 503. */
async function allTurnedAway(fleet: AckFleet): Promise<void> {
  await each(fleet, "the connection is closed with 4507", ({ endings, counts }) => {
    return endings.has(4507) || (counts.cuts > 0 && endings.has("http-503"));
  });
  assert.ok(fleet.countEndings(4507) > 0, `${where}: no connection was closed with 4507`);
}

const hasSome = (device: AckDevice) => device.ackLatenciesMs.length > 20;

/** A healthy start on what is left; all that is still held is delivered; the disk has everything once. */
async function bringToEnd(folder: string, fleets: readonly AckFleet[]): Promise<void> {
  await using server = await ServerProcess.start({ folder, flags });
  for (const fleet of fleets) fleet.aim(server.url);
  await Promise.all(fleets.map((fleet) => fleet.finish()));
  await server.recovered();
  assert.equal(await server.stop(), 0, server.errors);
  await judgeEnd(folder, fleets);
}

async function judgeEnd(folder: string, fleets: readonly AckFleet[]): Promise<void> {
  const received = join(folder, "data/received");
  assert.deepEqual(await findLeftovers(received), [], `${where}: files of open segments`);
  for (const fleet of fleets) {
    assert.deepEqual(fleet.faults, [], `${where}: what devices saw`);
    assert.deepEqual(fleet.forgotten, [], `${where}: sessions`);
    const findings = await checkDelivery(fleet.devices, { received, isClosed: true });
    assert.deepEqual(findings.faults, [], where);
  }
  assert.deepEqual(await findFaults(received), [], `${where}: the server's own check`);
}

/** Has each thread of the server fail in these of its calls of fdatasync. */
function failingSyncs(folder: string, when: string) {
  const launcher = [
    ...["strace", "-D", "-f", "--seccomp-bpf", "-q", "-o", join(folder, "trace"), "-e", "trace=fdatasync"],
    ...["-e", `inject=fdatasync:error=EIO:when=${when}`],
  ];
  return { folder, flags, launcher, environment: { UV_THREADPOOL_SIZE: "4" } };
}

describe("a server whose fdatasync fails", { skip: skipWithout("strace") }, () => {
  it("promises nothing more, says so, and keeps what it promised when it is killed [P-2.6] [P-2.8] [S-2.4]", async (t) => {
    t.diagnostic(where);
    await using folder = await makeTemporaryFolder();
    using fleet = openFleet();
    await using server = await ServerProcess.start(failingSyncs(folder.path, "60+"));
    fleet.aim(server.url);
    await each(fleet, "some frames are acknowledged", hasSome);
    await each(fleet, "ACKF says that nothing is persisted", ({ counts }) => counts.notPersisting > 0);
    await allTurnedAway(fleet);
    await readHealth(server);
    fleet.aim(undefined);
    await server.kill();
    // What was not durable stands in the files that failed as well as in those after them: recovery has to see to it.
    await bringToEnd(folder.path, [fleet]);
  });

  it("writes to new files what was not durable, and goes on once the disk works again [S-2.4]", async () => {
    await using folder = await makeTemporaryFolder();
    using fleet = openFleet();
    await using server = await ServerProcess.start(failingSyncs(folder.path, "60..100"));
    fleet.aim(server.url);
    await each(fleet, "ACKF says that nothing is persisted", ({ counts }) => counts.notPersisting > 0);
    await fleet.caughtUp(deadlineMs);
    await each(fleet, "ACKF says that all is well", ({ lastAck }) => lastAck?.isNotPersisting === false);
    await fleet.finish();
    assert.equal(await server.stop(), 0, server.errors);
    await judgeEnd(folder.path, [fleet]);
  });
});

describe("a server whose disk is full", { skip: skipWithoutMount() }, () => {
  it("says so, turns devices away, and goes on without a restart once there is room [P-2.8] [S-2.5]", async (t) => {
    t.diagnostic(where);
    await using folder = await makeTemporaryFolder();
    await using disk = await MemoryDisk.create(join(folder.path, "data"), 192);
    using fleet = openFleet();
    await using server = await ServerProcess.start({ folder: folder.path, flags });
    fleet.aim(server.url);
    await each(fleet, "some frames are acknowledged", hasSome);
    {
      using _ballast = new Ballast(join(disk.path, "ballast"));
      // Whose own write has not failed yet when the disk is found to be full is told by 4507 alone.
      await fleet.until("ACKF says that nothing is persisted", () => fleet.sum("notPersisting") > 0, deadlineMs);
      await allTurnedAway(fleet);
      await each(fleet, "the upgrade is refused with 503", ({ endings }) => endings.has("http-503"));
      assert.equal((await readHealth(server)).status, "degraded");
    }
    await fleet.caughtUp(deadlineMs);
    await fleet.finish();
    assert.equal(await server.stop(), 0, server.errors);
    await bringToEnd(folder.path, [fleet]);
  });
});

/** Lets a process open nothing more: all descriptors below that number are in use. Disposing of it gives them back. */
function limitDescriptors(pid: number, lowCount: number, count: number): Disposable {
  const set = (softCount: number) => execFileSync("prlimit", ["--pid", String(pid), `--nofile=${softCount}:${count}`]);
  set(lowCount);
  return { [Symbol.dispose]: () => void set(count) };
}

for (const workerCount of [0, 1]) {
  const who = workerCount === 0 ? "a server" : "an ingest worker";
  describe(`${who} without file descriptors`, { skip: skipWithout("prlimit") }, () => {
    it("keeps frames until there are some, and takes as many connections as they carry [P-2.6] [S-2.6]", async (t) => {
      t.diagnostic(where);
      await using folder = await makeTemporaryFolder();
      using fleet = openFleet();
      using crowd = openFleet("crowd", 1);
      // Carries (170 - 128) / 3 connections.
      const launcher = ["sh", "-c", 'ulimit -n 170 && exec "$0" "$@"'];
      const allFlags = [...flags, "--ingest-workers", String(workerCount)];
      await using server = await ServerProcess.start({ folder: folder.path, flags: allFlags, launcher });
      const [recorderPid = server.pid] = workerPids(server);
      fleet.aim(server.url);
      await each(fleet, "some frames are acknowledged", hasSome);
      crowd.aim(server.url);
      await crowd.until("an upgrade is refused with 503", () => crowd.countEndings("http-503") > 0, deadlineMs);
      {
        // No client can bring it there: the server takes fewer sockets than it has descriptors.
        using _few = limitDescriptors(recorderPid, 16, 170);
        await server.line(({ msg, code }) => msg.startsWith("storage failed") && code === "EMFILE");
        await fleet.until("ACKF says that nothing is persisted", () => fleet.sum("notPersisting") > 0, deadlineMs);
      }
      await fleet.caughtUp(deadlineMs);
      await fleet.finish();
      await crowd.finish();
      assert.equal(await server.stop(), 0, server.errors);
      await bringToEnd(folder.path, [fleet, crowd]);
    });
  });
}
