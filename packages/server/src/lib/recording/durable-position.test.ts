import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DurablePosition } from "./durable-position.ts";

describe("DurablePosition", () => {
  it("is where the session stands while no segment is open", () => {
    assert.equal(new DurablePosition().nextSeq(7), 7);
  });

  it("goes up to the first frame that is not durable, in whichever segment it stands [P-2.6]", () => {
    const position = new DurablePosition();
    const first = position.open(10);
    const second = position.open(20);
    assert.equal(position.nextSeq(30), 10);
    second.nextSeq = 30;
    assert.equal(position.nextSeq(30), 10);
    first.nextSeq = 15;
    assert.equal(position.nextSeq(30), 15);
    position.close(first);
    assert.equal(position.nextSeq(30), 30);
  });

  it("follows frames that go over to another file", () => {
    const position = new DurablePosition();
    const failed = position.open(10);
    failed.nextSeq = 12;
    position.open(12);
    position.close(failed);
    assert.equal(position.nextSeq(20), 12);
  });
});
