import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Clock, systemClock } from "../kernel/clock.ts";
import { checkClock } from "./clock-check-store.ts";

const steady = async () => true;

describe("checkClock", () => {
  it("finds nothing wrong with a clock that is synchronised", async () => {
    const [finding, ...others] = await checkClock(systemClock, Date.now() - 1_000, steady);
    assert.deepEqual([finding?.status, others], ["ok", []]);
    assert.match(finding?.message ?? "", /^20\d\d-.*Z, synchronised$/);
  });

  it("does not take silence of the system for a fault", async () => {
    const [finding] = await checkClock(systemClock, undefined, async () => undefined);
    assert.equal(finding?.status, "ok");
    assert.match(finding?.message ?? "", /does not tell whether it is synchronised$/);
  });

  it("warns of a clock that is not synchronised, that jumps, and that was put back", async () => {
    let jumpMs = 0;
    const clock: Clock = {
      monotonicMs: systemClock.monotonicMs,
      wallMs: () => {
        const wall = (Date.now() + jumpMs) as ReturnType<Clock["wallMs"]>;
        jumpMs = 3_000;
        return wall;
      },
    };
    const findings = await checkClock(clock, Date.now() + 3_600_000, async () => false);
    assert.ok(findings.every(({ status, fix }) => status === "warning" && fix !== undefined));
    const [jump = "", ahead = "", unsynchronised = ""] = findings.map(({ message }) => message);
    assert.match(jump, /^the wall clock jumped by (?:29|30)\d\d ms within 500 ms$/);
    assert.match(ahead, /^the newest recording begins 359\d s from now/);
    assert.match(unsynchronised, /not synchronised$/);
  });
});
