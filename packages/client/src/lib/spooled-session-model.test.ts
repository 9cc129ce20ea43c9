import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { seededRandom } from "../../../../test/support/seeded-random.ts";
import { FakeClock } from "./fake-clock.test-support.ts";
import { ModelServer } from "./model-server.test-support.ts";
import { createSession } from "./node-session.ts";
import type { Session } from "./session.ts";
import { optionsFor } from "./session-events.test-support.ts";
import { SpoolBench } from "./spool.test-support.ts";
import type { Spool } from "./spool.ts";

interface Scenario {
  readonly seed: number;
  /** Processes one after the other; all but the last one die. */
  readonly processCount: number;
  readonly frameCount: number;
  readonly windowFrameCount: number;
  readonly faultCount: number;
  readonly forgets: boolean;
}

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  processCount: fc.integer({ min: 1, max: 4 }),
  frameCount: fc.integer({ min: 1, max: 150 }),
  windowFrameCount: fc.integer({ min: 1, max: 8 }),
  faultCount: fc.integer({ min: 0, max: 8 }),
  forgets: fc.boolean(),
});

/** A run of processes over one folder and one server. */
class World {
  readonly scenario: Scenario;
  readonly clock = new FakeClock();
  readonly random: () => number;
  readonly server: ModelServer;
  /** Ids of frames that the dead processes had put into the spool or were acknowledged. */
  readonly promised = new Set<number>();
  #nextId = 0;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.random = seededRandom(scenario.seed);
    this.server = new ModelServer(this.clock, { maxMs: 15, random: this.random });
    this.#sync();
  }

  #sync(): void {
    this.server.sync();
    this.clock.startTimer(20 + this.random() * 60, () => this.#sync());
  }

  /** Outages are longer than a session waits before it spills. */
  scheduleFaults(): void {
    const { server, clock, random } = this;
    const goDown = () => {
      server.isDown = true;
      clock.startTimer(4_000 + random() * 20_000, () => {
        server.isDown = false;
      });
      server.breakConnections();
    };
    const faults = [
      ...[goDown, goDown, goDown],
      () => server.breakConnections(),
      () => server.crash(),
      () => server.closeConnections(1001),
      ...(this.scenario.forgets ? [() => server.forget()] : []),
    ];
    for (let count = 0; count < this.scenario.faultCount; count += 1) {
      clock.startTimer(random() * 20_000, faults[Math.floor(random() * faults.length)] ?? (() => {}));
    }
  }

  open(spool: Spool): Session {
    const { clock, random, server, scenario } = this;
    const window = { maxBytes: scenario.windowFrameCount * 44 };
    return createSession(optionsFor("ws://model/ws", { clock, random, transport: server.connect, spool, window }));
  }

  /** Writes frames at random times; each frame's id is its place among all processes' frames. */
  async write(session: Session): Promise<void> {
    const end = this.#nextId + this.scenario.frameCount;
    while (this.#nextId < end) {
      const payload = Buffer.alloc(32);
      payload.writeUInt32LE(this.#nextId);
      this.#nextId += 1;
      await session.writeFrame(payload);
      await new Promise<void>((resolve) => this.clock.startTimer(this.random() * 300, resolve));
    }
  }

  /** Lets time pass until something is reached; the disk has its turns. */
  async pass(isReached: () => boolean): Promise<void> {
    for (let step = 0; !isReached(); step += 1) {
      assert.ok(step < 100_000, "stuck");
      this.clock.advanceToNext();
      await setImmediate();
    }
  }

  /** What stands in the journals' files, and what the server has, will be on the server. */
  async promise(spool: Spool): Promise<void> {
    for (const journal of spool.journals) {
      if (this.random() < 0.7) await journal.flush();
      const { writtenSeq } = journal;
      for await (const { seq, payload } of journal.frames()) {
        if (seq < writtenSeq) this.promised.add(Buffer.from(payload).readUInt32LE(0));
      }
    }
    for (const { durable } of this.server.sessions) for (const { id } of durable) this.promised.add(id);
  }
}

async function check(scenario: Scenario): Promise<void> {
  const bench = await SpoolBench.create();
  try {
    const world = new World(scenario);
    world.scheduleFaults();
    let folder = bench.folder;
    for (let number = 1; number < scenario.processCount; number += 1) {
      const spool = await bench.open({ folder });
      const session = world.open(spool);
      let isWritten = false;
      const writing = world.write(session).then(() => {
        isWritten = true;
      });
      await world.pass(() => isWritten);
      await writing;
      // The process dies: what stands on the disk now is all that is left.
      await world.promise(spool);
      folder = bench.copy(folder);
      session.abort();
    }
    const spool = await bench.open({ folder });
    const session = world.open(spool);
    await lastProcess(world, session);
    assert.deepEqual(spool.journals, []);
    judge(world);
  } finally {
    await bench.close();
  }
}

async function lastProcess(world: World, session: Session): Promise<void> {
  let isDone = false;
  const writing = world.write(session).then(async () => {
    const { kind, unacknowledgedFrameCount } = await session.finish();
    assert.deepEqual([kind, unacknowledgedFrameCount], ["complete", 0]);
    isDone = true;
  });
  await world.pass(() => isDone);
  await writing;
}

function judge({ server, promised, scenario }: World): void {
  const ids = server.sessions.flatMap(({ durable }) => durable.map(({ id }) => id));
  const stored = new Set(ids);
  assert.deepEqual(
    [...promised].filter((id) => !stored.has(id)),
    [],
    "all that was kept or acknowledged is there",
  );
  if (server.forgotCount === 0) assert.equal(stored.size, ids.length, "and there once");
  for (const { durable } of server.sessions) {
    const seqs = durable.map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      seqs.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(seqs).size, seqs.length, "nothing twice in a session");
  }
  const last = scenario.frameCount * scenario.processCount;
  for (let id = last - scenario.frameCount; id < last; id += 1) assert.ok(stored.has(id), `frame ${id}`);
}

describe("Sessions over a spool, against a server that fails, in processes that die", () => {
  it("lose nothing that was kept, and deliver nothing twice [P-2.4]", async () => {
    await fc.assert(fc.asyncProperty(scenarios, check), { numRuns: 60 });
  });
});
