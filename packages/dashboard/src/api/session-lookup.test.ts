import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Session } from "@eet/server/api-types";
import { SessionLookup } from "./session-lookup.ts";

/** A server that answers when it is told to. */
function makeLookup(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked: (string | undefined)[] = [];
  const answers: { resolve(sessions: readonly Session[]): void; reject(error: Error): void }[] = [];
  const lookup = new SessionLookup((hwid) => {
    asked.push(hwid);
    return new Promise((resolve, reject) => answers.push({ resolve, reject }));
  });
  /** Lets what was asked first be answered. */
  const answer = async (...sessions: readonly Session[]) => {
    answers.shift()?.resolve(sessions);
    await settle();
  };
  const fail = async () => {
    answers.shift()?.reject(new TypeError("the server is away"));
    await settle();
  };
  const namesOf = () => [...lookup.sessions.value].map(([hwid, { session }]) => `${hwid}=${session}`);
  return { lookup, asked, answer, fail, namesOf, pass: (ms: number) => t.mock.timers.tick(ms) };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

function sessionOf(hwid: string | null, session: string): Session {
  const format = { codec: "pcm16", sample_rate_hz: 16_000, channels: 1, frame_samples: 320 } as const;
  const start = { start: "2026-01-01T00:00:00.000Z", start_rule: "server-arrival", start_warning: null } as const;
  const amounts = { segments: 1, samples: 1, gap_samples: 0, drift_ppm: null };
  return { session, hwid, stream_id: 0, format, ...start, ended: null, acked: false, ...amounts };
}

describe("SessionLookup", () => {
  it("asks for each device once where scrolling rests, four at a time", async (t) => {
    const { lookup, asked, answer, namesOf, pass } = makeLookup(t);
    lookup.show(["passed"]);
    pass(100);
    lookup.show(["a", "b", "c", "d", "~"]);
    pass(150);
    assert.deepEqual(asked, ["a", "b", "c", "d"]);
    await answer(sessionOf("a", "s1"));
    assert.deepEqual(asked.slice(4), ["~"]);
    for (const hwid of ["b", "c", "d", null]) await answer(sessionOf(hwid, "s2"));
    lookup.show(["a", "~"]);
    pass(1_000);
    assert.equal(asked.length, 5);
    assert.deepEqual(namesOf(), ["a=s1", "b=s2", "c=s2", "d=s2", "~=s2"]);
  });

  it("asks again for a device on screen that had no session yet, as soon as something is told of it", async (t) => {
    const { lookup, asked, answer, namesOf, pass } = makeLookup(t);
    lookup.show(["a"]);
    pass(150);
    await answer();
    pass(10_000);
    assert.deepEqual([asked, namesOf()], [["a"], []]);
    lookup.outdate("elsewhere");
    lookup.outdate("a");
    pass(150);
    assert.deepEqual(asked, ["a", "a"]);
    await answer(sessionOf("a", "s1"));
    assert.deepEqual(namesOf(), ["a=s1"]);
  });

  it("asks once more when an answer was on its way as something was told", async (t) => {
    const { lookup, asked, answer, namesOf, pass } = makeLookup(t);
    lookup.show(["a"]);
    pass(150);
    lookup.outdate("a");
    await answer();
    pass(150);
    assert.deepEqual(asked, ["a", "a"]);
    await answer(sessionOf("a", "s1"));
    pass(1_000);
    assert.deepEqual([asked.length, namesOf()], [2, ["a=s1"]]);
  });

  it("reads the newest of all where many are wanted, and single ones behind that", async (t) => {
    const { lookup, asked, answer, namesOf, pass } = makeLookup(t);
    const hwids = Array.from({ length: 9 }, (_, index) => `m${index}`);
    for (const hwid of hwids) lookup.outdate(hwid);
    lookup.show(hwids);
    pass(150);
    assert.deepEqual(asked, [undefined]);
    await answer(...hwids.slice(0, 8).map((hwid) => sessionOf(hwid, "s2")), sessionOf("m0", "s1"));
    assert.deepEqual(asked.slice(1), ["m8"]);
    assert.equal(namesOf()[0], "m0=s2", "the newest stands first");
  });

  it("asks again after a failure", async (t) => {
    const { lookup, asked, answer, fail, namesOf, pass } = makeLookup(t);
    lookup.show(["a"]);
    pass(150);
    await fail();
    pass(5_000);
    assert.deepEqual(asked, ["a", "a"]);
    await answer(sessionOf("a", "s1"));
    assert.deepEqual(namesOf(), ["a=s1"]);
  });

  it("asks again for all that is on screen where nobody knows what has changed", async (t) => {
    const { lookup, asked, answer, namesOf, pass } = makeLookup(t);
    lookup.show(["a"]);
    pass(150);
    // An answer that is on its way may be too old.
    lookup.outdateAll();
    await answer(sessionOf("a", "s1"));
    pass(150);
    assert.deepEqual(asked, ["a", "a"]);
    await answer(sessionOf("a", "s2"));
    pass(150);
    assert.equal(asked.length, 2);
    assert.deepEqual(namesOf(), ["a=s2"]);
  });
});
