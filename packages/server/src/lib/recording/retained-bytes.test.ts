import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ChunkPool } from "./chunk-pool.ts";
import { RetainedBytes } from "./retained-bytes.ts";

const appends = fc.record({ append: fc.oneof(fc.nat(6_000), fc.integer({ min: 60_000, max: 100_000 })) });
const releases = fc.record({ releaseShare: fc.double({ min: 0, max: 1, noNaN: true }) });
const commands = fc.array(fc.oneof({ weight: 3, arbitrary: appends }, { weight: 2, arbitrary: releases }), {
  maxLength: 60,
  size: "max",
});

/** What stands at each offset, so that any run of bytes can be told from any other. */
const allBytes = Buffer.from(Uint32Array.from({ length: 2_000_000 }, (_, at) => Math.imul(at, 0x9e3779b1)).buffer);

describe("RetainedBytes", () => {
  it("gives back what was appended, from any offset that is not released", () => {
    fc.assert(
      fc.property(commands, fc.double({ min: 0, max: 1, noNaN: true }), (list, cut) => {
        const retained = new RetainedBytes(new ChunkPool());
        let [start, end] = [0, 0];
        for (const command of list) {
          if ("append" in command) {
            retained.append(allBytes.subarray(end, end + command.append));
            end += command.append;
          } else {
            start += Math.round(command.releaseShare * (end - start));
            retained.release(start);
          }
          assert.equal(retained.endOffset, end);
          assert.equal(retained.byteLength, end - start);
          const from = start + Math.floor(cut * (end - start));
          assert.ok(Buffer.concat(retained.slices(from, end)).equals(allBytes.subarray(from, end)));
        }
      }),
      { numRuns: 80 },
    );
  });

  it("cuts slices at both ends", () => {
    const retained = new RetainedBytes(new ChunkPool());
    for (let at = 0; at < 100; at++) retained.append(new Uint8Array(100).fill(at));
    const slices = retained.slices(8_050, 8_250);
    assert.ok(slices.length > 1);
    const expected = [...Array(50).fill(80), ...Array(100).fill(81), ...Array(50).fill(82)];
    assert.deepEqual([...Buffer.concat(slices)], expected);
    assert.deepEqual(retained.slices(4_000, 4_000), []);
  });

  it("holds no more than what was appended when it is told to release more", () => {
    const retained = new RetainedBytes(new ChunkPool());
    retained.append(new Uint8Array(10));
    retained.release(1_000);
    retained.append(Uint8Array.of(1, 2));
    assert.equal(retained.byteLength, 2);
    assert.deepEqual([...Buffer.concat(retained.slices(10, 12))], [1, 2]);
  });
});
