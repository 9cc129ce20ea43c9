import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IngressBudget, nominalBytesPerS } from "./ingress-budget.ts";

const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const limits = { maxRateFactor: 100, maxFramesPerS: 20_000 };
const readBytes = 65_536;

/** A sender that sends as fast as it is read. */
class Flood {
  readonly budget: IngressBudget;
  #wireBytes = 0;
  #messageBytes = 0;
  /** Of each WebSocket frame. */
  readonly #payloadBytes: number;

  constructor(budget: IngressBudget, payloadBytes: number) {
    this.budget = budget;
    this.#payloadBytes = payloadBytes;
  }

  /** Sends until it is held back, or the second is over. @returns bytes that were read */
  second(maxBytes: number): number {
    const before = this.#wireBytes;
    while (this.#wireBytes - before < maxBytes) {
      this.#wireBytes += readBytes;
      this.#messageBytes += Math.floor((readBytes * this.#payloadBytes) / (this.#payloadBytes + 6));
      if (!this.budget.take(readBytes)) break;
    }
    const totals = { wireBytes: this.#wireBytes, messageBytes: this.#messageBytes, partialBytes: 0 };
    this.budget.sweep(totals);
    return this.#wireBytes - before;
  }
}

describe("nominalBytesPerS", () => {
  it("is what a device of the format sends, headers included", () => {
    assert.equal(nominalBytesPerS(format), 32_000 + 50 * 24);
    assert.equal(nominalBytesPerS({ ...format, codec: "adpcm" }), 8_000 + 50 * 24);
    assert.ok(nominalBytesPerS({ ...format, frameSampleCount: 0 }) > 32_000);
  });
});

describe("IngressBudget", () => {
  it("reads the backlog of a quarter of an hour at once, and a hundred times the rate from then on", () => {
    const flood = new Flood(new IngressBudget(limits), 652);
    flood.budget.setFormat(format);
    assert.ok(flood.second(1e9) >= 900 * nominalBytesPerS(format));
    const perS = (flood.second(1e9) + flood.second(1e9) + flood.second(1e9) + flood.second(1e9)) / 4;
    assert.ok(Math.abs(perS / (100 * nominalBytesPerS(format)) - 1) < 0.1, String(perS));
  });

  it("never holds up a device that sends in time, or twenty times as fast", () => {
    const budget = new IngressBudget(limits);
    budget.setFormat(format);
    const flood = new Flood(budget, 652);
    for (let second = 0; second < 600; second += 1) {
      const sent = 20 * nominalBytesPerS(format);
      assert.ok(flood.second(sent) >= sent);
    }
  });

  it("reads tiny frames at the rate of frames that is allowed, as long as they come and ten seconds more", () => {
    const flood = new Flood(new IngressBudget(limits), 1);
    flood.budget.setFormat({ ...format, sampleRateHz: 192_000, channels: 8 });
    flood.second(1e7);
    for (let second = 0; second < 20; second += 1) {
      assert.ok(flood.second(1e9) / 7 <= 20_000 + (2 * readBytes) / 7, `second ${second}`);
    }
  });

  it("is low before it is spent, until it is half full again, and while tiny frames are read slowly", () => {
    const budget = new IngressBudget(limits);
    budget.setFormat(format);
    const perS = 100 * nominalBytesPerS(format);
    const flood = new Flood(budget, 6_520);
    flood.second(7 * perS);
    assert.equal(budget.isLow, false);
    flood.second(3 * perS);
    assert.equal(budget.isLow, true);
    // A fifth of it is there, and a second brings a tenth.
    for (const isLow of [true, true, true, false]) {
      flood.second(readBytes);
      assert.equal(budget.isLow, isLow);
    }
    const tiny = new Flood(new IngressBudget(limits), 1);
    tiny.second(1e6);
    assert.equal(tiny.budget.isLow, true);
  });

  it("takes a large message that is not whole for no headers", () => {
    const budget = new IngressBudget(limits);
    const partial = { wireBytes: 1_000_000, messageBytes: 0, partialBytes: 1_000_000 };
    assert.ok(budget.take(1_000_000) && budget.sweep(partial));
    assert.ok(budget.take(8_000_000), "the device is not slowed");
  });

  it("reads without end where the factor is 0", () => {
    const budget = new IngressBudget({ ...limits, maxRateFactor: 0 });
    for (let count = 0; count < 10; count += 1) {
      assert.ok(budget.take(1e9));
      assert.ok(budget.sweep({ wireBytes: count * 1e9, messageBytes: count * 1e9, partialBytes: 0 }));
      assert.equal(budget.isLow, false);
    }
  });
});
