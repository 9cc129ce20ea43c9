import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as passed } from "node:timers/promises";
import { AckFleet } from "../support/ack-fleet.ts";
import { compileServer } from "../support/compiled-server.ts";
import { checkDelivery } from "../support/delivery-checker.ts";
import { faultRounds, faultSeed } from "../support/fault-seed.ts";
import { ImageDisk, skipWithoutMount } from "../support/mounted-disk.ts";
import { findFaults, findLeftovers } from "../support/recordings.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { ServerProcess } from "../support/server-process.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const roundCount = faultRounds(25);
const deviceCount = 8;
/** After so many cuts all sessions are ended, and a new disk is begun. */
const roundsPerDisk = 5;
/** Of these rounds: the one in which power goes again while the server recovers from the cut before. */
const roundCutTwice = 2;
/** Longest time of that recovery: it begins before a server is asked for anything. */
const maxRecoveryMs = 100;
/** Longest time between two cuts. */
const maxLifeMs = 2_500;
/** Holds what all rounds record. */
const diskMiB = 256;
/** What was under way comes to rest: calls into the system, messages to devices. */
const settleMs = 50;
const flags = ["--rotate-s", "1", "--finish-workers", "2", "--ack-ms", "50", "--shutdown-timeout-s", "300"];

/** What was seen over all rounds. */
const totals = { acknowledged: 0, found: 0, lost: 0, torn: 0, roundsWithLoss: 0, recoveriesCut: 0 };

type Environment = Readonly<Record<string, string>>;

interface MachineOptions {
  readonly folder: string;
  readonly fleet: AckFleet;
  readonly random: () => number;
  readonly environment: Environment;
}

/** A machine whose power is cut: its server, the disk it has at the moment, and the devices out there. */
class Machine {
  readonly #folder: string;
  readonly #fleet: AckFleet;
  readonly #random: () => number;
  readonly #environment: Environment;
  #disk: ImageDisk;
  #server: ServerProcess;

  private constructor(options: MachineOptions, disk: ImageDisk, server: ServerProcess) {
    const { folder, fleet, random, environment } = options;
    this.#folder = folder;
    this.#fleet = fleet;
    this.#random = random;
    this.#environment = environment;
    this.#disk = disk;
    this.#server = server;
  }

  static async start(options: MachineOptions): Promise<Machine> {
    const { folder, environment } = options;
    const disk = await ImageDisk.create(folder, "disk", diskMiB);
    await holdReserve(join(disk.path, "data"));
    return new Machine(options, disk, await boot(folder, disk, environment));
  }

  get #received(): string {
    return join(this.#disk.path, "data/received");
  }

  /** Lets devices stream for a while, cuts the power, and looks at what the disk has kept. */
  async cut(round: number): Promise<void> {
    const where = `FAULT_SEED=${faultSeed}, round ${round}`;
    this.#fleet.aim(this.#server.url);
    await passed(this.#random() * maxLifeMs);
    const { devices } = this.#fleet;
    // Power goes at one moment, a copy takes longer: were the server to go on, the copy would mix states of which the disk
    // never had both. What it has promised until now is still on its way to the devices.
    this.#server.freeze();
    await passed(settleMs);
    for (const device of devices) device.deafen();
    assert.deepEqual(this.#fleet.faults, [], `${where}: what devices saw`);
    assert.deepEqual(this.#fleet.forgotten, [], `${where}: sessions`);
    const mountCopy = await this.#disk.copy(this.#folder, `disk${round}`);
    for (const device of devices) device.cut();
    await this.#server.cutOff();
    const before = await checkDelivery(devices, { received: this.#received });
    await this.#moveTo(mountCopy);

    if (round % roundsPerDisk === roundCutTwice) await this.#cutRecovery(round);
    this.#server = await boot(this.#folder, this.#disk, this.#environment);
    await this.#server.recovered();
    const after = await checkDelivery(devices, { received: this.#received });
    assert.deepEqual(after.faults, [], `${where}: what the power cut left`);
    assert.deepEqual(await findLeftovers(this.#received), [], `${where}: files of open segments`);
    const lost = before.frameCount - after.frameCount;
    totals.lost += lost;
    if (lost > 0) totals.roundsWithLoss += 1;
    totals.torn += before.tornCount;
  }

  /** The power goes again while a server looks at what the first cut left. */
  async #cutRecovery(round: number): Promise<void> {
    this.#server = await boot(this.#folder, this.#disk, this.#environment);
    await passed(this.#random() * maxRecoveryMs);
    this.#server.freeze();
    await passed(settleMs);
    const mountCopy = await this.#disk.copy(this.#folder, `disk${round}-again`);
    await this.#server.cutOff();
    const left = await findLeftovers(this.#received);
    if (left.length > 0) totals.recoveriesCut += 1;
    await this.#moveTo(mountCopy);
  }

  async #moveTo(mountCopy: Awaited<ReturnType<ImageDisk["copy"]>>): Promise<void> {
    await this.#disk[Symbol.asyncDispose]();
    this.#disk = await mountCopy();
  }

  /** All devices deliver what they still hold and end their sessions. */
  async end(): Promise<void> {
    const where = `FAULT_SEED=${faultSeed}, at the end`;
    const { devices } = this.#fleet;
    this.#fleet.aim(this.#server.url);
    await this.#fleet.finish();
    assert.equal(await this.#server.stop(), 0, this.#server.errors);
    assert.deepEqual(this.#fleet.faults, [], `${where}: what devices saw`);
    assert.deepEqual(this.#fleet.forgotten, [], `${where}: sessions`);
    const findings = await checkDelivery(devices, { received: this.#received, isClosed: true });
    assert.deepEqual(findings.faults, [], where);
    assert.deepEqual(await findFaults(this.#received), [], `${where}: the server's own check`);
    for (const { madeNext, oldestSeq, hwid } of devices) assert.equal(oldestSeq, madeNext, `${hwid} delivered all`);
    totals.found += findings.frameCount;
    totals.acknowledged += devices.reduce((sum, { ackLatenciesMs }) => sum + ackLatenciesMs.length, 0);
  }

  async dispose(): Promise<void> {
    await this.#server.kill();
    await this.#disk[Symbol.asyncDispose]();
  }
}

/** The server sets 64 MiB aside by a file of random bytes; an empty one of that size will do, and is copied at once. */
async function holdReserve(dataFolder: string): Promise<void> {
  await mkdir(dataFolder);
  await using file = await open(join(dataFolder, "reserve.bin"), "w");
  await file.truncate(64 * 1024 * 1024);
  await file.sync();
}

/** Starts a server that finds itself in another boot than all before it. */
async function boot(folder: string, disk: ImageDisk, environment: Environment): Promise<ServerProcess> {
  const bootIdPath = join(folder, "boot-id");
  await writeFile(bootIdPath, `${randomUUID()}\n`);
  const script = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"';
  const launcher = ["unshare", "--mount", "sh", "-c", script, bootIdPath];
  return await ServerProcess.start({ folder: disk.path, flags, environment, launcher });
}

describe("a server whose machine loses power under 8 acknowledged streams", () => {
  it(`has every frame that was acknowledged before, ${roundCount} times [P-2.6] [S-3.1]`, {
    skip: skipWithoutMount(),
  }, async (t) => {
    t.diagnostic(`FAULT_SEED=${faultSeed}`);
    const startMs = performance.now();
    await using folder = await makeTemporaryFolder();
    const environment = await compileServer(folder.path);
    for (let round = 0; round < roundCount; round += roundsPerDisk) {
      const seed = faultSeed + round;
      const habits = { cut: 0.002, skip: 0.001 };
      using fleet = new AckFleet({ name: "mic", deviceCount, seed, habits, tickMs: 20 });
      const machine = await Machine.start({ folder: folder.path, fleet, random: seededRandom(seed), environment });
      try {
        const end = Math.min(round + roundsPerDisk, roundCount);
        for (let cut = round; cut < end; cut++) await machine.cut(cut);
        await machine.end();
      } finally {
        await machine.dispose();
      }
    }
    t.diagnostic(`frames: ${JSON.stringify(totals)}`);
    t.diagnostic(`${Math.round((performance.now() - startMs) / roundCount)} ms per round`);
  });
});
