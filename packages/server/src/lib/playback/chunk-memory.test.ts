import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChunkMemory, chunkBytes } from "./chunk-memory.ts";

describe("ChunkMemory", () => {
  it("gives memory again that was released, and never what somebody still holds", () => {
    const memory = new ChunkMemory();
    const [first, second] = [memory.take(10), memory.take(chunkBytes)];
    assert.notEqual(first.buffer, second.buffer);
    memory.release(first.subarray(4, 6));
    assert.equal(memory.take(20).buffer, first.buffer);
    assert.notEqual(memory.take(20).buffer, first.buffer);
  });

  it("takes a chunk back once, and none from elsewhere", () => {
    const memory = new ChunkMemory();
    const [chunk, foreign, long] = [memory.take(10), new Uint8Array(10), memory.take(chunkBytes + 1)];
    for (const released of [chunk, chunk, foreign, long]) memory.release(released);
    const given = [memory.take(10), memory.take(10), memory.take(10)].map(({ buffer }) => buffer);
    assert.equal(given[0], chunk.buffer);
    assert.equal(new Set(given).size, 3);
    assert.ok(!given.includes(foreign.buffer) && !given.includes(long.buffer));
  });
});
