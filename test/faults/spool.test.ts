import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createSession, openSpool, type Session } from "@eet/client";
import { faultRounds, faultSeed } from "../support/fault-seed.ts";
import {
  countUp,
  joinSessions,
  makeNumberedAudio,
  numberedFormat,
  readNumberedSessions,
} from "../support/numbered-audio.ts";
import { findFaults, findLeftovers, listFiles, splitFrames } from "../support/recordings.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { ServerProcess } from "../support/server-process.ts";
import { StreamProcess, type StreamRecord } from "../support/stream-process.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const framesPerSecond = 50;
const killCount = faultRounds(8);
/** Twice as fast as sound. */
const feedTickMs = 10;
/** A frame that was read is in the spool's file by then. [SpoolOptions: 100 ms, and what a busy machine adds] */
const writtenWithinMs = 1_000;
/** A stop derives all that is left, however busy the machine is. */
const serverFlags = ["--rotate-s", "1", "--flush-ms", "100", "--ack-ms", "100", "--shutdown-timeout-s", "300"];

/** A random moment is what is wanted: nothing tells of it. */
function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** All that a client told to have read. */
function countRead({ durableS, bufferedS, spooledS }: StreamRecord): number {
  return Math.round(((durableS ?? 0) + bufferedS + (spooledS ?? 0)) * framesPerSecond);
}

/** A client that is killed again and again over one spool, and the server that it streams to. */
class KilledClient {
  readonly #folder: string;
  readonly #random: () => number;
  #server: ServerProcess | undefined;
  #isServerUp = false;
  #stream: StreamProcess | undefined;
  #feeder: NodeJS.Timeout | undefined;
  /** The frame that is fed next. */
  #next = 0;
  /** Frames that were seen on the server's disk. */
  #confirmedCount = 0;
  /** Frames that the client must have kept or delivered. */
  #promisedCount = 0;
  /** Kills while there was no server. */
  offlineCount = 0;

  constructor(folder: string, random: () => number) {
    this.#folder = folder;
    this.#random = random;
  }

  /** Brings the server up if it is not, on the port that it always had. */
  async startServer(): Promise<void> {
    if (this.#isServerUp) return;
    const flags = [...serverFlags, "--port", String(this.#server?.port ?? 0)];
    this.#server = await ServerProcess.start({ folder: this.#folder, flags });
    this.#isServerUp = true;
    await this.#server.recovered();
  }

  /** A client that has delivered what the one before it left, and takes what it is fed. */
  async startClient(): Promise<void> {
    const url = this.#server?.url ?? "";
    const flags = ["--hwid", "mic", "--wav", "-", "--raw", "--codec", "pcm", "--spool", join(this.#folder, "spool")];
    this.#stream = StreamProcess.start(["--url", url, ...flags]);
    await this.#stream.until("what was left is delivered", ({ spool }) => spool?.earlierS === 0);
  }

  /** Feeds for a random time, every other time longer than there is a server, then kills the client. */
  async live(): Promise<void> {
    const stream = this.#stream;
    assert.ok(stream);
    this.#feeder = setInterval(() => this.#feed(stream), feedTickMs);
    await passed(500 + this.#random() * 3_000);
    if (this.#random() < 0.5) {
      this.offlineCount += 1;
      this.#isServerUp = false;
      await this.#server?.kill();
      await passed(this.#random() * 3_000);
    }
    const killedMs = performance.now();
    await stream.kill();
    clearInterval(this.#feeder);
    const told = stream.records.findLast(({ atMs }) => atMs <= killedMs - writtenWithinMs);
    this.#promisedCount = this.#confirmedCount + (told === undefined ? 0 : countRead(told.record));
  }

  #feed(stream: StreamProcess): void {
    stream.input.write(makeNumberedAudio(this.#next, this.#next + 1));
    this.#next += 1;
  }

  /** Stops the server and looks at its disk: all that was promised is there, each frame once and in order. */
  async confirm(where: string): Promise<void> {
    const received = join(this.#folder, "data/received");
    this.#isServerUp = false;
    assert.equal(await this.#server?.stop(), 0, this.#server?.errors);
    assert.deepEqual(await findLeftovers(received), [], where);
    assert.deepEqual(await findFaults(received), [], where);
    const numbers = joinSessions(await readNumberedSessions(received, "mic"));
    assert.deepEqual(numbers, countUp(numbers.length), `${where}: frames on disk`);
    const counts = `${numbers.length} frames are on disk, ${this.#promisedCount} were in the spool`;
    assert.ok(numbers.length >= this.#promisedCount, `${where}: ${counts}`);
    // What the client had not taken when it was killed is fed again.
    this.#next = this.#confirmedCount = numbers.length;
  }

  /** Feeds a last second and ends the audio. @returns the count of all frames */
  async finish(): Promise<number> {
    const stream = this.#stream;
    assert.ok(stream);
    this.#promisedCount = this.#next + framesPerSecond;
    stream.input.end(makeNumberedAudio(this.#next, this.#promisedCount));
    assert.equal(await stream.exited, 0, stream.errors);
    await this.confirm("end");
    assert.equal(this.#confirmedCount, this.#promisedCount);
    return this.#confirmedCount;
  }

  async dispose(): Promise<void> {
    clearInterval(this.#feeder);
    await this.#stream?.kill();
    await this.#server?.kill();
  }
}

describe("a client with a spool that is killed", () => {
  it(`delivers every frame once and in order, over ${killCount} kills, with the server up or down`, async (t) => {
    t.diagnostic(`FAULT_SEED=${faultSeed}`);
    await using folder = await makeTemporaryFolder();
    const client = new KilledClient(folder.path, seededRandom(faultSeed));
    try {
      await client.startServer();
      await client.startClient();
      for (let kill = 0; kill < killCount; kill++) {
        await client.live();
        await client.startServer();
        await client.startClient();
        await client.confirm(`FAULT_SEED=${faultSeed}, kill ${kill}`);
        await client.startServer();
      }
      const frameCount = await client.finish();
      t.diagnostic(`${frameCount} frames, ${client.offlineCount} kills without a server`);
    } finally {
      await client.dispose();
    }
  });
});

const offlineFrameCount = 3_600 * framesPerSecond;
const liveTickMs = 1_000 / framesPerSecond;
/** Live audio that is written while the backlog drains stands on the server's disk within this time. */
const liveWithinMs = 5_000;
const lookIntervalMs = 500;

/** Reads the live frames on a server's disk, in files of open and of closed segments. */
class LiveFrames {
  readonly #received: string;
  /** Those seen so far. */
  readonly #numbers = new Set<number>();
  /** Files that need not be read again, by their closed names: those of the backlog, and those that are closed. */
  readonly #done = new Set<string>();

  constructor(received: string) {
    this.#received = received;
  }

  async read(): Promise<ReadonlySet<number>> {
    for (const name of await listFiles(this.#received)) {
      const closedName = name.replace(/\.part$/, "");
      if (!closedName.endsWith(".bin") || this.#done.has(closedName)) continue;
      // A file may be closed, and so renamed, meanwhile.
      const read = (path: string) => readFile(join(this.#received, path));
      const bytes = await read(name).catch(() => read(closedName));
      const numbers = splitFrames(bytes).map(({ payload }) => payload.readUInt32LE(0));
      if (name === closedName || (numbers[0] ?? offlineFrameCount) < offlineFrameCount) this.#done.add(closedName);
      for (const number of numbers) this.#numbers.add(number);
    }
    return this.#numbers;
  }
}

/** A device over a spool that goes on writing in real time while its backlog drains. */
class OfflineDevice {
  readonly session: Session;
  readonly #live: LiveFrames;
  /** When each live frame was written. */
  readonly #writtenMs: number[] = [];
  /** Looks at the disk at which live frames had to be there while there was a backlog. */
  lookCount = 0;

  constructor(session: Session, received: string) {
    this.session = session;
    this.#live = new LiveFrames(received);
  }

  get frameCount(): number {
    return offlineFrameCount + this.#writtenMs.length;
  }

  /** Writes the hour, and waits until all of it has gone to the disk. */
  async writeOffline(): Promise<void> {
    for (let number = 0; number < offlineFrameCount; number++) {
      await this.session.writeFrame(makeNumberedAudio(number, number + 1));
    }
    while (this.session.progress.buffered.frameCount > 0) await passed(10);
  }

  /** Writes live frames until the backlog is gone; meanwhile looks whether they arrive in time. */
  async drain(): Promise<void> {
    const feeder = setInterval(() => {
      void this.session.writeFrame(makeNumberedAudio(this.frameCount, this.frameCount + 1));
      this.#writtenMs.push(performance.now());
    }, liveTickMs);
    try {
      while ((this.session.progress.backlog?.frameCount ?? 0) > 0) {
        await passed(lookIntervalMs);
        await this.#look();
      }
    } finally {
      clearInterval(feeder);
    }
  }

  async #look(): Promise<void> {
    const { backlog } = this.session.progress;
    const startMs = performance.now();
    const numbers = await this.#live.read();
    const due = this.#writtenMs.findLastIndex((writtenMs) => writtenMs <= startMs - liveWithinMs);
    for (let index = 0; index <= due; index++) {
      assert.ok(
        numbers.has(offlineFrameCount + index),
        `live frame ${index} of ${this.#writtenMs.length} is not there`,
      );
    }
    if (due >= 0 && (backlog?.audioS ?? 0) > 60) this.lookCount += 1;
  }
}

describe("a client that was offline for an hour", () => {
  it("delivers all of it from its spool, each frame once, and live frames before it", async (t) => {
    await using folder = await makeTemporaryFolder();
    const received = join(folder.path, "data/received");
    const away = await ServerProcess.start({ folder: folder.path });
    await away.kill();
    const spool = await openSpool({ folder: join(folder.path, "spool") });
    const opened = Promise.withResolvers<void>();
    const session = createSession({
      url: away.url,
      hwid: "mic",
      format: numberedFormat,
      spool,
      startMs: Date.now(),
      onState: ({ kind }) => {
        if (kind === "open") opened.resolve();
      },
    });
    try {
      const device = new OfflineDevice(session, received);
      await device.writeOffline();
      const { backlog, dropped } = session.progress;
      assert.deepEqual([backlog?.frameCount, dropped.frameCount], [offlineFrameCount, 0]);
      t.diagnostic(`${backlog?.audioS} s in the spool, ${spool.byteLength} bytes`);

      const flags = [...serverFlags, "--rotate-s", "10", "--port", String(away.port)];
      await using server = await ServerProcess.start({ folder: folder.path, flags });
      await opened.promise;
      const startMs = performance.now();
      await device.drain();
      t.diagnostic(
        `drained in ${Math.round(performance.now() - startMs)} ms, ${device.lookCount} looks at live frames`,
      );
      assert.ok(device.lookCount > 0, "live frames were looked at while there was a backlog");
      assert.equal((await session.finish()).kind, "complete");
      assert.deepEqual(spool.journals, []);
      assert.equal(await server.stop(), 0, server.errors);
      assert.deepEqual(await findLeftovers(received), []);
      assert.deepEqual(await findFaults(received), []);
      const numbers = joinSessions(await readNumberedSessions(received, "mic"));
      assert.equal(numbers.length, device.frameCount);
      assert.deepEqual(numbers, countUp(device.frameCount));
    } finally {
      session.abort();
      await spool.close();
    }
  });
});
