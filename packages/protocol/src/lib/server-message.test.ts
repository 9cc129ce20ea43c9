import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import vectors from "../../../../test/vectors/adpcm.json" with { type: "json" };
import { formatServerMessage, parseServerMessage, type ServerMessage } from "./server-message.ts";

const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const welcome = {
  kind: "welcome",
  nextSeq: 0,
  session: 0x1122334455667788n,
  serverMs: 1_700_000_000_123,
  ackIntervalMs: 1_000,
  isResumed: false,
  answersResume: false,
  hasUploads: false,
  maxMessageBytes: 262_156,
  resumeTtlS: 86_400,
} as const satisfies ServerMessage;
const resumed = { ...welcome, nextSeq: 5, serverMs: 1_700_000_005_123, isResumed: true, answersResume: true } as const;
const ack = {
  kind: "ack",
  durableNext: 5,
  receivedNext: 9,
  uploadedNext: 0,
  isNotPersisting: false,
  isSlowDown: false,
  hasDuplicates: false,
} as const satisfies ServerMessage;

const uint32 = fc.nat({ max: 0xffffffff });
const anyMessage: fc.Arbitrary<ServerMessage> = fc.oneof(
  fc.record({
    kind: fc.constant("welcome" as const),
    nextSeq: uint32,
    session: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    serverMs: fc.maxSafeNat(),
    ackIntervalMs: fc.nat({ max: 0xffff }),
    isResumed: fc.boolean(),
    answersResume: fc.boolean(),
    hasUploads: fc.boolean(),
    maxMessageBytes: uint32,
    resumeTtlS: uint32,
  }),
  fc.record({
    kind: fc.constant("ack" as const),
    durableNext: uint32,
    receivedNext: uint32,
    uploadedNext: uint32,
    isNotPersisting: fc.boolean(),
    isSlowDown: fc.boolean(),
    hasDuplicates: fc.boolean(),
  }),
);

describe("formatServerMessage", () => {
  it("writes the vectors [P-2.9]", () => {
    assert.equal(hexOf(formatServerMessage(welcome)), vectors.ack.WELC_new);
    assert.equal(hexOf(formatServerMessage(resumed)), vectors.ack.WELC_resumed);
    assert.equal(hexOf(formatServerMessage(ack)), vectors.ack.ACKF);
  });

  it("writes unwrapped seqs modulo 2^32 [P-2.2]", () => {
    const seqs = { durableNext: 2 ** 32, receivedNext: 2 ** 32 + 1, uploadedNext: 2 ** 33 + 2 };
    assert.deepEqual(parseServerMessage(formatServerMessage({ ...ack, ...seqs })), {
      ...ack,
      ...{ durableNext: 0, receivedNext: 1, uploadedNext: 2 },
    });
  });
});

describe("parseServerMessage", () => {
  it("reads the vectors [P-2.9]", () => {
    assert.deepEqual(parseServerMessage(bytesOf(vectors.ack.WELC_new)), welcome);
    assert.deepEqual(parseServerMessage(bytesOf(vectors.ack.WELC_resumed)), resumed);
    assert.deepEqual(parseServerMessage(bytesOf(vectors.ack.ACKF)), ack);
  });

  it("reads what formatServerMessage writes", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        assert.deepEqual(parseServerMessage(formatServerMessage(message)), { ...message });
      }),
    );
  });

  it("passes over what a later server adds to a payload", () => {
    const longer = new Uint8Array(30);
    longer.set(bytesOf(vectors.ack.ACKF));
    new DataView(longer.buffer).setUint32(4, 18, true);
    assert.deepEqual(parseServerMessage(longer), ack);
  });

  it("gives nothing for torn, short and foreign messages, and never throws", () => {
    const whole = bytesOf(vectors.ack.WELC_new);
    for (let byteCount = 0; byteCount < whole.length; byteCount++) {
      assert.equal(parseServerMessage(whole.subarray(0, byteCount)), undefined);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        assert.equal(parseServerMessage(bytes), undefined);
      }),
      { numRuns: 5_000 },
    );
  });
});
