import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { LeftFiles } from "./left-files-store.ts";
import { adpcmFrames, leaveSegment, pathOf, temporaryFolder, wobble } from "./segment-fixture.test-support.ts";

const frames = adpcmFrames(wobble(16_000), 320, "low");

describe("LeftFiles", () => {
  it("leaves a segment's bytes as they are, and nothing of them to be synced [S-2.4]", async (t) => {
    const root = temporaryFolder(t);
    const { unsyncedFromByte: _, ...segment } = leaveSegment(root, frames, { opening: { folder: "mic-1/2026" } });
    const binPath = pathOf(root, segment.opening, "binPart");
    const torn = Buffer.concat([readFileSync(binPath), Buffer.from("torn")]);
    writeFileSync(binPath, torn);
    for (const unsyncedFromByte of [0, 100, segment.binBytes]) {
      const secured = await new LeftFiles(root).secure({ ...segment, unsyncedFromByte }, binPath);
      assert.deepEqual(secured, segment);
      assert.ok(readFileSync(binPath).equals(torn));
    }
  });

  it("tells that a segment cannot be made durable", async (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames);
    const binPath = pathOf(root, segment.opening, "binPart");
    rmSync(binPath);
    await assert.rejects(new LeftFiles(root).secure({ ...segment, unsyncedFromByte: 0 }, binPath), { code: "ENOENT" });
  });
});
