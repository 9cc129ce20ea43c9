import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "./fake-clock.test-support.ts";
import { FrameMaker, type FrameMakerOptions } from "./frame-maker.ts";
import { makePayload, smallFormat } from "./session-events.test-support.ts";

const maxBytes = 1_048_576;
const startMs = 1_600_000_000_000;

function makeMaker(options: Partial<FrameMakerOptions> = {}) {
  const clock = new FakeClock();
  return {
    clock,
    maker: new FrameMaker({ format: smallFormat, nibbleOrder: "low", firstSeq: 0, startMs, clock, ...options }),
  };
}

describe("FrameMaker", () => {
  it("numbers frames, across the wrap too [P-1.2] [P-2.2]", () => {
    const { maker } = makeMaker({ firstSeq: 2 ** 32 - 1 });
    const seqs = [1, 2].map((value) =>
      Buffer.from(maker.wrap(makePayload(value), undefined, maxBytes).message).readUInt32LE(8),
    );
    assert.deepEqual(seqs, [2 ** 32 - 1, 0]);
  });

  it("tells when frames were captured, by the count of samples", () => {
    const { maker } = makeMaker();
    maker.push(new Int16Array(40));
    assert.equal(maker.next(maxBytes)?.captured.captureMs, startMs);
    assert.equal(maker.next(maxBytes)?.captured.captureMs, startMs + 1);
    assert.equal(maker.next(maxBytes), undefined);
    assert.equal(maker.nextStartMs, startMs + 2);
    assert.deepEqual(maker.rest(maxBytes)?.captured, { captureMs: startMs + 2, captureUs: 1_000_002_000 });
  });

  it("begins with the clock at the first write where no start is given", () => {
    const { maker, clock } = makeMaker({ startMs: undefined });
    assert.equal(maker.nextStartMs, 0);
    clock.advance(5_000);
    const { captured } = maker.wrap(makePayload(1), undefined, maxBytes);
    assert.equal(captured.captureMs, clock.wallMs());
    clock.advance(5_000);
    assert.equal(maker.wrap(makePayload(1), undefined, maxBytes).captured.captureMs, captured.captureMs + 1);
  });

  it("goes by what the writer says, from that sample on", () => {
    const { maker } = makeMaker();
    maker.push(new Int16Array(8));
    // The frame has begun 8 samples before: half a millisecond.
    maker.push(new Int16Array(24), { captureMs: 5_000_000.5, captureUs: 700_000 });
    assert.deepEqual(maker.next(maxBytes)?.captured, { captureMs: 5_000_000, captureUs: 699_500 });
    assert.equal(maker.next(maxBytes)?.captured.captureMs, 5_000_001);
    const { captured } = maker.wrap(makePayload(1), { captureMs: 9_000_000 }, maxBytes);
    assert.deepEqual(captured, { captureMs: 9_000_000, captureUs: 701_500 });
  });

  it("leaves unknown wall clocks unknown", () => {
    const { maker } = makeMaker({ startMs: 0 });
    maker.wrap(makePayload(1), undefined, maxBytes);
    assert.equal(maker.wrap(makePayload(1), undefined, maxBytes).captured.captureMs, 0);
  });

  it("refuses what the server would refuse, and goes on", () => {
    const { maker } = makeMaker();
    assert.throws(() => maker.wrap(new Uint8Array(34), undefined, maxBytes), { code: "FRAME_TOO_LONG" });
    assert.throws(() => maker.wrap(new Uint8Array(31), undefined, maxBytes), { code: "FRAME_PAYLOAD_SIZE" });
    assert.throws(() => maker.wrap(makePayload(1), undefined, 40), {
      code: "MESSAGE_TOO_BIG",
      message: /44 bytes.*40/,
    });
    assert.equal(Buffer.from(maker.wrap(makePayload(1), undefined, 44).message).readUInt32LE(8), 0);
  });

  it("leaves the size of multichannel ADPCM to device and server [P-1.7]", () => {
    const { maker } = makeMaker({ format: { ...smallFormat, codec: "adpcm", channels: 8 } });
    assert.equal(maker.wrap(new Uint8Array(200), undefined, maxBytes).message.length, 212);
  });

  it("refuses to mix samples and frames", () => {
    const { maker } = makeMaker();
    maker.push(new Int16Array(3));
    assert.throws(() => maker.wrap(makePayload(1), undefined, maxBytes), { name: "RangeError", message: /either/ });
  });
});
