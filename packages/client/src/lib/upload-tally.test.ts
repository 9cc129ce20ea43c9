import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { makeAck } from "./ack-server.test-support.ts";
import { AudioTally } from "./audio-amount.ts";
import { UploadTally } from "./upload-tally.ts";

function makeTally() {
  const durable = new AudioTally();
  const uploads = new UploadTally(durable);
  uploads.isKnown = true;
  /** Acknowledges one more frame of 10 samples for each seq. */
  const acknowledge = (durableSeq: number, addedCount: number, uploadedNext: number) => {
    durable.add(addedCount, addedCount * 10);
    uploads.acknowledge(durableSeq, makeAck(durableSeq, { uploadedNext }));
  };
  return { uploads, acknowledge };
}

describe("UploadTally", () => {
  it("counts what is durable and does not wait for its upload, across the wrap", () => {
    const { uploads, acknowledge } = makeTally();
    acknowledge(2 ** 32 + 4, 10, 2 ** 32 - 2);
    assert.deepEqual(uploads.amount, { frameCount: 4, sampleCount: 40 });
    acknowledge(2 ** 32 + 4, 0, 4);
    assert.deepEqual(uploads.amount, { frameCount: 10, sampleCount: 100 });
  });

  it("never goes back", () => {
    const { uploads, acknowledge } = makeTally();
    acknowledge(10, 10, 8);
    acknowledge(10, 0, 2);
    assert.equal(uploads.amount.frameCount, 8);
  });

  it("does not count what an earlier session had still to upload", () => {
    const { uploads, acknowledge } = makeTally();
    acknowledge(10, 10, 6);
    uploads.restart();
    acknowledge(15, 5, 13);
    assert.equal(uploads.amount.frameCount, 6 + 3);
  });

  it("knows nothing where the server does not tell", () => {
    const durable = new AudioTally();
    const uploads = new UploadTally(durable);
    durable.add(10, 100);
    uploads.acknowledge(10, makeAck(10, { uploadedNext: 10 }));
    assert.equal(uploads.amount.frameCount, 0);
  });
});
