import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as passed } from "node:timers/promises";
import { faultRounds, faultSeed } from "../support/fault-seed.ts";
import { ImageDisk, skipWithoutMount } from "../support/mounted-disk.ts";
import { countUp, joinSessions, makeNumberedAudio, readNumberedSessions } from "../support/numbered-audio.ts";
import { findFaults } from "../support/recordings.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { ServerProcess } from "../support/server-process.ts";
import { StreamProcess, type StreamRecord } from "../support/stream-process.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const roundCount = faultRounds(6);
const framesPerSecond = 50;
/** As fast as sound: audio that runs ahead of the clock is taken for a recording, which can wait. */
const feedTickMs = 20;
/** A frame that was read is synced by then. [SpoolOptions: 1 s, and what a busy machine adds] */
const syncedWithinMs = 3_000;
const diskMiB = 64;
const settleMs = 50;
/** A stop derives all that is left, however busy the machine is. */
const serverFlags = ["--rotate-s", "1", "--flush-ms", "100", "--ack-ms", "100", "--shutdown-timeout-s", "300"];

/** What a client told to be in its spool. */
function countSpooled({ spool }: StreamRecord): number {
  return Math.round((spool?.audioS ?? 0) * framesPerSecond);
}

/** A machine without a network, whose power is cut: its disk holds the spool of a client. */
class OfflineMachine {
  readonly #folder: string;
  #disk: ImageDisk;
  /** The frame that is fed next. */
  #next = 0;

  constructor(folder: string, disk: ImageDisk) {
    this.#folder = folder;
    this.#disk = disk;
  }

  /** @param port - of a server that is there at the end of each round alone */
  #startClient(port: number): StreamProcess {
    const flags = ["--hwid", "mic", "--wav", "-", "--raw", "--codec", "pcm", "--spool", join(this.#disk.path, "spool")];
    return StreamProcess.start(["--url", `ws://127.0.0.1:${port}/ws`, ...flags]);
  }

  /** Feeds a client for a while, then cuts the power. @returns count of frames that the disk must have kept */
  async cut(where: string, port: number, lifeMs: number): Promise<number> {
    await using client = this.#startClient(port);
    const first = this.#next;
    const feeder = setInterval(() => {
      client.input.write(makeNumberedAudio(this.#next, this.#next + 1));
      this.#next += 1;
    }, feedTickMs);
    try {
      await client.until("something is in the spool", (record) => countSpooled(record) > 0);
      await passed(syncedWithinMs + lifeMs);
    } finally {
      clearInterval(feeder);
    }
    client.signal("SIGSTOP");
    const cutMs = performance.now();
    await passed(settleMs);
    const mountCopy = await this.#disk.copy(this.#folder, where);
    await client.kill();
    await this.#disk[Symbol.asyncDispose]();
    this.#disk = await mountCopy();
    const told = client.records.findLast(({ atMs }) => atMs <= cutMs - syncedWithinMs);
    assert.ok(told, "the client told of its spool in time");
    return first + countSpooled(told.record);
  }

  /** The machine is up again and has a network: a client delivers what was left. */
  async deliver(port: number): Promise<void> {
    await using client = this.#startClient(port);
    client.input.end();
    assert.equal(await client.exited, 0, client.errors);
  }

  /** What the cut has cost is fed again. */
  resume(next: number): void {
    this.#next = next;
  }

  async dispose(): Promise<void> {
    await this.#disk[Symbol.asyncDispose]();
  }
}

describe("a client with a spool whose machine loses power while it is offline", () => {
  it(`delivers all that was synced, once and in order, ${roundCount} times`, {
    skip: skipWithoutMount(),
  }, async (t) => {
    t.diagnostic(`FAULT_SEED=${faultSeed}`);
    const random = seededRandom(faultSeed);
    await using folder = await makeTemporaryFolder();
    const received = join(folder.path, "data/received");
    const machine = new OfflineMachine(folder.path, await ImageDisk.create(folder.path, "disk", diskMiB));
    let port = 0;
    let keptCount = 0;
    let lostCount = 0;
    try {
      for (let round = 0; round < roundCount; round++) {
        const where = `FAULT_SEED=${faultSeed}, round ${round}`;
        // A port at which nothing listens while the client is offline.
        const reserved = await ServerProcess.start({ folder: folder.path, flags: ["--port", String(port)] });
        port = reserved.port;
        await reserved.stop();
        const promisedCount = await machine.cut(`disk${round}`, port, random() * 2_000);

        const flags = [...serverFlags, "--port", String(port)];
        await using server = await ServerProcess.start({ folder: folder.path, flags });
        await machine.deliver(port);
        assert.equal(await server.stop(), 0, server.errors);
        assert.deepEqual(await findFaults(received), [], where);
        const numbers = joinSessions(await readNumberedSessions(received, "mic"));
        assert.deepEqual(numbers, countUp(numbers.length), `${where}: frames on disk`);
        const counts = `${numbers.length} frames were delivered, ${promisedCount} were synced`;
        assert.ok(numbers.length >= promisedCount && promisedCount > keptCount, `${where}: ${counts}`);
        keptCount = numbers.length;
        lostCount += numbers.length - promisedCount;
        machine.resume(keptCount);
      }
      t.diagnostic(`${keptCount} frames delivered, ${lostCount} more than were promised`);
    } finally {
      await machine.dispose();
    }
  });
});
