import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import type { ShownFrame } from "./ingest-messages.ts";
import { ShownFrames } from "./shown-frames.ts";

const frameOf = (message: Uint8Array, seq = 1) => ({
  ...{ session: "s1", message, end: { seq, sample: 320 * seq }, sampleCount: 320 },
});

describe("ShownFrames", () => {
  it("sends what was gathered of all devices together, as it was when it came", async () => {
    const sent = new EventTarget();
    let batch: readonly ShownFrame[] = [];
    const shown = new ShownFrames((frames) => {
      batch = frames;
      sent.dispatchEvent(new Event("sent"));
    });
    const off = once(sent, "sent");
    const message = Uint8Array.of(1, 2);
    shown.tapOf("a")(frameOf(message));
    shown.tapOf(null)(frameOf(Uint8Array.of(3)));
    message.fill(9);
    await off;
    assert.deepEqual(
      batch.map(({ hwid, message: bytes }) => [hwid, [...bytes]]),
      [
        ["a", [1, 2]],
        [null, [3]],
      ],
    );
  });

  it("sends at once what stands before something else that is told", () => {
    const batches: (readonly ShownFrame[])[] = [];
    const shown = new ShownFrames((frames) => batches.push(frames));
    shown.flush();
    shown.tapOf("a")(frameOf(Uint8Array.of(1)));
    shown.flush();
    shown.flush();
    assert.deepEqual(
      batches.map(({ length }) => length),
      [1],
    );
  });

  it("leaves frames out while too much is on its way", () => {
    const done: (() => void)[] = [];
    let count = 0;
    const shown = new ShownFrames((frames, onSent) => {
      count += frames.length;
      done.push(onSent);
    });
    const show = () => {
      shown.tapOf("a")(frameOf(new Uint8Array(3 * 1024 * 1024)));
      shown.flush();
    };
    for (const _ of [1, 2, 3]) show();
    assert.equal(count, 2);
    for (const onSent of done) onSent();
    show();
    assert.equal(count, 3);
  });
});
