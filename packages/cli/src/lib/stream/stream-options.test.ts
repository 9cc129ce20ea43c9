import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseStreamFlags, type StreamFlags } from "./stream-options.ts";

const flags: StreamFlags = {
  codec: "adpcm",
  nibbleOrder: "low",
  url: "ws://localhost:5096/ws",
  streams: 1,
  streamIdBase: 1,
  frameMs: 20,
};

describe("parseStreamFlags", () => {
  it("counts ids up and numbers the devices when there are several", () => {
    const { targets } = parseStreamFlags({ ...flags, streams: 3, streamIdBase: 40, hwid: "mic" });
    assert.deepEqual(targets, [
      { streamId: 40, hwid: "mic-1" },
      { streamId: 41, hwid: "mic-2" },
      { streamId: 42, hwid: "mic-3" },
    ]);
  });

  it("leaves a single device's id alone", () => {
    assert.deepEqual(parseStreamFlags({ ...flags, hwid: "mic" }).targets, [{ streamId: 1, hwid: "mic" }]);
  });

  it("gives streams without a device id their stream ids only", () => {
    assert.deepEqual(parseStreamFlags({ ...flags, streams: 2 }).targets[1], { streamId: 2, hwid: undefined });
  });

  it("gives raw input 16 kHz mono unless told", () => {
    assert.deepEqual(parseStreamFlags({ ...flags, raw: true }).raw, { sampleRateHz: 16_000, channels: 1 });
    assert.deepEqual(parseStreamFlags({ ...flags, raw: true, rate: 8000, channels: 2 }).raw, {
      sampleRateHz: 8000,
      channels: 2,
    });
  });

  it("gives a spool a GiB unless told", () => {
    assert.equal(parseStreamFlags(flags).spool, undefined);
    assert.deepEqual(parseStreamFlags({ ...flags, spool: "kept" }).spool, { folder: "kept", maxBytes: 2 ** 30 });
    assert.equal(parseStreamFlags({ ...flags, spool: "kept", spoolMb: 2 }).spool?.maxBytes, 2 ** 21);
  });

  it("refuses what contradicts itself, saying what to do", () => {
    const refuses = (change: Partial<StreamFlags>, message: RegExp) =>
      assert.throws(() => parseStreamFlags({ ...flags, ...change }), { name: "UsageError", exitCode: 2, message });
    refuses({ rate: 8000 }, /add --raw/);
    refuses({ streams: 2, streamIdBase: 0xffff_ffff }, /at most 4294967294/);
    refuses({ hwid: "x".repeat(63), streams: 2 }, /1 to 64/);
    refuses({ hwid: "" }, /is no device id/);
    refuses({ url: "localhost" }, /ws:\/\/host:5096\/ws/);
    refuses({ spoolMb: 5 }, /add --spool DIR/);
    refuses({ plain: true, spool: "kept" }, /leave out --spool/);
    refuses({ plain: true, giveUpS: 0 }, /--give-up-s/);
  });
});
