import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import Database from "better-sqlite3";
import { AckDevice } from "./support/ack-device.ts";
import { checkDelivery } from "./support/delivery-checker.ts";
import { DeviceFleet } from "./support/device-fleet.ts";
import { findLeftovers, readSegments } from "./support/recordings.ts";
import { S3Stub } from "./support/s3-stub.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const flags = ["--rotate-s", "1", "--flush-ms", "100", "--ack-ms", "100"];

let folder: TemporaryFolder;
let servers: ServerProcess[];
let devices: AckDevice[];

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  servers = [];
  devices = [];
});

afterEach(async () => {
  for (const device of devices) device.stop();
  for (const server of servers) await server.kill();
  await folder[Symbol.asyncDispose]();
});

async function startServer(environment: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const server = await ServerProcess.start({ folder: folder.path, flags, environment });
  servers.push(server);
  for (const device of devices) device.aim(server.url);
  return server;
}

/** A device that connects to the server that runs. */
function createDevice(deviceNumber: number): AckDevice {
  const device = new AckDevice({ hwid: `mic-${deviceNumber}`, deviceNumber, seed: deviceNumber });
  devices.push(device);
  device.aim(servers.at(-1)?.url);
  return device;
}

/** Checks what is on disk by what the devices know; the server has stopped. */
async function check(): Promise<void> {
  const received = join(folder.path, "data/received");
  assert.deepEqual((await checkDelivery(devices, { received, isClosed: true })).faults, []);
  assert.deepEqual(await findLeftovers(received), []);
  for (const { faults } of devices) assert.deepEqual(faults, []);
}

function readRows<T>(sql: string): T[] {
  const database = new Database(join(folder.path, "data/catalog.db"), { readonly: true });
  try {
    return database.prepare<[], T>(sql).all();
  } finally {
    database.close();
  }
}

describe("a server with eet.v1+ack", () => {
  it("acknowledges what is on disk, and closes with 1000 after FINI [P-2.6] [P-2.8]", async () => {
    const server = await startServer();
    const device = createDevice(1);
    device.make(75);
    await device.delivered();
    device.make(10);
    await device.finish();
    assert.deepEqual([...device.endings], [[1000, 1]]);
    assert.equal(await server.stop(), 0, server.errors);
    await check();
    const segments = await readSegments(join(folder.path, "data/received"));
    assert.deepEqual(
      segments.map(({ sidecar }) => [sidecar.acked, sidecar.frames, sidecar.close_reason, sidecar.anchors.length > 0]),
      [
        [true, 50, "rotation", true],
        [true, 35, "session-ended", true],
      ],
    );
    assert.deepEqual(readRows("SELECT acked, ended_ms IS NOT NULL AS ended FROM sessions"), [{ acked: 1, ended: 1 }]);
    assert.ok(readRows("SELECT * FROM anchors").length > 0);
  });

  it("tells acknowledged devices that it restarts, drops plain ones, and goes on with their sessions [P-1.9] [P-2.7]", async () => {
    const server = await startServer();
    const [first, second] = [createDevice(1), createDevice(2)];
    await using fleet = await DeviceFleet.open(server.url, "plain", 2);
    for (const device of [first, second]) device.make(60);
    await Promise.all([first.delivered(), second.delivered(), fleet.ticked(5)]);
    for (const device of [first, second]) device.make(10);
    assert.equal(await server.stop(), 0, server.errors);
    assert.deepEqual(new Set((await fleet.ended()).map(({ kind }) => kind)), new Set(["dropped"]));
    assert.deepEqual([first.endings.get(1001), second.endings.get(1001)], [1, 1]);

    const next = await startServer();
    for (const device of [first, second]) device.make(20);
    await Promise.all([first.finish(), second.finish()]);
    assert.deepEqual([first.counts.resumed, second.counts.resumed, first.sessions.length], [1, 1, 1]);
    assert.equal(await next.stop(), 0, next.errors);
    assert.deepEqual(next.problems, []);
    await check();
    assert.deepEqual(readRows("SELECT count(*) AS sessions FROM sessions WHERE acked = 1 AND ended_ms IS NOT NULL"), [
      { sessions: 2 },
    ]);
  });

  it("goes on with a session that a kill had cut [P-2.7]", async () => {
    const server = await startServer();
    const device = createDevice(1);
    device.make(120);
    await device.until("something is acknowledged", () => (device.session?.durableNext ?? 0) > 0);
    await server.kill();
    device.make(30);
    const next = await startServer();
    await device.finish();
    assert.equal(device.counts.resumed, 1);
    assert.equal(await next.stop(), 0, next.errors);
    await check();
  });

  it("starts a fresh session where it does not know the old one, and loses nothing [P-2.4]", async () => {
    const server = await startServer();
    const device = createDevice(1);
    device.make(60);
    await device.delivered();
    device.make(30);
    await server.stop();
    for (const ending of ["", "-wal", "-shm"]) await rm(join(folder.path, `data/catalog.db${ending}`), { force: true });
    const next = await startServer();
    await device.finish();
    assert.deepEqual([device.counts.resumed, device.sessions.length], [0, 2]);
    assert.equal(await next.stop(), 0, next.errors);
    await check();
  });

  it("takes a session over from an older connection, which gets 4409 [P-2.4]", async () => {
    const server = await startServer();
    const device = createDevice(1);
    device.make(20);
    await device.delivered();
    device.connectAgain();
    device.make(20);
    await device.until("the older connection ends", () => device.endings.has(4409));
    await device.finish();
    assert.deepEqual([device.endings.get(4409), device.sessions.length], [1, 1]);
    assert.equal(await server.stop(), 0, server.errors);
    await check();
  });

  it("tells what the object store holds, unless frames are not uploaded [P-2.1]", async () => {
    const store = await S3Stub.start();
    const environment = {
      ...{ AWS_ENDPOINT_URL_S3: store.url, AWS_BUCKET: store.bucket, AWS_REGION: store.region },
      ...{ AWS_ACCESS_KEY_ID: "AKSTUB", AWS_SECRET_ACCESS_KEY: "SKSTUB" },
      ...{ S3_ENABLED: "true", S3_FORCEPATHSTYLE: "true" },
    };
    try {
      const server = await startServer(environment);
      const device = createDevice(1);
      device.make(120);
      await device.until("the first two segments are uploaded", () => device.lastAck?.uploadedNext === 100);
      assert.equal(device.welcome?.hasUploads, true);
      await device.finish();
      assert.equal(await server.stop(), 0, server.errors);

      const withoutBins = await startServer({ ...environment, S3_UPLOADBIN: "false" });
      const other = createDevice(2);
      other.make(20);
      await other.delivered();
      assert.equal(other.welcome?.hasUploads, false);
      await other.finish();
      assert.equal(await withoutBins.stop(), 0, withoutBins.errors);
    } finally {
      await store.stop();
    }
    await check();
  });
});
