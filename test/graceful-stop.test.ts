import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { DeviceFleet, fleetPayload } from "./support/device-fleet.ts";
import { findFaults, findLeftovers, readSegments, splitFrames } from "./support/recordings.ts";
import { runEet } from "./support/run-command.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const deviceCount = 20;
/** Turns of the fleet before the signal: one and a half segments. */
const tickCount = 75;
const flags = ["--rotate-s", "1"];

/** Checks that all segments are closed and hold what was sent, in order. @returns frames by device */
async function countIntactFrames(received: string, hwids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  assert.deepEqual(await findLeftovers(received), []);
  assert.deepEqual(await findFaults(received), []);
  const counts = new Map<string, number>();
  for (const hwid of hwids) {
    let [frameCount, nextSeq] = [0, 0];
    for (const { path } of await readSegments(`${received}/${hwid}`)) {
      for (const { seq, payload } of splitFrames(await readFile(`${path}.bin`))) {
        assert.ok(seq >= nextSeq, `${path}: seq ${seq} comes where ${nextSeq} or more is due`);
        assert.ok(payload.equals(fleetPayload(hwid, seq)), `${path}: payload of seq ${seq}`);
        nextSeq = seq + 1;
        frameCount += 1;
      }
    }
    assert.ok(frameCount > 0, `${hwid} is recorded`);
    counts.set(hwid, frameCount);
  }
  return counts;
}

/** An object store that takes requests and never answers. */
async function startSilentStore() {
  const store = createServer(() => {});
  await once(store.listen(0, "127.0.0.1"), "listening");
  const asked = once(store, "request");
  return {
    url: `http://127.0.0.1:${(store.address() as AddressInfo).port}`,
    /** Resolves when the first request is there. */
    asked,
    [Symbol.dispose]: () => {
      store.close();
      store.closeAllConnections();
    },
  };
}

describe("a server that is told to stop", () => {
  it("closes every segment and exits with 0", async (t) => {
    await using folder = await makeTemporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path, flags });
    await using fleet = await DeviceFleet.open(server.url, "mic", deviceCount);
    await fleet.ticked(tickCount);
    const startMs = performance.now();
    assert.equal(await server.stop(), 0, server.errors);
    const stopMs = performance.now() - startMs;
    // Devices that never come back after a CLOSE must find the line dropped. [P-1.9]
    const endings = await fleet.ended();
    assert.deepEqual(new Set(endings.map(({ kind }) => kind)), new Set(["dropped"]));
    const stored = await countIntactFrames(`${folder.path}/data/received`, fleet.hwids);
    const ends = server.lines.filter(({ msg }) => msg === "connection ended");
    const taken = new Map(ends.map((line) => [line["hwid"], line["frameCount"]]));
    assert.deepEqual(stored, taken, "every frame that the server took is in a closed segment");
    assert.deepEqual(new Set(ends.map((line) => line["code"])), new Set(["SHUTTING_DOWN"]));
    assert.equal(server.problems.length, ends.length, "no other warnings in the log");
    assert.equal(server.lines.at(-1)?.msg, "stopped");
    t.diagnostic(`${deviceCount} streams closed in ${Math.round(stopMs)} ms, ${fleet.frameCount} frames`);
  });

  it("exits at once when told again, and the next start closes what was open", async (t) => {
    await using folder = await makeTemporaryFolder();
    using store = await startSilentStore();
    const s3 = ["--s3-enabled", "--s3-bucket", "recordings", "--s3-service-url", store.url, "--s3-force-path-style"];
    await using server = await ServerProcess.start({
      folder: folder.path,
      flags: [...flags, ...s3],
      environment: { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret", AWS_EC2_METADATA_DISABLED: "true" },
    });
    await using fleet = await DeviceFleet.open(server.url, "mic", deviceCount);
    await fleet.ticked(tickCount);
    // An upload that hangs holds the stop for half a minute: the second signal surely comes before its end.
    await store.asked;
    server.signal("SIGTERM");
    await server.line(({ msg }) => msg.startsWith("stopping"));
    const startMs = performance.now();
    server.signal("SIGINT");
    assert.equal(await server.exited, 130);
    t.diagnostic(`ended ${Math.round(performance.now() - startMs)} ms after the second signal`);
    await fleet.ended();

    await using next = await ServerProcess.start({ folder: folder.path, flags });
    await next.recovered();
    await countIntactFrames(`${folder.path}/data/received`, fleet.hwids);
    assert.deepEqual(next.problems, [], "lines of warning in the log");
    assert.equal(await next.stop(), 0, next.errors);
  });
});

describe("a server that cannot start", () => {
  it("names who holds its data folder", async () => {
    await using folder = await makeTemporaryFolder();
    await using holder = await ServerProcess.start({ folder: folder.path });
    const { exitCode, err, out } = await runEet(["serve", "--port", "0"], { folder: folder.path });
    assert.equal(exitCode, 1);
    assert.match(err, new RegExp(`/data is in use by pid ${holder.pid}\\b.*\\.`));
    assert.equal(out, "", "nothing is done before the folder is held");
    assert.equal(await holder.stop(), 0, holder.errors);
    await using next = await ServerProcess.start({ folder: folder.path });
    assert.equal(await next.stop(), 0, "the folder is free again");
  });

  it("says that its port is taken and how to choose another", async () => {
    await using folder = await makeTemporaryFolder();
    await using other = await makeTemporaryFolder();
    await using holder = await ServerProcess.start({ folder: folder.path });
    const { exitCode, err } = await runEet(["serve", "--port", String(holder.port)], { folder: other.path });
    assert.equal(exitCode, 1);
    assert.match(err, new RegExp(`EADDRINUSE.*:${holder.port}; another program listens there: .*--port`));
    await using next = await ServerProcess.start({ folder: other.path });
    assert.equal(await next.stop(), 0, "the failed start has let go of the data folder");
    assert.equal(await holder.stop(), 0, holder.errors);
  });
});
