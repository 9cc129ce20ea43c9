import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { MonotonicMs } from "../kernel/clock.ts";
import { SilenceWatch } from "./silence-watch.ts";

const maxSilenceMs = 10_000;
const intervalMs = 1_000;

let nowMs: number;
let silentCount: number;
let watch: SilenceWatch;

beforeEach(() => {
  mock.timers.enable({ apis: ["setInterval"] });
  nowMs = 0;
  silentCount = 0;
  const clock = { monotonicMs: () => nowMs as MonotonicMs };
  watch = new SilenceWatch({ clock, maxSilenceMs, onSilent: () => (silentCount += 1) }, 60_000);
});

afterEach(() => {
  watch.close();
  mock.timers.reset();
});

/** Looks so often, each time after so long. */
function look(count: number, afterMs = intervalMs): void {
  for (let index = 0; index < count; index++) {
    nowMs += afterMs;
    mock.timers.tick(intervalMs);
  }
}

describe("SilenceWatch", () => {
  it("tells once of somebody who has said nothing for so long", () => {
    watch.hear();
    look(9);
    assert.equal(silentCount, 0);
    look(1);
    assert.equal(silentCount, 1);
    look(100);
    assert.equal(silentCount, 1);
  });

  it("begins anew with each word", () => {
    for (let index = 0; index < 5; index++) {
      watch.hear();
      look(9);
    }
    assert.equal(silentCount, 0);
  });

  it("gives more time for the first word", () => {
    look(59);
    assert.equal(silentCount, 0);
    look(1);
    assert.equal(silentCount, 1);
  });

  it("counts a look that comes late as one, however late: nobody was there to listen", () => {
    watch.hear();
    // A machine that slept for a night.
    look(1, 8 * 3_600_000);
    look(8);
    assert.equal(silentCount, 0);
    look(1);
    assert.equal(silentCount, 1);
  });

  it("gives as much more time as looks come late where the processor is short", () => {
    watch.hear();
    look(9, 5 * intervalMs);
    assert.equal(silentCount, 0);
  });

  it("does not count looks that follow each other at once as more time", () => {
    watch.hear();
    look(100, 0);
    assert.equal(silentCount, 0);
  });

  it("says nothing once it is closed", () => {
    watch.close();
    look(100);
    assert.equal(silentCount, 0);
  });
});
