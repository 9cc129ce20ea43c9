import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Device } from "@eet/server/api-types";
import { stateOf } from "./device-state.ts";
import { arrangeFleet, countStates, type FleetEntry, listTags, orderByTitle } from "./fleet-order.ts";

const nowMs = Date.UTC(2026, 10, 22, 12);

function device(hwid: string, facts: Partial<Device> = {}): Device {
  const seen = new Date(nowMs - 1000).toISOString();
  const waiting = { files: 0, bytes: 0 };
  const totals = { sessions: 1, segments: 1, media_s: 10, gap_s: 0, bytes: 100 };
  return {
    hwid,
    name: null,
    tags: [],
    online: true,
    first_seen: seen,
    last_seen: seen,
    health: [],
    totals,
    waiting,
    ...facts,
  };
}

function held(condition: string): Pick<Device, "health"> {
  return { health: [{ condition, since: new Date(nowMs - 60_000).toISOString(), evidence: {} }] };
}

const quiet = { clippedMs: 0, gapMs: 0, quietSinceMs: 0, heardMs: nowMs };

describe("stateOf", () => {
  it("tells what the server found", () => {
    assert.equal(stateOf(device("a"), undefined, nowMs), "live");
    assert.equal(stateOf(device("a", held("clipping")), undefined, nowMs), "clipping");
    assert.equal(stateOf(device("a", held("dead")), undefined, nowMs), "silent");
    assert.equal(stateOf(device("a", held("no-data")), undefined, nowMs), "gap");
    assert.equal(stateOf(device("a", { online: false, ...held("clipping") }), undefined, nowMs), "offline");
  });

  it("tells what was heard in the last seconds, and lets go of it", () => {
    assert.equal(stateOf(device("a"), { ...quiet, clippedMs: nowMs - 1000 }, nowMs), "clipping");
    assert.equal(stateOf(device("a"), { ...quiet, clippedMs: nowMs - 20_000 }, nowMs), "live");
    assert.equal(stateOf(device("a"), { ...quiet, gapMs: nowMs - 1000 }, nowMs), "gap");
    assert.equal(stateOf(device("a"), { ...quiet, quietSinceMs: nowMs - 2000 }, nowMs), "live");
    assert.equal(stateOf(device("a"), { ...quiet, quietSinceMs: nowMs - 20_000 }, nowMs), "silent");
  });

  it("takes a device without id for connected as long as it is recorded", () => {
    assert.equal(stateOf(device("~", { hwid: null, online: null }), undefined, nowMs), "live");
    const old = { hwid: null, online: null, last_seen: new Date(nowMs - 600_000).toISOString() };
    assert.equal(stateOf(device("~", old), undefined, nowMs), "offline");
  });
});

describe("arrangeFleet", () => {
  const entries: readonly FleetEntry[] = [
    { device: device("mic-10", { tags: ["barn"] }), state: "live" },
    { device: device("mic-2", { name: "Yard" }), state: "live" },
    { device: device("mic-3", { online: false }), state: "offline" },
    { device: device("mic-9", held("clipping")), state: "clipping" },
    { device: device("mic-1"), state: "clipping" },
  ];
  const all = { search: "", state: "all", tag: "", condition: "" } as const;
  const byTitle = orderByTitle(entries.map((entry) => entry.device)).map(
    (device) => entries.find((entry) => entry.device === device) as FleetEntry,
  );
  const names = (arranged: readonly FleetEntry[]) => arranged.map(({ device }) => device.hwid);

  it("shows first what needs a person, and does not move for what passes", () => {
    assert.deepEqual(names(arrangeFleet(byTitle, all, "attention")), ["mic-9", "mic-3", "mic-1", "mic-10", "mic-2"]);
  });

  it("orders names with their numbers as people do", () => {
    assert.deepEqual(names(arrangeFleet(byTitle, all, "name")), ["mic-1", "mic-3", "mic-9", "mic-10", "mic-2"]);
  });

  it("finds parts of names, ids and tags, states and tags", () => {
    assert.deepEqual(names(arrangeFleet(byTitle, { ...all, search: " yArd" }, "name")), ["mic-2"]);
    assert.deepEqual(names(arrangeFleet(byTitle, { ...all, search: "mic-1" }, "name")), ["mic-1", "mic-10"]);
    assert.deepEqual(names(arrangeFleet(byTitle, { ...all, tag: "barn" }, "name")), ["mic-10"]);
    assert.deepEqual(names(arrangeFleet(byTitle, { ...all, state: "offline" }, "name")), ["mic-3"]);
  });

  it("counts states and lists tags", () => {
    assert.deepEqual(countStates(entries), { clipping: 2, gap: 0, silent: 0, live: 2, offline: 1 });
    assert.deepEqual(listTags(entries.map((entry) => entry.device)), ["barn"]);
  });
});
