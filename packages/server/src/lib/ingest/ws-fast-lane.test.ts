import assert from "node:assert/strict";
import type { Writable } from "node:stream";
import { describe, it } from "node:test";
import fc from "fast-check";
import * as ws from "ws";
import { FastLane } from "./ws-fast-lane.ts";

const maxMessageBytes = 100_000;

/** Missing in the types of ws. */
const { Receiver } = ws as unknown as {
  readonly Receiver: new (options: { readonly isServer: boolean; readonly maxPayload: number }) => Writable;
};

interface TestFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Uint8Array;
  readonly mask: number;
}

/** A frame as a client sends it. */
function formatClientFrame({ opcode, isFinal, payload, mask }: TestFrame): Buffer {
  const { byteLength } = payload;
  const lengthBytes = byteLength < 126 ? 0 : byteLength < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + lengthBytes + 4);
  header[0] = opcode | (isFinal ? 0x80 : 0);
  header[1] = 0x80 | (lengthBytes === 0 ? byteLength : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) header.writeUInt16BE(byteLength, 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(byteLength), 2);
  header.writeUInt32BE(mask, 2 + lengthBytes);
  const masked = payload.map((byte, index) => byte ^ ((mask >>> (24 - 8 * (index & 3))) & 0xff));
  return Buffer.concat([header, masked]);
}

const frame = (part: Partial<TestFrame>): Buffer =>
  formatClientFrame({ opcode: 2, isFinal: true, payload: new Uint8Array(), mask: 0, ...part });

/** ws's own receiver, which tells what it met. */
class Oracle {
  readonly events: string[] = [];
  readonly #receiver = new Receiver({ isServer: true, maxPayload: maxMessageBytes });

  constructor() {
    this.#receiver.on("message", (data: Buffer, isBinary: boolean) => this.events.push(nameMessage(data, isBinary)));
    this.#receiver.on("ping", (data: Buffer) => this.events.push(`ping ${data.toString("hex")}`));
    this.#receiver.on("pong", (data: Buffer) => this.events.push(`pong ${data.toString("hex")}`));
    this.#receiver.on("conclude", (code: number) => this.events.push(`close ${code}`));
    this.#receiver.on("error", (error: Error & { readonly code?: string }) => {
      this.events.push(`error ${error.code}`);
      this.onError?.();
    });
  }

  onError: (() => void) | undefined;

  write(bytes: Buffer): void {
    if (!this.#receiver.destroyed && !this.#receiver.writableEnded) this.#receiver.write(bytes);
  }
}

function nameMessage(data: Uint8Array, isBinary: boolean): string {
  return `${isBinary ? "binary" : "text"} ${Buffer.from(data).toString("hex")}`;
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** What comes of bytes that come in pieces, each into memory that is written over behind it. */
async function takeInLane(pieces: readonly Buffer[]) {
  const oracle = new Oracle();
  let fastCount = 0;
  const lane = new FastLane({
    maxMessageBytes,
    onMessage: (payload) => {
      fastCount += 1;
      oracle.events.push(nameMessage(payload, true));
    },
    passOn: (bytes) => oracle.write(bytes),
  });
  oracle.onError = () => lane.close();
  for (const piece of pieces) {
    const shared = Buffer.from(piece);
    lane.take(shared);
    shared.fill(0xa5);
    await nextTurn();
  }
  return { events: oracle.events, fastCount };
}

async function takeInWs(pieces: readonly Buffer[]) {
  const oracle = new Oracle();
  for (const piece of pieces) {
    oracle.write(Buffer.from(piece));
    await nextTurn();
  }
  return oracle.events;
}

/** Cuts at places given as parts of the whole. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => Math.floor(place * bytes.byteLength)), bytes.byteLength].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

const payloads = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 130 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 70_000 }).map((length) => new Uint8Array(length).fill(length)) },
);
const frames: fc.Arbitrary<TestFrame> = fc.record({
  opcode: fc.oneof(
    { weight: 8, arbitrary: fc.constant(2) },
    { weight: 2, arbitrary: fc.constantFrom(0, 9, 10) },
    { weight: 1, arbitrary: fc.constantFrom(1, 3, 8, 11) },
  ),
  isFinal: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  payload: payloads,
  mask: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff_ffff })),
});
const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

describe("FastLane", () => {
  it("lets ws see and say what it would without it, wherever the bytes are cut", async () => {
    const streams = fc.array(frames, { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(streams, places, async (list, cuts) => {
        const pieces = cut(Buffer.concat(list.map(formatClientFrame)), cuts);
        assert.deepEqual((await takeInLane(pieces)).events, await takeInWs(pieces));
      }),
      { numRuns: 500 },
    );
  });

  it("does so with bytes that were changed anywhere", async () => {
    const streams = fc.array(frames, { minLength: 1, maxLength: 6 });
    const changes = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(streams, changes, places, async (list, edits, cuts) => {
        const bytes = Buffer.concat(list.map(formatClientFrame));
        for (const [place, byte] of edits) bytes[Math.floor(place * (bytes.byteLength - 1))] = byte;
        const pieces = cut(bytes, cuts);
        assert.deepEqual((await takeInLane(pieces)).events, await takeInWs(pieces));
      }),
      { numRuns: 500 },
    );
  });

  it("takes messages of one frame past ws, one byte at a time, too", async () => {
    const bytes = Buffer.concat([1, 200, 15_000].map((length) => frame({ payload: new Uint8Array(length), mask: 77 })));
    assert.equal((await takeInLane([bytes])).fastCount, 3);
    const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
    assert.equal((await takeInLane(single)).fastCount, 3);
  });

  it("keeps of a longer message that is not whole nothing itself", async () => {
    const bytes = frame({ payload: new Uint8Array(60_000), mask: 1 });
    assert.equal((await takeInLane([bytes])).fastCount, 1);
    assert.equal((await takeInLane(cut(bytes, [0.5]))).fastCount, 0);
  });

  it("takes nothing behind a CLOSE, and nothing that is against the protocol", async () => {
    const message = frame({ payload: Uint8Array.of(1) });
    const close = frame({ opcode: 8, payload: Uint8Array.of(3, 232) });
    assert.deepEqual((await takeInLane([Buffer.concat([message, close, message]), message])).events, [
      "binary 01",
      "close 1000",
    ]);
    const unmasked = Buffer.from([0x82, 1, 1]);
    assert.deepEqual((await takeInLane([Buffer.concat([message, unmasked, message]), message])).events, [
      "binary 01",
      "error WS_ERR_EXPECTED_MASK",
    ]);
  });
});
