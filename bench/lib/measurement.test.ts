import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eetPeer } from "../peers/eet-peer.ts";
import type { Peer } from "../peers/peer.ts";
import { naiveWsPeer, nullWsPeer } from "../peers/script-peer.ts";
import { type Scenario, scenarioOf } from "../scenarios.ts";
import { isSound, type Measurement, measure } from "./measurement.ts";

/** As fast as they go: nothing waits for a clock. */
const small: Scenario = { ...scenarioOf("flood"), connectionCount: 3, seconds: 2, isOnOneCore: false };
const frameCount = 3 * 100;

async function measured(peer: Peer, scenario: Scenario): Promise<Measurement> {
  const measurement = await measure(scenario, peer);
  assert.equal(measurement.sentCount, frameCount);
  assert.equal(measurement.stored.frameCount, frameCount);
  return measurement;
}

describe("measure", () => {
  it("finds all frames at the peers, and none wrong", async () => {
    for (const peer of [nullWsPeer, naiveWsPeer]) assert.ok(isSound(await measured(peer, small)), peer.name);
  });

  it("finds all frames acknowledged, stored and derived at this server", async () => {
    const measurement = await measured(eetPeer, { ...small, hasAcks: true });
    assert.ok(isSound(measurement));
    assert.equal(measurement.sent.ackLatencies.count, frameCount);
    assert.equal(measurement.stored.finishingLags?.count, 3, "one segment for each device");
    assert.ok(measurement.settled.cpuMs >= measurement.ended.cpuMs);
  });
});

describe("isSound", () => {
  it("is false once anything is lost, wrong, dropped or not acknowledged", async () => {
    const good = await measured(nullWsPeer, small);
    assert.equal(isSound(good), true);
    for (const stored of [{ frameCount: frameCount - 1 }, { gapCount: 1 }, { problemCount: 1 }]) {
      assert.equal(isSound({ ...good, stored: { ...good.stored, ...stored } }), false);
    }
    for (const sent of [{ dropCount: 1 }, { unackedCount: 1 }]) {
      assert.equal(isSound({ ...good, sent: { ...good.sent, ...sent } }), false);
    }
  });
});
