import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseDeliveryPolicy } from "./delivery-policy.ts";

const mib = 1024 * 1024;
const adpcm = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const target = { streamId: 1, hwid: undefined };
const usual = { targets: [target], isRealtime: false, giveUpS: undefined, spool: undefined };
const spool = { folder: "spool", maxBytes: mib };

describe("chooseDeliveryPolicy", () => {
  it("lets files wait and live audio go on", () => {
    assert.equal(chooseDeliveryPolicy(usual, adpcm, false).whenFull, "wait");
    assert.equal(chooseDeliveryPolicy({ ...usual, isRealtime: true }, adpcm, false).whenFull, "drop-oldest");
    assert.equal(chooseDeliveryPolicy(usual, adpcm, true).whenFull, "drop-oldest");
  });

  it("holds 60 s of live audio as far as 16 MiB reach, and shares 32 MiB among many streams", () => {
    const live = { ...usual, isRealtime: true };
    assert.deepEqual(chooseDeliveryPolicy(live, adpcm, false).window, { maxBytes: 16 * mib, maxSeconds: 60 });
    assert.equal(chooseDeliveryPolicy(live, adpcm, false).windowS, 60);
    const wide = { codec: "pcm16", sampleRateHz: 192_000, channels: 8, frameSampleCount: 3840 } as const;
    assert.equal(chooseDeliveryPolicy(live, wide, false).windowS, (16 * mib) / (192_000 * 16));
    for (const [count, bytes] of [
      [4, 8 * mib],
      [32, mib],
      [1000, mib],
    ] as const) {
      const targets = Array.from({ length: count }, () => target);
      assert.equal(chooseDeliveryPolicy({ ...live, targets }, adpcm, false).window.maxBytes, bytes);
    }
  });

  it("gives up after 60 s, never with a spool, or when it is told", () => {
    const giveUpMs = (choice: { readonly giveUpS?: number; readonly spool?: typeof spool }) =>
      chooseDeliveryPolicy({ ...usual, ...choice }, adpcm, false).giveUpMs;
    assert.equal(giveUpMs({}), 60_000);
    assert.equal(giveUpMs({ spool }), undefined);
    assert.equal(giveUpMs({ giveUpS: 0 }), undefined);
    assert.equal(giveUpMs({ giveUpS: 5, spool }), 5_000);
  });

  it("fails at once where nothing listens unless told to wait", () => {
    assert.equal(chooseDeliveryPolicy(usual, adpcm, false).failsFast, true);
    assert.equal(chooseDeliveryPolicy({ ...usual, giveUpS: 60 }, adpcm, false).failsFast, false);
    assert.equal(chooseDeliveryPolicy({ ...usual, spool }, adpcm, false).failsFast, false);
  });
});
