import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { AckDevice } from "../support/ack-device.ts";
import { checkDelivery } from "../support/delivery-checker.ts";
import { faultSeed } from "../support/fault-seed.ts";
import { OpenServer } from "../support/open-server.ts";
import { findLeftovers } from "../support/recordings.ts";
import { type ProxyLink, TcpProxy } from "../support/tcp-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

/** Connections at once. */
const laneCount = 16;
/** ADPCM at 8 kHz: 96 bytes a frame. */
const deviceNumber = 2;
const flags = { "finish-workers": "1", wav: "false", "flush-ms": "50", "ack-ms": "50", "shutdown-timeout-s": "300" };

const directions = ["toServer", "toClient"] as const;
type Direction = (typeof directions)[number];
/** What befalls a connection when so many bytes of it have passed. */
type Interruption = (link: ProxyLink) => Promise<void>;

const interruptions: Readonly<Record<string, Interruption>> = {
  // So that what has passed is read alone.
  split: async () => {
    for (let turn = 0; turn < 5; turn++) await nextTurn();
  },
  cut: async (link) => link.reset(),
};

/** A session of four frames with a drop among them and an end, whose first connection is interrupted. */
async function deliver(hwid: string, proxy: TcpProxy, onLink: (link: ProxyLink) => void): Promise<AckDevice> {
  const device = new AckDevice({ hwid, deviceNumber, seed: faultSeed, firstSeq: 2 ** 32 - 2 });
  proxy.onLink = (link) => {
    proxy.onLink = undefined;
    onLink(link);
  };
  device.make(2);
  device.skip(1);
  device.make(2);
  device.aim(proxy.url);
  await device.finish();
  return device;
}

/** Bytes that pass in each direction when nothing happens. */
async function measure(server: OpenServer): Promise<Readonly<Record<Direction, number>>> {
  await using proxy = await TcpProxy.open(server.port);
  let link: ProxyLink | undefined;
  await deliver("whole", proxy, (opened) => {
    link = opened;
  });
  assert.ok(link);
  return { toServer: link.toServer.passedBytes, toClient: link.toClient.passedBytes };
}

describe("a connection of eet.v1+ack", () => {
  for (const [name, interrupt] of Object.entries(interruptions)) {
    it(`may be ${name} behind each of its bytes [P-2.1] [P-2.4]`, async (t) => {
      await using folder = await makeTemporaryFolder();
      await using server = await OpenServer.open(folder.path, flags);
      const lengths = await measure(server);
      const jobs = directions.flatMap((direction) =>
        Array.from({ length: lengths[direction] }, (_, index) => ({ direction, byteCount: index + 1 })),
      );
      const jobCount = jobs.length;
      const devices: AckDevice[] = [];
      const runLane = async () => {
        await using proxy = await TcpProxy.open(server.port);
        for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
          const { direction, byteCount } = job;
          const onLink = (link: ProxyLink) => link[direction].interruptAt(byteCount, () => interrupt(link));
          devices.push(await deliver(`${direction}-${byteCount}`, proxy, onLink));
        }
      };
      await Promise.all(Array.from({ length: laneCount }, runLane));
      await server.close();
      const received = join(folder.path, "data/received");
      assert.equal(devices.length, jobCount);
      assert.deepEqual(
        devices.flatMap(({ faults }) => faults),
        [],
      );
      assert.deepEqual(await findLeftovers(received), []);
      const { faults, frameCount } = await checkDelivery(devices, { received });
      assert.deepEqual(faults, []);
      t.diagnostic(`${jobCount} connections, ${frameCount} frames`);
    });
  }
});
