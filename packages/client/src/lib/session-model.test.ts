import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { seededRandom } from "../../../../test/support/seeded-random.ts";
import { FakeClock } from "./fake-clock.test-support.ts";
import { ModelServer } from "./model-server.test-support.ts";
import { createSession } from "./node-session.ts";
import type { Session, SessionOptions } from "./session.ts";
import { optionsFor } from "./session-events.test-support.ts";

interface Scenario {
  readonly seed: number;
  readonly frameCount: number;
  readonly windowFrameCount: number;
  readonly faultCount: number;
  readonly firstSeq: number;
  readonly whenFull: "wait" | "drop-oldest";
  readonly forgets: boolean;
}

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  frameCount: fc.integer({ min: 1, max: 120 }),
  windowFrameCount: fc.integer({ min: 1, max: 40 }),
  faultCount: fc.integer({ min: 0, max: 12 }),
  firstSeq: fc.oneof(fc.constant(0), fc.integer({ min: 2 ** 32 - 100, max: 2 ** 32 - 1 }), fc.nat()),
  whenFull: fc.constantFrom("wait", "drop-oldest"),
  forgets: fc.boolean(),
});

/** A payload that is known again. */
function numbered(id: number): Uint8Array {
  const payload = Buffer.alloc(32);
  payload.writeUInt32LE(id);
  return payload;
}

/** Writes frames at random times until all are written, then finishes. */
async function produce(session: Session, { frameCount }: Scenario, clock: FakeClock, random: () => number) {
  for (let id = 0; id < frameCount; id += 1) {
    await session.writeFrame(numbered(id));
    await new Promise<void>((resolve) => clock.startTimer(random() * 20, resolve));
  }
  return session.finish();
}

/** Something goes wrong, at a random time. */
function schedule(
  { faultCount, frameCount, forgets, firstSeq }: Scenario,
  server: ModelServer,
  clock: FakeClock,
  random: () => number,
) {
  const faults = [
    () => server.breakConnections(),
    () => server.crash(),
    () => server.closeConnections(1001),
    () => server.closeConnections(1011),
    () => server.babble(Math.floor(random() * 2 ** 32)),
    () => server.babble(firstSeq),
    // Ahead of all that is ever sent.
    () => server.babble(firstSeq + frameCount + 1 + Math.floor(random() * 3)),
    () => {
      server.isDown = true;
      clock.startTimer(random() * 500, () => {
        server.isDown = false;
      });
      server.breakConnections();
    },
    ...(forgets ? [() => server.forget()] : []),
  ];
  for (let count = 0; count < faultCount; count += 1) {
    clock.startTimer(random() * frameCount * 15, faults[Math.floor(random() * faults.length)] ?? (() => {}));
  }
  const sync = () => {
    server.sync();
    clock.startTimer(20 + random() * 60, sync);
  };
  sync();
}

async function run(scenario: Scenario) {
  const clock = new FakeClock();
  const random = seededRandom(scenario.seed);
  const server = new ModelServer(clock, { maxMs: 15, random });
  const options: Partial<SessionOptions> = {
    clock,
    random,
    transport: server.connect,
    firstSeq: scenario.firstSeq,
    whenFull: scenario.whenFull,
    window: { maxBytes: scenario.windowFrameCount * 44 },
  };
  const session = createSession(optionsFor("ws://model/ws", options));
  schedule(scenario, server, clock, random);
  const producing = produce(session, scenario, clock, random);
  for (let step = 0; session.state.kind !== "closed"; step += 1) {
    assert.ok(step < 200_000, `stuck: ${JSON.stringify(session.progress)}`);
    clock.advanceToNext();
    await setImmediate();
  }
  return { server, session, result: await producing };
}

async function check(scenario: Scenario): Promise<void> {
  const { server, session, result } = await run(scenario);
  const { written, durable, dropped } = session.progress;
  assert.equal(result.kind, "complete");
  const stored = server.sessions.map((each) => each.durable);
  for (const frames of stored) {
    frames.forEach(({ seq, id }, index) => {
      assert.equal((seq - scenario.firstSeq) >>> 0, id, "each frame keeps its number");
      if (index > 0) assert.ok(seq > (frames[index - 1]?.seq ?? 0), "nothing twice or out of order in a session");
    });
  }
  const ids = new Set(stored.flat().map(({ id }) => id));
  const missingCount = scenario.frameCount - ids.size;
  assert.equal(durable.frameCount + dropped.frameCount, written.frameCount, "each frame is durable or dropped");
  assert.equal(result.unacknowledgedFrameCount, dropped.frameCount);
  if (scenario.whenFull === "wait") assert.equal(dropped.frameCount, 0);
  // A session that says 0 when it is resumed may have no frames at all: what is not known to be there counts as dropped.
  const isSure = server.forgotCount === 0 && scenario.firstSeq + scenario.frameCount < 2 ** 32;
  if (isSure) assert.equal(missingCount, dropped.frameCount, "what is missing was declared");
  else assert.ok(missingCount <= dropped.frameCount, "what is missing was declared");
}

describe("Session against a server that fails", () => {
  it("loses nothing but what it declares, and delivers nothing twice within a session [P-2.3] [P-2.4]", async () => {
    await fc.assert(fc.asyncProperty(scenarios, check), { numRuns: 500 });
  });
});
