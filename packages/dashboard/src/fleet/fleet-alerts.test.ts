import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Device } from "@eet/server/api-types";
import { gatherAlerts } from "./fleet-alerts.ts";
import { arrangeFleet, type FleetEntry } from "./fleet-order.ts";

const nowMs = Date.UTC(2026, 10, 22, 12);
const at = (agoMs: number) => new Date(nowMs - agoMs).toISOString();

function entry(
  hwid: string,
  state: FleetEntry["state"],
  conditions: Readonly<Record<string, number>> = {},
): FleetEntry {
  const health = Object.entries(conditions).map(([condition, agoMs]) => ({
    condition,
    since: at(agoMs),
    evidence: {},
  }));
  const device = { hwid, name: null, tags: [], health, last_seen: at(5_000) } as unknown as Device;
  return { device, state };
}

const fleet = [
  entry("away", "offline", { clipping: 90_000 }),
  entry("hum", "live", { "hum-only": 60_000 }),
  entry("dead", "silent", { dead: 30_000, "hum-only": 70_000 }),
  entry("loud", "clipping", { clipping: 10_000 }),
  entry("well", "live"),
];

describe("gatherAlerts", () => {
  it("gathers by condition, the worst first, the longest of each first", () => {
    const alerts = gatherAlerts(fleet).map(({ label, shape, entries }) => [
      ...[label, shape],
      ...entries.map(({ entry }) => entry.device.hwid),
    ]);
    assert.deepEqual(alerts, [
      ["clipping", "clipping", "loud"],
      ["digital silence", "silent", "dead"],
      ["hum only", "notice", "dead", "hum"],
      ["offline", "offline", "away"],
    ]);
  });

  it("names conditions by which the fleet shows the very devices that it counts", () => {
    for (const { condition, entries } of gatherAlerts(fleet)) {
      const shown = arrangeFleet(fleet, { search: "", state: "all", tag: "", condition }, "name");
      assert.deepEqual(new Set(shown), new Set(entries.map(({ entry }) => entry)), condition);
    }
  });
});
