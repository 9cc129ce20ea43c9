import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as passed } from "node:timers/promises";
import { AckDevice } from "../support/ack-device.ts";
import { checkDelivery } from "../support/delivery-checker.ts";
import type { DeliveryRecord } from "../support/delivery-record.ts";
import { faultSeed } from "../support/fault-seed.ts";
import { ForwardClock, OpenServer } from "../support/open-server.ts";
import { findLeftovers } from "../support/recordings.ts";
import { SdkDevice } from "../support/sdk-device.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { type ProxyLink, type ProxyPipe, TcpProxy } from "../support/tcp-proxy.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const where = `FAULT_SEED=${faultSeed}`;
const flags = { "rotate-s": "1", "finish-workers": "1", "flush-ms": "50", "ack-ms": "50", "shutdown-timeout-s": "300" };
const tickMs = 10;
/** CLOSE frame of a server with 4409. */
const closeSuperseded = Buffer.from([0x11, 0x39]);

let folder: TemporaryFolder;
let server: OpenServer;
let clock: ForwardClock;
let proxy: TcpProxy;
let nextNumber = 0;
const acked: AckDevice[] = [];
const sdks: SdkDevice[] = [];

/** A device of the test behind the proxy, or another address. */
function openAckDevice(name: string, url = proxy.url): AckDevice {
  const deviceNumber = nextNumber++;
  // Every other device wraps its seq soon.
  const firstSeq = deviceNumber % 2 === 0 ? 0 : 2 ** 32 - 20;
  const device = new AckDevice({
    hwid: `${name}-${deviceNumber}`,
    deviceNumber,
    seed: faultSeed + deviceNumber,
    firstSeq,
  });
  acked.push(device);
  device.aim(url);
  return device;
}

function openSdkDevice(name: string): SdkDevice {
  const deviceNumber = nextNumber++;
  const firstSeq = deviceNumber % 2 === 0 ? 0 : 2 ** 32 - 20;
  const hwid = `${name}-sdk-${deviceNumber}`;
  const device = new SdkDevice({ url: proxy.url, hwid, deviceNumber, seed: faultSeed + deviceNumber, firstSeq });
  sdks.push(device);
  return device;
}

/** Lets devices make frames at a steady pace for a while. */
async function stream(devices: readonly (AckDevice | SdkDevice)[], ms: number): Promise<void> {
  for (const endMs = performance.now() + ms; performance.now() < endMs; ) {
    for (const device of devices) device.make();
    await passed(tickMs);
  }
}

const delivered = (devices: readonly AckDevice[]) => Promise.all(devices.map((device) => device.delivered()));

/** Ends the devices' sessions. */
async function finish(devices: readonly (AckDevice | SdkDevice)[]): Promise<void> {
  await Promise.all(
    devices.map(async (device) => {
      const result = await device.finish();
      if (device instanceof SdkDevice) assert.equal(result?.kind, "complete", `${where}: ${device.describe()}`);
    }),
  );
}

/** The newest connection through the proxy. */
function lastLink(): ProxyLink {
  const link = proxy.links.at(-1);
  assert.ok(link);
  return link;
}

const streaming = (device: AckDevice, resumed = device.counts.resumed) =>
  device.until("it streams again", () => device.isStreaming && device.counts.resumed >= resumed);

before(async () => {
  folder = await makeTemporaryFolder();
  clock = new ForwardClock();
  server = await OpenServer.open(folder.path, flags, clock.clock);
  proxy = await TcpProxy.open(server.port);
});

after(async () => {
  for (const device of acked) device.stop();
  for (const device of sdks) device[Symbol.dispose]();
  await proxy[Symbol.asyncDispose]();
  await server.close();
  await folder[Symbol.asyncDispose]();
});

describe("acknowledged sessions over a bad network", () => {
  const pipesOf = ({ toServer, toClient }: ProxyLink): readonly ProxyPipe[] => [toServer, toClient];

  it("lose nothing to delays [P-2.3]", async () => {
    const random = seededRandom(faultSeed);
    proxy.onLink = (link) => {
      for (const pipe of pipesOf(link)) pipe.conditions = { delayMs: () => random() * 60 };
    };
    const devices = [openAckDevice("delay"), openAckDevice("delay"), openSdkDevice("delay")];
    await stream(devices, 1_500);
    await finish(devices);
  });

  it("lose nothing when each byte comes alone [P-2.1]", async () => {
    proxy.onLink = (link) => {
      for (const pipe of pipesOf(link)) pipe.conditions = { pieceBytes: 1 };
    };
    const devices = [openAckDevice("bytes"), openAckDevice("bytes"), openSdkDevice("bytes")];
    for (const device of devices) for (let count = 0; count < 60; count++) device.make();
    await finish(devices);
  });

  it("lose nothing to stalls in either direction [P-2.6]", async () => {
    proxy.onLink = undefined;
    const device = openAckDevice("stall");
    await streaming(device);
    for (const direction of ["toServer", "toClient"] as const) {
      const link = lastLink();
      link[direction].stall();
      const madeCount = 100;
      device.make(madeCount);
      await stream([device], 1_000);
      assert.ok(device.heldCount >= madeCount, "nothing is acknowledged meanwhile");
      link[direction].pass();
      await device.delivered();
    }
    assert.equal(device.counts.resumed, 0);
    await finish([device]);
  });

  it("go on after resets [P-2.4]", async () => {
    proxy.onLink = undefined;
    const devices = [openAckDevice("reset"), openAckDevice("reset"), openSdkDevice("reset")] as const;
    const random = seededRandom(faultSeed + 1);
    const [first, second, sdk] = devices;
    const isEnough = () => first.counts.resumed > 10 && second.counts.resumed > 10 && sdk.reconnectCount > 2;
    // On a busy machine a reset may come before the connection that it should hit.
    for (let count = 0; count < 20 || (!isEnough() && count < 500); count++) {
      await stream(devices, random() * 200);
      for (const link of proxy.openLinks) link.reset();
    }
    await finish(devices);
    assert.ok(isEnough());
  });

  it("go on behind a half-open connection of 60 s, which is closed with 4409 [P-2.4]", async () => {
    proxy.onLink = undefined;
    const device = openAckDevice("half-open");
    await streaming(device);
    device.make(50);
    await device.delivered();
    const old = lastLink();
    old.halfOpen();
    await stream([device], 300);
    clock.forward(60_000);
    await stream([device], 1_200);
    assert.equal(device.session?.durableNext, device.oldestSeq, "nothing is acknowledged meanwhile");
    device.cut();
    await streaming(device, 1);
    await device.delivered();
    await old.serverEnded;
    const swallowed = Buffer.concat(old.toClient.swallowed);
    assert.ok(swallowed.includes(closeSuperseded), `the old connection was sent 4409: ${swallowed.toString("hex")}`);
    await server.ended(device.hwid, "SUPERSEDED");
    assert.equal(device.counts.unknown, 0);
    await finish([device]);
  });

  it("go on after a silence of 75 s, for which the server gives up the connection [P-2.8] [P-3.3]", async () => {
    proxy.onLink = undefined;
    const device = openAckDevice("silent");
    await streaming(device);
    device.make(50);
    await device.delivered();
    const old = lastLink();
    old.halfOpen();
    let isOver = false;
    void old.serverEnded.then(() => {
      isOver = true;
    });
    // In steps: the server's sweep has to see the connection silent.
    for (let silentMs = 0; !isOver && silentMs < 200_000; silentMs += 5_000) {
      clock.forward(5_000);
      await passed(100);
    }
    await old.serverEnded;
    await server.ended(device.hwid, "LIVENESS_TIMEOUT");
    await stream([device], 300);
    device.cut();
    await streaming(device, 1);
    await finish([device]);
  });

  it("belong to the newer of two connections, whatever the older one still sends [P-2.4]", async () => {
    proxy.onLink = undefined;
    const devices = Array.from({ length: 4 }, () => openAckDevice("twice"));
    await Promise.all(devices.map((device) => streaming(device)));
    const random = seededRandom(faultSeed + 2);
    const takeoverCount = 15;
    for (let count = 1; count <= takeoverCount; count++) {
      await stream(devices, random() * 150);
      for (const device of devices) device.connectAgain();
      await stream(devices, random() * 50);
      await Promise.all(devices.map((device) => streaming(device, count)));
      await Promise.all(
        devices.map((device) => device.until("one connection is left", () => device.connectionCount === 1)),
      );
    }
    await delivered(devices);
    for (const { endings, hwid } of devices) assert.equal(endings.get(4409), takeoverCount, hwid);
    await finish(devices);
  });

  it("lose nothing in a storm of all that", async (t) => {
    t.diagnostic(where);
    proxy.onLink = undefined;
    const devices = Array.from({ length: 6 }, () => openAckDevice("storm"));
    const others = Array.from({ length: 4 }, () => openSdkDevice("storm"));
    for (const device of [...devices, ...others]) device.make();
    await Promise.all(devices.map((device) => streaming(device)));
    await stream(others, 300);
    const storm = new Storm(proxy, faultSeed + 3);
    for (const endMs = performance.now() + 12_000; performance.now() < endMs; ) {
      await stream([...devices, ...others], 40);
      storm.blow();
      if (storm.random() < 0.05) devices[Math.floor(storm.random() * devices.length)]?.connectAgain();
    }
    storm.calm();
    await finish([...devices, ...others]);
    t.diagnostic(`${JSON.stringify(storm.counts)}, ${proxy.links.length} connections in all`);
    const resumed = devices.reduce((sum, { counts }) => sum + counts.resumed, 0);
    assert.ok(resumed > 20, `${resumed} sessions were resumed`);
  });

  it("have every acknowledged frame once and in order", async () => {
    await proxy[Symbol.asyncDispose]();
    await server.close();
    const received = join(folder.path, "data/received");
    assert.deepEqual(await findLeftovers(received), []);
    assert.deepEqual(
      acked.flatMap(({ faults, forgotten }) => [...faults, ...forgotten]),
      [],
      where,
    );
    const records: readonly DeliveryRecord[] = [...acked, ...sdks];
    const findings = await checkDelivery(records, { received, isClosed: true });
    assert.deepEqual(findings.faults, [], where);
    assert.equal(findings.holeCount, 0);
    for (const { heldCount, hwid } of acked) assert.equal(heldCount, 0, hwid);
  });
});

/** Does random things to the connections of a proxy. */
class Storm {
  readonly random: () => number;
  readonly counts: Record<string, number> = {};
  readonly #proxy: TcpProxy;
  readonly #ending = new Set<() => void>();

  constructor(proxy: TcpProxy, seed: number) {
    this.#proxy = proxy;
    this.random = seededRandom(seed);
  }

  /** One thing to one connection. */
  blow(): void {
    const links = this.#proxy.openLinks;
    const link = links[Math.floor(this.random() * links.length)];
    if (link === undefined) return;
    const pipe = this.random() < 0.5 ? link.toServer : link.toClient;
    const gusts: readonly (readonly [name: string, blow: () => void])[] = [
      ["delay", () => this.#set(pipe, { delayMs: () => this.random() * 30 })],
      ["pieces", () => this.#set(pipe, { pieceBytes: 1 + Math.floor(this.random() * 40) })],
      ["stall", () => this.#stall(pipe)],
      ["reset", () => link.reset()],
      ["half-open", () => this.#lose(link, () => link.halfOpen())],
      ["one way", () => this.#lose(link, () => pipe.swallow())],
    ];
    const [name, blow] = gusts[Math.floor(this.random() * gusts.length)] ?? ["none", () => {}];
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    blow();
  }

  #set(pipe: ProxyPipe, conditions: ProxyPipe["conditions"]): void {
    pipe.conditions = conditions;
    this.#later(1_000, () => {
      pipe.conditions = {};
    });
  }

  #stall(pipe: ProxyPipe): void {
    pipe.stall();
    this.#later(800, () => pipe.pass());
  }

  /** The device notices after a while, the server does not. */
  #lose(link: ProxyLink, lose: () => void): void {
    lose();
    this.#later(500, () => link.resetClient());
  }

  /** Happens within so many ms, or when the storm is over. */
  #later(maxMs: number, end: () => void): void {
    const run = () => {
      clearTimeout(timer);
      this.#ending.delete(run);
      end();
    };
    const timer = setTimeout(run, this.random() * maxMs);
    this.#ending.add(run);
  }

  /** Ends all that is going on. */
  calm(): void {
    for (const end of [...this.#ending]) end();
  }
}
