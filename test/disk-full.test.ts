import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { AckDevice } from "./support/ack-device.ts";
import { AckFleet } from "./support/ack-fleet.ts";
import { Ballast } from "./support/ballast.ts";
import { checkDelivery } from "./support/delivery-checker.ts";
import { faultSeed } from "./support/fault-seed.ts";
import { MemoryDisk, skipWithoutMount } from "./support/mounted-disk.ts";
import { findFaults, findLeftovers } from "./support/recordings.ts";
import { S3Stub } from "./support/s3-stub.ts";
import { ServerProcess } from "./support/server-process.ts";
import { readHealth } from "./support/stored-recordings.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

/** Longer than several looks of the disk guard. */
const deadlineMs = 60_000;
const flags = ["--rotate-s", "1", "--finish-workers", "2", "--flush-ms", "50", "--ack-ms", "50"];

async function each(fleet: AckFleet, what: string, isSo: (device: AckDevice) => boolean): Promise<void> {
  await Promise.all(fleet.devices.map((device) => device.until(what, () => isSo(device), deadlineMs)));
}

const ballastName = "ballast-soft";

/** Leaves room between the soft and the hard mark: a tenth and a fortieth of the disk. */
async function fillToSoftMark(path: string): Promise<void> {
  const { bsize, bavail, blocks } = await statfs(path);
  await writeFile(join(path, ballastName), Buffer.alloc(bsize * bavail - Math.floor((bsize * blocks) / 16)));
}

/** Puts back what was evicted, from the object store. */
async function restore(received: string, objects: S3Stub["objects"]): Promise<number> {
  let count = 0;
  for (const [key, { bytes }] of objects) {
    const path = join(received, key.slice("received/".length));
    if (existsSync(path)) continue;
    await writeFile(path, bytes);
    count += 1;
  }
  return count;
}

describe("a server whose small disk fills up while it uploads", { skip: skipWithoutMount() }, () => {
  it("goes on at the soft mark by evicting what is stored, turns devices away at the hard one, recovers by itself, and loses nothing [S-2.5]", async (t) => {
    t.diagnostic(`FAULT_SEED=${faultSeed}`);
    await using folder = await makeTemporaryFolder();
    await using disk = await MemoryDisk.create(join(folder.path, "data"), 256);
    const stub = await S3Stub.start();
    t.after(() => stub.stop());
    using fleet = new AckFleet({ name: "mic", deviceCount: 4, seed: faultSeed, habits: { cut: 0.001, skip: 0.001 } });
    await using server = await ServerProcess.start({ folder: folder.path, flags, environment: uploadsTo(stub) });
    fleet.aim(server.url);

    await server.line(({ msg }) => msg === "upload stored");
    await fillToSoftMark(disk.path);
    await server.line(({ msg }) => msg.startsWith("disk is low"));
    await server.line(({ msg }) => msg.startsWith("evicted:"));
    const before = fleet.devices.map(({ ackLatenciesMs }) => ackLatenciesMs.length);
    await each(fleet, "frames are acknowledged on a low disk", (device) => {
      return device.ackLatenciesMs.length > (before[fleet.devices.indexOf(device)] ?? 0) + 20;
    });
    assert.equal((await readHealth(server)).status, "degraded");
    {
      using _ballast = new Ballast(join(disk.path, "ballast-hard"));
      await each(fleet, "the connection is closed with 4507", ({ endings }) => endings.has(4507));
      await each(fleet, "the upgrade is refused with 503", ({ endings }) => endings.has("http-503"));
    }
    await rm(join(disk.path, ballastName));
    await fleet.caughtUp(deadlineMs);
    await fleet.finish();
    assert.equal(await server.stop(), 0, server.errors);

    const received = join(disk.path, "received");
    assert.ok((await restore(received, stub.objects)) > 0, "files were evicted");
    // Finishes what there was no room for, derives the WAVs that were left out while the disk was low.
    await using next = await ServerProcess.start({ folder: folder.path, flags });
    await next.recovered();
    assert.equal(await next.stop(), 0, next.errors);
    assert.deepEqual(await findLeftovers(received), []);
    assert.deepEqual(await findFaults(received), [], "the server's own check");
    assert.deepEqual(fleet.faults, []);
    const findings = await checkDelivery(fleet.devices, { received, isClosed: true });
    assert.deepEqual(findings.faults, []);
  });
});

function uploadsTo(stub: S3Stub): Readonly<Record<string, string>> {
  return {
    ...stub.environment,
  };
}
