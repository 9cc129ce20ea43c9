import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChunkPool, chunkBytes } from "./chunk-pool.ts";

describe("ChunkPool", () => {
  it("hands a chunk that was given back out again", () => {
    const pool = new ChunkPool();
    const chunk = pool.take(10);
    assert.equal(chunk.byteLength, chunkBytes);
    assert.notEqual(pool.take(10), chunk);
    pool.give(chunk);
    assert.equal(pool.take(chunkBytes), chunk);
  });

  it("makes room for what exceeds a chunk, and does not keep it", () => {
    const pool = new ChunkPool();
    const large = pool.take(chunkBytes + 1);
    assert.equal(large.byteLength, chunkBytes + 1);
    pool.give(large);
    assert.equal(pool.take(1).byteLength, chunkBytes);
  });
});
