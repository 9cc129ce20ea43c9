import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import vectors from "../../../../test/vectors/adpcm.json" with { type: "json" };
import { type DeviceMessage, formatDeviceMessage, parseDeviceMessage } from "./device-message.ts";
import { ProtocolError } from "./protocol-error.ts";

const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const anyMessage: fc.Arbitrary<DeviceMessage> = fc.oneof(
  fc.record({
    kind: fc.constant("resume" as const),
    session: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    oldestSeq: fc.nat({ max: 0xffffffff }),
    nibbleOrder: fc.constantFrom(undefined, "low" as const, "high" as const),
  }),
  fc.record({
    kind: fc.constant("anchor" as const),
    seq: fc.nat({ max: 0xffffffff }),
    captureMs: fc.maxSafeNat(),
    captureUs: fc.maxSafeNat(),
    droppedFrameCount: fc.nat({ max: 0xffffffff }),
  }),
  fc.record({ kind: fc.constant("finish" as const), nextSeq: fc.nat({ max: 0xffffffff }) }),
);

describe("parseDeviceMessage", () => {
  it("reads the vectors [P-2.9]", () => {
    assert.deepEqual(parseDeviceMessage(bytesOf(vectors.ack.RSUM)), {
      kind: "resume",
      session: 0x1122334455667788n,
      oldestSeq: 0xfffffffa,
      nibbleOrder: undefined,
    });
    assert.deepEqual(parseDeviceMessage(bytesOf(vectors.ack.FINI)), { kind: "finish", nextSeq: 10 });
  });

  it("takes nibble orders from bits 0 and 1 of the flags and passes over the rest [P-2.1]", () => {
    const withFlags = (flags: number) => {
      const message = bytesOf(vectors.ack.RSUM);
      new DataView(message.buffer).setUint32(20, flags, true);
      const parsed = parseDeviceMessage(message);
      return parsed.kind === "resume" ? parsed.nibbleOrder : "no RSUM";
    };
    assert.deepEqual([0, 1, 2, 3, 0xfffffffc, 0xfffffffd].map(withFlags), [
      ...[undefined, "low", "high", undefined, undefined, "low"],
    ]);
  });

  it("refuses payloads that are a byte too short or too long [P-2.1]", () => {
    for (const hex of [vectors.ack.RSUM, vectors.ack.FINI, hexOf(anchorOf(1, 2))]) {
      for (const byteCount of [-1, 1]) {
        const bytes = new Uint8Array(hex.length / 2 + byteCount);
        bytes.set(bytesOf(hex).subarray(0, bytes.length));
        assert.throws(
          () => parseDeviceMessage(bytes),
          (error) => error instanceof ProtocolError && /FRAME_LENGTH|FRAME_TOO_SHORT/.test(error.code),
        );
        if (bytes.length < 12) continue;
        new DataView(bytes.buffer).setUint32(4, bytes.length - 12, true);
        assert.throws(
          () => parseDeviceMessage(bytes),
          (error) => error instanceof ProtocolError && error.code === "CONTROL_LENGTH",
        );
      }
    }
  });

  it("takes clocks that no number holds for unknown", () => {
    const message = anchorOf(5, 7);
    new DataView(message.buffer).setBigUint64(12, 2n ** 64n - 1n, true);
    const parsed = parseDeviceMessage(message);
    assert.deepEqual(parsed.kind === "anchor" && [parsed.captureMs, parsed.captureUs], [0, 7]);
  });

  it("reads what formatDeviceMessage writes", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        assert.deepEqual(parseDeviceMessage(formatDeviceMessage(message)), { ...message });
      }),
    );
  });

  it("throws nothing but protocol errors, whatever the bytes are", () => {
    const anyBytes = fc
      .tuple(fc.constantFrom("5253554d", "414e4352", "46494e49", ""), fc.uint8Array({ maxLength: 48 }))
      .map(([magic, rest]) => new Uint8Array([...bytesOf(magic), ...rest]));
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        try {
          parseDeviceMessage(bytes);
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("formatDeviceMessage", () => {
  it("writes the vectors [P-2.9]", () => {
    const resume = { kind: "resume", session: 0x1122334455667788n, oldestSeq: 0xfffffffa } as const;
    assert.equal(hexOf(formatDeviceMessage({ ...resume, nibbleOrder: undefined })), vectors.ack.RSUM);
    assert.equal(hexOf(formatDeviceMessage({ kind: "finish", nextSeq: 10 })), vectors.ack.FINI);
  });

  it("writes unwrapped seqs modulo 2^32 [P-2.2]", () => {
    const parsed = parseDeviceMessage(formatDeviceMessage({ kind: "finish", nextSeq: 2 ** 32 + 3 }));
    assert.deepEqual(parsed, { kind: "finish", nextSeq: 3 });
  });
});

function anchorOf(captureMs: number, captureUs: number): Uint8Array {
  return formatDeviceMessage({ kind: "anchor", seq: 3, captureMs, captureUs, droppedFrameCount: 4 });
}
