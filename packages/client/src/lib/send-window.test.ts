import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { makeTallies } from "./memory-outlet.ts";
import { type HeldFrame, SendWindow, type SendWindowOptions } from "./send-window.ts";

const frame: HeldFrame = {
  message: new Uint8Array(100),
  sampleCount: 10,
  captured: { captureMs: 0, captureUs: 0 },
};

function makeWindow(options: Partial<SendWindowOptions> = {}) {
  const tallies = makeTallies();
  return {
    window: new SendWindow({ firstSeq: 0, maxBytes: 1_000, maxSampleCount: 1_000, tallies, ...options }),
    tallies,
  };
}

function append(window: SendWindow, count: number): void {
  for (let number = 0; number < count; number += 1) window.append(frame);
}

function send(window: SendWindow, count = Number.POSITIVE_INFINITY): void {
  for (let number = 0; number < count && window.hasUnsent; number += 1) window.advance();
}

describe("SendWindow", () => {
  it("gives frames in order until all are sent", () => {
    const { window, tallies } = makeWindow({ firstSeq: 5 });
    const frames = [1, 2, 3].map((sampleCount) => ({ ...frame, sampleCount }));
    for (const each of frames) window.append(each);
    const given: unknown[] = [];
    for (let next = window.peek(); next !== undefined; next = window.peek()) {
      given.push(next);
      window.advance();
    }
    assert.deepEqual(given, frames);
    assert.equal(window.nextSeq, 8);
    assert.deepEqual(tallies.sent.snapshot(), { frameCount: 3, sampleCount: 6 });
    window.advance();
    assert.equal(window.nextSeq, 8);
  });

  it("frees what is acknowledged, and counts it once", () => {
    const { window, tallies } = makeWindow();
    append(window, 5);
    send(window);
    assert.equal(window.acknowledge(3), true);
    assert.equal(window.acknowledge(3), false);
    assert.deepEqual([window.durableSeq, window.oldestSeq, window.heldCount, window.heldBytes], [3, 3, 2, 200]);
    assert.deepEqual(tallies.durable.snapshot(), { frameCount: 3, sampleCount: 30 });
    assert.equal(window.isSettled, false);
    assert.equal(window.acknowledge(5), true);
    assert.equal(window.isSettled, true);
  });

  it("passes over acknowledgements from behind and of what was never sent [P-2.2]", () => {
    const { window } = makeWindow({ firstSeq: 10 });
    append(window, 5);
    send(window, 3);
    window.acknowledge(11);
    for (const hostile of [10, 0, 14, 15, 2 ** 31, 2 ** 32 - 1, 11 + 2 ** 31]) {
      assert.equal(window.acknowledge(hostile), false, `${hostile}`);
    }
    assert.deepEqual([window.durableSeq, window.heldCount], [11, 4]);
  });

  it("goes on where seq wraps [P-2.2]", () => {
    const { window, tallies } = makeWindow({ firstSeq: 2 ** 32 - 2 });
    append(window, 5);
    send(window);
    assert.equal(window.acknowledge(2 ** 32 - 1), true);
    assert.equal(window.acknowledge(1), true);
    assert.equal(window.durableSeq, 2 ** 32 + 1);
    assert.equal(window.acknowledge(2 ** 32 - 1), false);
    assert.equal(window.resume(2), true);
    assert.equal(window.nextSeq, 2 ** 32 + 2);
    send(window);
    assert.equal(window.acknowledge(3), true);
    assert.equal(tallies.durable.frameCount, 5);
  });

  it("goes on behind what a resumed session has, keeping it until it is acknowledged [P-2.4]", () => {
    const { window } = makeWindow();
    append(window, 6);
    send(window);
    window.acknowledge(2);
    assert.equal(window.resume(4), true);
    assert.deepEqual([window.oldestSeq, window.nextSeq, window.heldCount], [2, 4, 4]);
    assert.equal(window.acknowledge(4), true);
    assert.equal(window.heldCount, 2);
  });

  it("goes on with what it holds when the session is further back [P-2.4]", () => {
    const { window } = makeWindow();
    append(window, 6);
    send(window);
    window.acknowledge(4);
    assert.equal(window.resume(1), true);
    assert.equal(window.nextSeq, 4);
  });

  it("refuses to resume a session that claims frames which were never sent", () => {
    const { window } = makeWindow();
    append(window, 6);
    send(window, 3);
    assert.equal(window.resume(4), false);
    assert.equal(window.resume(3), true);
    window.restart();
    assert.equal(window.resume(1), false, "nothing was sent to the fresh session yet");
  });

  it("sends everything held when the session says 0, as one without frames does [P-2.3]", () => {
    const { window } = makeWindow({ firstSeq: 2 ** 32 - 3 });
    append(window, 5);
    send(window);
    assert.equal(window.resume(0), true);
    assert.equal(window.nextSeq, 2 ** 32 - 3);
    send(window);
    window.acknowledge(2 ** 32 - 2);
    assert.equal(window.resume(0), true, "now it has frames, so it means 2^32");
    assert.equal(window.nextSeq, 2 ** 32);
  });

  it("sends everything held again to a fresh session, counting it once [P-2.4]", () => {
    const { window, tallies } = makeWindow();
    append(window, 4);
    send(window);
    window.acknowledge(1);
    window.restart();
    assert.deepEqual([window.nextSeq, window.durableSeq], [1, 1]);
    send(window);
    assert.equal(tallies.sent.frameCount, 4);
  });

  it("is full by bytes or by samples, but always takes one frame", () => {
    const bytes = makeWindow({ maxBytes: 200 }).window;
    append(bytes, 1);
    assert.equal(bytes.isFull, false);
    append(bytes, 1);
    assert.equal(bytes.isFull, true);
    const samples = makeWindow({ maxSampleCount: 20 }).window;
    append(samples, 2);
    assert.equal(samples.isFull, true);
    assert.equal(makeWindow({ maxBytes: 1 }).window.isFull, false);
  });

  it("lets go of what was sent on a plain connection", () => {
    const { window, tallies } = makeWindow();
    append(window, 3);
    send(window, 2);
    window.forgetSent();
    assert.deepEqual([window.heldCount, window.durableSeq, tallies.durable.frameCount], [1, 2, 0]);
  });

  it("holds many frames without growing", () => {
    const { window } = makeWindow({ maxBytes: Number.POSITIVE_INFINITY });
    for (let round = 0; round < 500; round += 1) {
      append(window, 3);
      send(window);
      window.acknowledge(window.endSeq - 1);
    }
    assert.deepEqual([window.heldCount, window.oldestSeq, window.endSeq], [1, 1_499, 1_500]);
    assert.equal(window.oldest, frame);
  });
});

describe("SendWindow.dropOldest", () => {
  it("counts what was never sent as dropped at once, and sends on behind it", () => {
    const { window, tallies } = makeWindow();
    append(window, 4);
    window.dropOldest();
    window.dropOldest();
    assert.deepEqual([window.oldestSeq, window.nextSeq], [2, 2]);
    assert.deepEqual(tallies.dropped.snapshot(), { frameCount: 2, sampleCount: 20 });
    send(window);
    assert.equal(window.acknowledge(4), true);
    assert.equal(tallies.durable.frameCount, 2);
  });

  it("waits for word of what was on its way: acknowledged it is no loss", () => {
    const { window, tallies } = makeWindow();
    append(window, 4);
    send(window);
    window.dropOldest();
    window.dropOldest();
    assert.equal(tallies.dropped.frameCount, 0);
    assert.equal(window.acknowledge(1), true);
    assert.equal(window.acknowledge(4), true);
    assert.deepEqual([tallies.dropped.frameCount, tallies.durable.frameCount], [0, 4]);
  });

  it("counts what was on its way as dropped when a resumed session does not have it", () => {
    const { window, tallies } = makeWindow();
    append(window, 6);
    send(window, 4);
    for (let number = 0; number < 5; number += 1) window.dropOldest();
    assert.equal(tallies.dropped.frameCount, 1);
    window.resume(1);
    assert.deepEqual([tallies.dropped.frameCount, window.nextSeq], [4, 5]);
    window.resume(1);
    assert.equal(tallies.dropped.frameCount, 4, "and counts it once");
    send(window);
    assert.equal(window.acknowledge(6), true);
    assert.deepEqual([tallies.durable.frameCount, tallies.dropped.frameCount], [2, 4]);
  });

  it("counts what was on its way as dropped when the session is lost", () => {
    const { window, tallies } = makeWindow();
    append(window, 4);
    send(window);
    window.dropOldest();
    window.restart();
    assert.deepEqual([tallies.dropped.frameCount, window.durableSeq, window.nextSeq], [1, 1, 1]);
  });

  it("does nothing when nothing is held", () => {
    const { window, tallies } = makeWindow();
    window.dropOldest();
    assert.deepEqual([window.oldestSeq, tallies.dropped.frameCount], [0, 0]);
  });
});

describe("SendWindow of a session that was begun before", () => {
  const resumed = () => {
    const made = makeWindow({ firstSeq: 10, sentEndSeq: 20 });
    assert.equal(made.window.resume(21), false);
    assert.equal(made.window.resume(14), true);
    return made;
  };

  it("passes over frames that the server has, holding them until they are acknowledged", () => {
    const { window } = resumed();
    append(window, 6);
    assert.deepEqual([window.heldCount, window.nextSeq, window.hasUnsent], [6, 14, true]);
    assert.equal(window.acknowledge(14), true);
    assert.equal(window.heldCount, 2);
  });

  it("takes acknowledgements of frames that are still to be appended", () => {
    const { window, tallies } = resumed();
    assert.equal(window.acknowledge(13), true);
    append(window, 5);
    assert.deepEqual([window.heldCount, window.oldestSeq, tallies.durable.frameCount], [2, 13, 3]);
    send(window);
    assert.equal(window.acknowledge(15), true);
    assert.equal(window.isSettled, true);
  });
});
