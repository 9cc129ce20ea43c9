import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeMultichannelAdpcm, type NibbleOrder } from "@eet/audio";
import { adpcmPayloads, makeTone, pcmPayloads } from "../../../../../test/support/tone.ts";
import type { DeviceProfile, RecordFormat } from "../kernel/segment-record.ts";
import { adpcmFormat, framesOf, pcmFormat, recordOf } from "./live-bench.test-support.ts";
import { StreamDecoder } from "./stream-decoder.ts";

const tone = makeTone(443, 16_000, 16_000, 0.5);
const silence = new Int16Array(16_000);

/** A decoder, and what comes out of it in order: samples, and orders that were told. */
function makeDecoder(format: RecordFormat, profile: DeviceProfile = {}, cached?: NibbleOrder) {
  const out: (readonly [at: number, count: number] | string)[] = [];
  const samples: number[] = [];
  const known = { order: cached };
  const decoder: StreamDecoder = new StreamDecoder({
    record: recordOf(format, { profile }),
    cachedOrder: () => known.order,
    onSamples: (piece, at) => {
      out.push([at, piece.length]);
      samples.push(...piece);
    },
    onNibbleOrder: () => out.push(`${decoder.nibbleOrder?.order} ${decoder.nibbleOrder?.source}`),
  });
  return { decoder, out, samples, known };
}

/** How far what was decoded is from what was sent, as a share. */
function errorOf(samples: readonly number[], sent: Int16Array): number {
  const power = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
  return power(samples.map((sample, index) => sample - (sent[index] ?? 0))) / power([...sent]);
}

describe("StreamDecoder", () => {
  it("passes PCM on, at an odd address too", () => {
    const { decoder, out, samples } = makeDecoder(pcmFormat);
    const [frame] = framesOf(pcmFormat, pcmPayloads(tone, 320));
    assert.ok(frame !== undefined);
    const moved = Buffer.alloc(frame.message.length + 1);
    moved.set(frame.message, 1);
    decoder.take(frame);
    decoder.take({ ...frame, message: moved.subarray(1), end: { seq: 2, sample: 640 } });
    assert.deepEqual(out, [
      [0, 320],
      [320, 320],
    ]);
    assert.deepEqual(samples, [...tone.subarray(0, 320), ...tone.subarray(0, 320)]);
    assert.equal(decoder.nibbleOrder, null);
  });

  it("holds ADPCM back until its frames have told the order, and loses nothing [P-1.5]", () => {
    const { decoder, out, samples } = makeDecoder(adpcmFormat);
    const frames = framesOf(adpcmFormat, adpcmPayloads(tone, 320, "high"));
    for (const frame of frames) decoder.take(frame);
    assert.deepEqual(out[0], "high exact");
    assert.deepEqual(out[1], [0, 320]);
    assert.equal(samples.length, tone.length);
    assert.ok(errorOf(samples, tone) < 0.01);
  });

  it("decodes low after half a second that tells nothing, and learns later", () => {
    const { decoder, out } = makeDecoder(adpcmFormat);
    const payloads = adpcmPayloads(Int16Array.of(...silence, ...tone), 320, "high");
    const frames = framesOf(adpcmFormat, payloads);
    for (const frame of frames.slice(0, 24)) decoder.take(frame);
    assert.deepEqual(out, []);
    for (const frame of frames.slice(24, 50)) decoder.take(frame);
    assert.deepEqual(out.slice(0, 2), ["low default", [0, 320]]);
    for (const frame of frames.slice(50)) decoder.take(frame);
    assert.deepEqual(
      out.filter((entry) => typeof entry === "string"),
      ["low default", "high exact"],
    );
    assert.equal(out.length - 2, frames.length);
  });

  it("gives what it holds when the session ends", () => {
    const { decoder, out } = makeDecoder(adpcmFormat);
    for (const frame of framesOf(adpcmFormat, adpcmPayloads(silence.subarray(0, 640), 320, "low"))) decoder.take(frame);
    decoder.giveUpHolding();
    assert.deepEqual(out, ["low default", [0, 320], [320, 320]]);
  });

  it("believes earlier streams at once, and the frames themselves more", () => {
    const { decoder, out } = makeDecoder(adpcmFormat, {}, "low");
    assert.deepEqual(decoder.nibbleOrder, { order: "low", source: "cached" });
    for (const frame of framesOf(adpcmFormat, adpcmPayloads(tone, 320, "high"))) decoder.take(frame);
    assert.deepEqual(out[0], [0, 320]);
    assert.deepEqual(decoder.nibbleOrder, { order: "high", source: "exact" });
  });

  it("takes up what another stream of the device tells meanwhile", () => {
    const { decoder, out, known } = makeDecoder(adpcmFormat);
    const [first, second] = framesOf(adpcmFormat, adpcmPayloads(silence, 320, "high"));
    assert.ok(first !== undefined && second !== undefined);
    decoder.take(first);
    known.order = "high";
    decoder.take(second);
    assert.deepEqual(out, ["high cached", [0, 320], [320, 320]]);
  });

  it("believes the configuration whatever the frames say", () => {
    const { decoder } = makeDecoder(adpcmFormat, { configuredNibbleOrder: "low" }, "high");
    for (const frame of framesOf(adpcmFormat, adpcmPayloads(tone, 320, "high"))) decoder.take(frame);
    assert.deepEqual(decoder.nibbleOrder, { order: "low", source: "config" });
  });

  it("decodes several channels only where their layout is configured [P-1.7]", () => {
    const stereo: RecordFormat = { ...adpcmFormat, channels: 2 };
    const payload = adpcmPayloads(tone, 640, "low")[1] ?? new Uint8Array();
    const [frame] = framesOf(stereo, [payload], 320);
    assert.ok(frame !== undefined);
    const unknown = makeDecoder(stereo);
    unknown.decoder.take(frame);
    assert.equal(unknown.decoder.isDecodable, false);
    assert.deepEqual(unknown.out, []);
    const known = makeDecoder(stereo, { adpcmLayout: "single" });
    known.decoder.take(frame);
    const expected = new Int16Array(640);
    decodeMultichannelAdpcm(payload, { layout: "single", channels: 2, order: "low" }, 320, expected, 0);
    assert.deepEqual(known.samples, [...expected]);
    assert.deepEqual(known.decoder.nibbleOrder, { order: "low", source: "default" });
  });
});
