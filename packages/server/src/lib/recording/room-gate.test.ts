import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RoomGate } from "./room-gate.ts";

const MiB = 1024 * 1024;

async function isSettled(promise: Promise<void>): Promise<boolean> {
  const pending = Symbol("pending");
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

describe("RoomGate", () => {
  it("has room below 1 MiB and asks to slow down from 512 KiB on", () => {
    let waitingBytes = 0;
    const gate = new RoomGate(() => waitingBytes);
    const judge = (bytes: number) => {
      waitingBytes = bytes;
      return [gate.hasRoom, gate.isFilling];
    };
    assert.deepEqual(judge(MiB / 2 - 1), [true, false]);
    assert.deepEqual(judge(MiB / 2), [true, true]);
    assert.deepEqual(judge(MiB - 1), [true, true]);
    assert.deepEqual(judge(MiB), [false, true]);
  });

  it("lets a sender go on below 512 KiB", async () => {
    let waitingBytes = MiB;
    const gate = new RoomGate(() => waitingBytes);
    const drained = gate.drained();
    waitingBytes = MiB / 2;
    gate.look();
    assert.equal(await isSettled(drained), false);
    waitingBytes -= 1;
    gate.look();
    assert.equal(await isSettled(drained), true);
    assert.equal(await isSettled(gate.drained()), true);
  });

  it("lets a sender go on whatever waits when it is opened", async () => {
    const gate = new RoomGate(() => MiB);
    const drained = gate.drained();
    gate.open();
    assert.equal(await isSettled(drained), true);
  });
});
