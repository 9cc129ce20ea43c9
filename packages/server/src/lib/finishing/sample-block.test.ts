import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SampleBlock } from "./sample-block.ts";

describe("SampleBlock", () => {
  it("hands on every sample once, in order, and cuts no piece", () => {
    const lengths = fc.array(fc.oneof(fc.nat(400), fc.nat(10_000)), { maxLength: 40 });
    fc.assert(
      fc.property(lengths, fc.nat(40), (pieceLengths, flushAt) => {
        const out: number[] = [];
        const ends = new Set([0]);
        const block = new SampleBlock((samples) => {
          out.push(...samples);
          ends.add(out.length);
        });
        const sent: number[] = [];
        const pieceEnds = new Set([0]);
        for (const [index, length] of pieceLengths.entries()) {
          const piece = Int16Array.from({ length }, (_, at) => sent.length + at);
          sent.push(...piece);
          pieceEnds.add(sent.length);
          block.push(piece);
          if (index === flushAt) {
            block.flush();
            assert.equal(out.length, sent.length);
          }
        }
        block.flush();
        assert.deepEqual(out, sent);
        assert.ok([...ends].every((end) => pieceEnds.has(end)));
      }),
    );
  });

  it("hands on less often than it takes", () => {
    let count = 0;
    const block = new SampleBlock(() => {
      count += 1;
    });
    for (let frame = 0; frame < 500; frame += 1) block.push(new Int16Array(320));
    block.flush();
    assert.equal(count, 42);
  });
});
