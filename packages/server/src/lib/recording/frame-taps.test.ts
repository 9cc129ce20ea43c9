import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { TappedFrame } from "../kernel/frame-tap.ts";
import { FrameTaps, type TappableSession } from "./frame-taps.ts";
import { pcmFrame, pcmRequest, RecordingBench } from "./recording.test-support.ts";

const sessionOf = (hwid: string | null): TappableSession => ({ record: { hwid }, tap: undefined });
const look = () => {};

describe("FrameTaps", () => {
  it("shows the frames of a device in the sessions it has and in those that come", () => {
    const taps = new FrameTaps();
    const [earlier, later, other, unnamed] = [sessionOf("a"), sessionOf("a"), sessionOf("b"), sessionOf(null)];
    for (const session of [earlier, other, unnamed]) taps.add(session);
    taps.set("a", look);
    taps.add(later);
    assert.deepEqual(
      [earlier, later, other, unnamed].map(({ tap }) => tap),
      [look, look, undefined, undefined],
    );
    assert.equal(taps.count, 1);
  });

  it("leaves nothing behind when nobody looks any more", () => {
    const taps = new FrameTaps();
    const [staying, leaving] = [sessionOf(null), sessionOf(null)];
    taps.add(staying);
    taps.add(leaving);
    taps.set(null, look);
    taps.remove(leaving);
    assert.deepEqual([staying.tap, leaving.tap], [look, undefined]);
    taps.set(null, undefined);
    assert.equal(staying.tap, undefined);
    assert.equal(taps.count, 0);
  });
});

describe("Recorder.tap", () => {
  let bench: RecordingBench;

  beforeEach(async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    bench = await RecordingBench.open();
  });

  afterEach(async () => {
    mock.timers.reset();
    await bench.close();
  });

  it("shows each recorded frame with its place behind gaps, in plain and acknowledged sessions [A-1]", async () => {
    const recorder = bench.recorder({ rotateS: 60 });
    const seen: TappedFrame[] = [];
    recorder.tap("mic", (frame) => seen.push({ ...frame, message: frame.message.slice() }));
    const plain = recorder.openSession(pcmRequest);
    const acked = recorder.openDelivery(pcmRequest);
    plain.accept(pcmFrame(0), 0, 80);
    plain.accept(pcmFrame(3), 3, 80);
    acked.accept(pcmFrame(7), 7, 80);
    acked.accept(pcmFrame(7), 7, 80);
    assert.deepEqual(
      seen.map(({ session, end, message }) => [session, end.seq, end.sample, message[12]]),
      [
        ["s1", 1, 80, 0],
        ["s1", 4, 320, 3],
        ["0000000000s0", 8, 80, 7],
      ],
    );
    recorder.tap("mic", undefined);
    plain.accept(pcmFrame(4), 4, 80);
    assert.equal(seen.length, 3);
    const closing = [plain.end(), acked.end(), recorder.close()];
    bench.clock.advance(2_000);
    await Promise.all(closing);
  });
});
