import assert from "node:assert/strict";
import {
  type Codec,
  countFrameSamples,
  formatDeviceMessage,
  formatFrame,
  formatHandshake,
  formatServerMessage,
  frameRules,
  limits,
  ProtocolError,
  parseDeviceMessage,
  parseFrame,
  parseHandshake,
  parseServerMessage,
  type StreamFormat,
  sanitizeHwid,
  selectSubprotocol,
} from "@eet/protocol";
import fc from "fast-check";
import { parseRoute } from "../../../packages/server/src/lib/ingest/route.ts";
import { FastLane } from "../../../packages/server/src/lib/ingest/ws-fast-lane.ts";
import { assertWhole, attempt, bytesTarget, type FuzzTarget, plainRecord, textTarget } from "./fuzz-target.ts";

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const safeCount = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const format = plainRecord({
  codec: fc.constantFrom("pcm16" as const, "adpcm" as const),
  sampleRateHz: fc.integer({ min: limits.minSampleRateHz, max: limits.maxSampleRateHz }),
  channels: fc.integer({ min: 1, max: limits.maxChannels }),
  frameSampleCount: fc.integer({ min: 0, max: 0xffff }),
});
const handshake = plainRecord({ streamId: uint32, format, timestampMs: uint64 });
const deviceMessage = fc.oneof(
  plainRecord({
    kind: fc.constant("resume" as const),
    session: uint64,
    oldestSeq: uint32,
    nibbleOrder: fc.constantFrom(undefined, "low" as const, "high" as const),
  }),
  plainRecord({
    kind: fc.constant("anchor" as const),
    seq: uint32,
    captureMs: safeCount,
    captureUs: safeCount,
    droppedFrameCount: uint32,
  }),
  plainRecord({ kind: fc.constant("finish" as const), nextSeq: uint32 }),
);
const uint16 = fc.integer({ min: 0, max: 0xffff });
const serverMessage = fc.oneof(
  plainRecord({
    ...{ kind: fc.constant("welcome" as const), nextSeq: uint32, session: uint64, serverMs: safeCount },
    ...{ ackIntervalMs: uint16, isResumed: fc.boolean(), answersResume: fc.boolean(), hasUploads: fc.boolean() },
    ...{ maxMessageBytes: uint32, resumeTtlS: uint32 },
  }),
  plainRecord({
    ...{ kind: fc.constant("ack" as const), durableNext: uint32, receivedNext: uint32, uploadedNext: uint32 },
    ...{ isNotPersisting: fc.boolean(), isSlowDown: fc.boolean(), hasDuplicates: fc.boolean() },
  }),
);

/** Some values, the same in each run. */
function some<Value>(arbitrary: fc.Arbitrary<Value>, count = 40): Value[] {
  return fc.sample(arbitrary, { numRuns: count, seed: 1 });
}

const handshakeTarget = bytesTarget({
  name: "parseHandshake",
  seeds: some(handshake).map(formatHandshake),
  maxBytes: 64,
  property: (parameters) =>
    fc.assert(
      fc.property(handshake, (each) => assert.deepEqual(parseHandshake(formatHandshake(each)), each)),
      parameters,
    ),
  check: (bytes) => {
    const read = attempt(() => parseHandshake(bytes), ProtocolError);
    if (read === undefined) return;
    const { sampleRateHz, channels } = read.format;
    assertWhole(sampleRateHz, limits.minSampleRateHz, limits.maxSampleRateHz, "the sample rate");
    assertWhole(channels, 1, limits.maxChannels, "channels");
    // All but the reserved field comes back.
    bytes.writeUInt16LE(0, 22);
    assert.ok(bytes.subarray(0, 32).equals(formatHandshake(read)));
  },
});

/** Frames of one format, with the layout that is configured for it. */
function frameTarget(name: string, codec: Codec, channels: number, layout?: "ms4" | "single"): FuzzTarget {
  const formats = [0, 1, 5, 320, 0xffff].map(
    (frameSampleCount): StreamFormat => ({ codec, sampleRateHz: 16_000, channels, frameSampleCount }),
  );
  const payloads = [0, 1, 4, 7, 164, 320, 640, 656].map((length) => new Uint8Array(length));
  const rules = formats.map((each) => frameRules(each, layout));
  const payload = fc.uint8Array({ maxLength: 700 });
  return bytesTarget({
    name: `parseFrame: ${name}`,
    seeds: payloads.map((each, seq) => formatFrame(codec, seq * 0x1fff_ffff, each)),
    maxBytes: 800,
    property: (parameters) =>
      fc.assert(
        fc.property(uint32, payload, (seq, bytes) => {
          // What no rule of the codec forbids comes back.
          const message = formatFrame("pcm16", seq, bytes.subarray(0, bytes.length & ~1));
          const header = parseFrame(
            message,
            frameRules({ ...formats[0], codec: "pcm16", channels: 1 } as StreamFormat),
          );
          assert.deepEqual(header, { seq, payloadBytes: bytes.length & ~1 });
        }),
        parameters,
      ),
    check: (bytes) => {
      formats.forEach((each, index) => {
        const rule = rules[index];
        if (rule === undefined) return;
        const read = attempt(() => parseFrame(bytes, rule), ProtocolError);
        if (read === undefined) return;
        assertWhole(read.payloadBytes, rule.minPayloadBytes, rule.maxPayloadBytes, "the payload");
        assert.equal(read.payloadBytes, bytes.byteLength - limits.frameHeaderBytes);
        assertWhole(read.seq, 0, 0xffff_ffff, "seq");
        assertWhole(countFrameSamples(each, read.payloadBytes, layout), 0, 2 * bytes.byteLength + 1, "samples");
        assert.ok(bytes.equals(formatFrame(codec, read.seq, bytes.subarray(limits.frameHeaderBytes))));
      });
    },
  });
}

const deviceMessageTarget = bytesTarget({
  name: "parseDeviceMessage: RSUM, ANCR, FINI",
  seeds: some(deviceMessage).map(formatDeviceMessage),
  maxBytes: 64,
  property: (parameters) =>
    fc.assert(
      fc.property(deviceMessage, (each) => assert.deepEqual(parseDeviceMessage(formatDeviceMessage(each)), each)),
      parameters,
    ),
  check: (bytes) => {
    const read = attempt(() => parseDeviceMessage(bytes), ProtocolError);
    if (read === undefined) return;
    if (read.kind === "anchor") {
      for (const value of [read.captureMs, read.captureUs]) assertWhole(value, 0, Number.MAX_SAFE_INTEGER, "a clock");
    }
    assert.deepEqual(parseDeviceMessage(formatDeviceMessage(read)), read);
  },
});

const serverMessageTarget = bytesTarget({
  name: "parseServerMessage: WELC, ACKF",
  seeds: some(serverMessage).map(formatServerMessage),
  maxBytes: 64,
  property: (parameters) =>
    fc.assert(
      fc.property(serverMessage, (each) => assert.deepEqual(parseServerMessage(formatServerMessage(each)), each)),
      parameters,
    ),
  check: (bytes) => {
    const read = parseServerMessage(bytes);
    if (read !== undefined) assert.deepEqual(parseServerMessage(formatServerMessage(read)), read);
  },
});

const hwid = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

const hwidTarget = textTarget({
  name: "sanitizeHwid, parseRoute: paths of upgrades",
  seeds: ["/ws", "/ws/", "/ws/mic-7", "/ws/echo", "/ws/AA:BB:CC.1?token=x", "/ws/%2e%2e/x", "/api/v1/live"],
  property: (parameters) =>
    fc.assert(
      fc.property(hwid, (each) => each === "echo" || sanitizeHwid(each) === each),
      parameters,
    ),
  check: (text) => {
    const route = parseRoute(text);
    const name = route.name === "device" ? route.hwid : sanitizeHwid(text);
    if (name === undefined || name === null) return;
    assert.match(name, /^[A-Za-z0-9_-]{1,64}$/);
    assert.notEqual(name, "echo");
    assert.equal(sanitizeHwid(name), name);
  },
});

const subprotocolTarget = textTarget({
  name: "selectSubprotocol",
  weight: 20,
  seeds: ["eet.v1+ack, eet.v1", "eet.v1", "arduino", "eet.v1+ack,eet.bearer.YWJj"],
  check: (text) => {
    const chosen = selectSubprotocol(text.split(",").map((name) => name.trim()));
    assert.ok(chosen === undefined || chosen === "eet.v1" || chosen === "eet.v1+ack");
  },
});

/** A client's WebSocket frame with a mask of zeros. */
function clientFrame(first: number, payload: Uint8Array): Buffer {
  const { byteLength } = payload;
  const length = byteLength < 126 ? [byteLength] : [126, byteLength >> 8, byteLength & 0xff];
  return Buffer.concat([Buffer.from([first, 0x80 | (length[0] ?? 0), ...length.slice(1), 0, 0, 0, 0]), payload]);
}

/** What a lane makes of bytes that come in pieces of some length. */
function runLane(bytes: Buffer, pieceBytes: number): { readonly messages: string[]; readonly byteCount: number } {
  const messages: string[] = [];
  let byteCount = 0;
  const lane = new FastLane({
    maxMessageBytes: 3_000,
    onMessage: (payload) => {
      assert.ok(payload.byteLength <= 3_000);
      byteCount += payload.byteLength;
      messages.push(Buffer.from(payload).toString("latin1"));
    },
    passOn: (passed) => {
      byteCount += passed.byteLength;
    },
  });
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) lane.take(Buffer.from(bytes.subarray(at, at + pieceBytes)));
  return { messages, byteCount };
}

const fastLaneTarget = bytesTarget({
  name: "FastLane: WebSocket frames of clients",
  weight: 3,
  seeds: [0x82, 0x81, 0x02, 0x80, 0x88, 0x89].flatMap((first) =>
    [0, 2, 100, 300, 2_900].map((length) => clientFrame(first, new Uint8Array(length).fill(first))),
  ),
  check: (bytes) => {
    const whole = runLane(bytes, bytes.byteLength);
    const pieces = runLane(bytes, 5);
    assert.ok(whole.byteCount <= bytes.byteLength && pieces.byteCount <= bytes.byteLength);
    // In pieces more of them go past ws: those behind a frame that does not, too.
    let at = 0;
    for (const message of pieces.messages) if (message === whole.messages[at]) at += 1;
    assert.equal(at, whole.messages.length);
  },
});

/** What reads the wire. */
export const wireTargets: readonly FuzzTarget[] = [
  handshakeTarget,
  frameTarget("PCM", "pcm16", 1),
  frameTarget("PCM of two channels", "pcm16", 2),
  frameTarget("ADPCM", "adpcm", 1),
  frameTarget("ADPCM of several channels, ms4", "adpcm", 3, "ms4"),
  frameTarget("ADPCM of several channels, single", "adpcm", 2, "single"),
  deviceMessageTarget,
  serverMessageTarget,
  hwidTarget,
  subprotocolTarget,
  fastLaneTarget,
];
