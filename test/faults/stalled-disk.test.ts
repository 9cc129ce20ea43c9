import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as passed } from "node:timers/promises";
import { AckFleet } from "../support/ack-fleet.ts";
import { checkDelivery } from "../support/delivery-checker.ts";
import { DeviceFleet, fleetPayload } from "../support/device-fleet.ts";
import { faultSeed } from "../support/fault-seed.ts";
import { ImageDisk, skipWithoutMount } from "../support/mounted-disk.ts";
import { findFaults, findLeftovers, readSegments, splitFrames } from "../support/recordings.ts";
import { ServerProcess } from "../support/server-process.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { skipWithout } from "../support/tools.ts";

const rotateS = 1;
const flags = ["--rotate-s", String(rotateS), "--ingest-workers", "2", "--shutdown-timeout-s", "300"];
const diskMiB = 512;
const deviceCount = 8;
/** Segments of all formats are open, and some are closed. */
const turnsBefore = 200;
/** Longer than a worker may be silent, and than a connection may wait for room. */
const stallMs = 12_000;
/** All that a plain device's connection brought is there: each frame once, in order, as it was sent. */
async function assertKept(received: string, hwid: string, frameCount: number): Promise<void> {
  let nextSeq = 0;
  for (const { path } of await readSegments(join(received, hwid))) {
    for (const { seq, payload } of splitFrames(await readFile(`${path}.bin`))) {
      assert.equal(seq, nextSeq, `${path}: what follows seq ${nextSeq - 1}`);
      assert.ok(payload.equals(fleetPayload(hwid, seq)), `${path}: payload of seq ${seq}`);
      nextSeq += 1;
    }
  }
  assert.equal(nextSeq, frameCount, `${hwid}: frames on disk, of those that its connection brought`);
}

describe("a disk that stands still under 16 streams", () => {
  it("costs no frame that was taken, and no worker [P-2.6] [S-2.5]", {
    skip: skipWithoutMount() || skipWithout("fsfreeze"),
  }, async (t) => {
    t.diagnostic(`FAULT_SEED=${faultSeed}`);
    await using folder = await makeTemporaryFolder();
    await using disk = await ImageDisk.create(folder.path, "disk", diskMiB);
    await using server = await ServerProcess.start({ folder: disk.path, flags });
    using fleet = new AckFleet({ name: "acked", deviceCount, seed: faultSeed });
    fleet.aim(server.url);
    await using plain = await DeviceFleet.open(server.url, "plain", deviceCount);
    await plain.ticked(turnsBefore);
    {
      await using _stalled = await disk.stall();
      await passed(stallMs);
    }
    await fleet.caughtUp();
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/api/v1/devices`)).status, 200, "the API");
    await fleet.finish();
    assert.equal(await server.stop(), 0, server.errors);

    const unexpected = server.problems.filter(({ code }) => code !== "STORAGE_STALLED" && code !== "SHUTTING_DOWN");
    assert.deepEqual(unexpected, [], "the server's log");
    assert.deepEqual([fleet.faults, fleet.forgotten], [[], []], "what devices saw");
    const received = join(disk.path, "data/received");
    assert.deepEqual(await findLeftovers(received), [], "files of open segments");
    const findings = await checkDelivery(fleet.devices, { received, rotateS, isClosed: true });
    assert.deepEqual(findings.faults, []);
    for (const { madeNext, oldestSeq, hwid } of fleet.devices)
      assert.equal(oldestSeq, madeNext, `${hwid} delivered all`);
    assert.deepEqual(await findFaults(received), [], "the server's own check");
    for (const hwid of plain.hwids) {
      const ended = await server.line((line) => line.msg === "connection ended" && line["hwid"] === hwid);
      await assertKept(received, hwid, Number(ended["frameCount"]));
    }
  });
});
