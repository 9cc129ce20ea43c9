import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeviceHealth } from "./device-health.ts";
import type { SegmentLevels } from "./health-conditions.ts";

const usual: SegmentLevels = { peakDbfs: -12, rmsDbfs: -30, dcOffset: 0.0002, clippedShare: 0, humShare: 0.1 };
const startMs = Date.UTC(2026, 0, 1);
const lengthMs = 10_000;

/** A device that sends segments of 10 s, one after the other. */
class Recording {
  readonly health = new DeviceHealth();
  #index = 0;

  /** @returns the numbers of the segments that changed something, from 1 */
  send(
    count: number,
    levels: Partial<SegmentLevels> = {},
    facts: { streamId?: number; driftPpm?: number; sessionMs?: number } = {},
  ) {
    return Array.from({ length: count }, (_, number) => {
      const from = startMs + this.#index * lengthMs;
      this.#index += 1;
      const times = { startMs: from, endMs: from + lengthMs, name: `s${this.#index}` };
      const { streamId = 1, driftPpm = 3, sessionMs = startMs } = facts;
      const hasChanged = this.health.take({ ...times, sessionMs, streamId, driftPpm, levels: { ...usual, ...levels } });
      return hasChanged ? number + 1 : 0;
    }).filter((number) => number > 0);
  }

  pass(ms: number): void {
    this.#index += ms / lengthMs;
  }

  get conditions(): readonly string[] {
    return this.health.held.map(({ condition }) => condition);
  }
}

describe("DeviceHealth", () => {
  it("holds nothing against a device that sounds as devices do", () => {
    const recording = new Recording();
    assert.deepEqual(recording.send(100), []);
    assert.deepEqual(recording.conditions, []);
  });

  it("tells digital silence from a quiet room", () => {
    const recording = new Recording();
    recording.send(10, { peakDbfs: -72, rmsDbfs: -84, dcOffset: 0 });
    assert.deepEqual(recording.conditions, []);
    assert.deepEqual(recording.send(4, { peakDbfs: -120, rmsDbfs: -120, dcOffset: 0 }), [3]);
    assert.deepEqual(recording.health.held, [
      { condition: "dead", sinceMs: startMs + 100_000, evidence: { peak_dbfs: -120, stream_id: 1 } },
    ]);
    assert.deepEqual(recording.send(3), [3]);
    assert.deepEqual(recording.conditions, []);
  });

  it("tells a stuck converter from one with an offset", () => {
    const offset = new Recording();
    offset.send(10, { dcOffset: 0.02, peakDbfs: -32, rmsDbfs: -33.9 });
    assert.deepEqual(offset.conditions, []);
    const stuck = new Recording();
    stuck.send(3, { dcOffset: -0.25, peakDbfs: -12.04, rmsDbfs: -12.04 });
    assert.deepEqual(stuck.conditions, ["stuck-dc"]);
  });

  it("holds clipping by its share, and not for a slammed door", () => {
    const recording = new Recording();
    recording.send(1, { clippedShare: 0.2, peakDbfs: 0 });
    recording.send(20, { clippedShare: 0.0005 });
    assert.deepEqual(recording.conditions, []);
    recording.send(3, { clippedShare: 0.002, peakDbfs: 0 });
    assert.deepEqual(recording.health.held[0]?.evidence, { clipped_percent: 0.2, stream_id: 1 });
  });

  it("holds hum-only where nearly all of the power is the mains', unless there is hardly any", () => {
    const recording = new Recording();
    recording.send(10, { humShare: 0.99, rmsDbfs: -85 });
    assert.deepEqual(recording.conditions, []);
    assert.deepEqual(recording.send(6, { humShare: 0.99, rmsDbfs: -50 }), [6]);
    assert.deepEqual(recording.conditions, ["hum-only"]);
  });

  it("holds far-below-baseline by the device's own usual level, which does not follow it down", () => {
    const recording = new Recording();
    recording.send(5 * 360);
    assert.deepEqual(recording.send(200, { rmsDbfs: -54 }), []);
    assert.deepEqual(recording.send(360 * 24, { rmsDbfs: -60 }), [12]);
    assert.deepEqual(recording.conditions, ["far-below-baseline"]);
    assert.deepEqual(recording.health.held[0]?.evidence, { rms_dbfs: -60, baseline_dbfs: -30, stream_id: 1 });
  });

  it("tells drift from a wrong rate", () => {
    const recording = new Recording();
    recording.send(3, {}, { driftPpm: -140 });
    assert.deepEqual(recording.conditions, ["drift"]);
    recording.send(3, {}, { driftPpm: 21_000 });
    assert.deepEqual(recording.conditions, ["wrong-rate", "drift"]);
    recording.send(3, {}, { driftPpm: 99 });
    assert.deepEqual(recording.conditions, ["drift"]);
  });

  it("judges each stream by itself, and drops one that has ended", () => {
    const recording = new Recording();
    for (let turn = 0; turn < 4; turn += 1) {
      recording.send(1, { peakDbfs: -120 }, { streamId: 2 });
      recording.send(1);
    }
    assert.deepEqual(recording.conditions, ["dead"]);
    assert.equal(recording.health.held[0]?.evidence["stream_id"], 2);
    recording.send(80);
    assert.deepEqual(recording.conditions, ["dead"]);
    assert.deepEqual(recording.send(20).length, 1);
    assert.deepEqual(recording.conditions, []);
  });

  it("goes on after a restart with what held", () => {
    const recording = new Recording();
    const dead = { condition: "dead", sinceMs: 5, evidence: { peak_dbfs: -120, stream_id: 2 } };
    recording.health.restore(dead);
    assert.deepEqual(recording.send(2, {}, { streamId: 1 }), []);
    assert.deepEqual(recording.send(3, { peakDbfs: -120 }, { streamId: 2 }), []);
    assert.deepEqual(recording.health.held, [dead]);
    assert.deepEqual(recording.send(3, {}, { streamId: 2 }), [3]);
  });

  it("takes no notice of segments that come late", () => {
    const recording = new Recording();
    recording.send(5);
    recording.pass(-50_000);
    assert.deepEqual(recording.send(5, { peakDbfs: -120 }), []);
  });

  it("holds no-data until it is told otherwise", () => {
    const { health } = new Recording();
    assert.equal(health.setNoData({ sinceMs: 7, evidence: { silent_s: 30 } }), true);
    assert.equal(health.setNoData({ sinceMs: 9, evidence: { silent_s: 40 } }), false);
    assert.deepEqual(health.held, [{ condition: "no-data", sinceMs: 7, evidence: { silent_s: 30 } }]);
    assert.equal(health.setNoData(undefined), true);
    assert.equal(health.setNoData(undefined), false);
  });

  it("goes on when a newer session starts at an earlier time, and still passes over what an older one brings late", () => {
    const recording = new Recording();
    recording.pass(3_600_000);
    assert.deepEqual(recording.send(3, { peakDbfs: -120, rmsDbfs: -120, dcOffset: 0 }), [3]);
    recording.pass(-3_600_000);
    assert.deepEqual(recording.send(9), [], "an hour ago, of the same session");
    assert.deepEqual(recording.conditions, ["dead"]);
    assert.deepEqual(recording.send(4, {}, { sessionMs: startMs + 1 }), [3]);
    assert.deepEqual(recording.conditions, []);
  });

  it("keeps a stream that goes on at an earlier time beside one that has not been heard of since", () => {
    const recording = new Recording();
    recording.pass(3_600_000);
    recording.send(1, {}, { streamId: 2 });
    recording.send(1);
    recording.pass(-3_600_000);
    const dead = { peakDbfs: -120, rmsDbfs: -120, dcOffset: 0 };
    assert.deepEqual(recording.send(3, dead, { sessionMs: startMs + 1 }), [3]);
    assert.deepEqual(recording.conditions, ["dead"]);
  });
});
