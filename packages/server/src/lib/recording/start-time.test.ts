import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WallMs } from "../kernel/clock.ts";
import { decideStartTime } from "./start-time.ts";

const arrivalMs = Date.UTC(2026, 0, 1, 12) as WallMs;
const serverMs = arrivalMs - 20;
const tenMinutesMs = 600_000;
const year2020Ms = Date.UTC(2020, 0, 1);
const year9000Ms = Date.UTC(9_000, 0, 1);

const decide = (deviceMs: number) => decideStartTime(deviceMs, arrivalMs, 20);

describe("decideStartTime", () => {
  it("takes a device clock within 10 min of the server's, the frame's length taken off [P-3.4]", () => {
    for (const deviceMs of [serverMs, serverMs - tenMinutesMs, serverMs + tenMinutesMs]) {
      assert.deepEqual(decide(deviceMs), {
        startMs: deviceMs,
        rule: "device-synced",
        deviceMs,
        serverMs,
        warning: null,
      });
    }
  });

  it("keeps any other device time from 2020 on as unverified [P-3.4]", () => {
    for (const deviceMs of [serverMs - tenMinutesMs - 1, serverMs + tenMinutesMs + 1, year2020Ms, year9000Ms - 1]) {
      assert.deepEqual(decide(deviceMs), {
        startMs: deviceMs,
        rule: "device-unverified",
        deviceMs,
        serverMs,
        warning: null,
      });
    }
  });

  it("takes the server's arrival less the frame's length before 2020 [P-3.4]", () => {
    for (const deviceMs of [0, 1, 999_999_999, 4_000_000_001, year2020Ms - 1]) {
      assert.deepEqual(decide(deviceMs), {
        startMs: serverMs,
        rule: "server-arrival",
        deviceMs,
        serverMs,
        warning: null,
      });
    }
  });

  it("warns of numbers that are probably seconds [P-3.4]", () => {
    for (const deviceMs of [1e9, Math.floor(arrivalMs / 1000), 4e9]) {
      assert.deepEqual(decide(deviceMs), {
        startMs: serverMs,
        rule: "server-arrival",
        deviceMs,
        serverMs,
        warning: "probably-seconds",
      });
    }
  });

  it("takes no time whose year may come to need five digits", () => {
    for (const deviceMs of [year9000Ms, Number(2n ** 64n - 1n)]) {
      const { startMs, rule, warning } = decide(deviceMs);
      assert.deepEqual([startMs, rule, warning], [serverMs, "server-arrival", "out-of-range"]);
    }
  });
});
