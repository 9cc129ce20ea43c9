import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import { type Log, type LogFields, silentLog } from "../kernel/log.ts";
import { finishSegment } from "./finish-segment-store.ts";
import { hasFinishedSegment, scanFinishedSegments } from "./finished-scan-store.ts";
import { leaveSegment, pathOf, pcmFormat, pcmFrames, temporaryFolder, wobble } from "./segment-fixture.test-support.ts";

describe("scanFinishedSegments", () => {
  it("gives every segment as finishing gave it, and passes over what is not readable", async (t) => {
    const root = temporaryFolder(t);
    const frames = pcmFrames(wobble(640), 320);
    const finished = ["", "a", "a/b"].map((folder, index) => {
      const segment = leaveSegment(root, frames, { format: pcmFormat, index, opening: { folder } });
      const result = finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered: false });
      rmSync(pathOf(root, segment.opening, "open"));
      return result!;
    });
    const open = leaveSegment(root, frames, { format: pcmFormat, session: "open" });
    const bad = pathOf(root, { ...open.opening, name: "stream_7_bad" }, "json");
    writeFileSync(bad, "{");

    const warnings: LogFields[] = [];
    const log: Log = { ...silentLog, warn: (fields) => warnings.push(fields) };
    const found: FinishedSegment[] = [];
    for await (const segment of scanFinishedSegments(root, log)) found.push(segment);
    assert.deepEqual(found, finished);
    assert.deepEqual(
      warnings.map(({ path }) => path),
      [bad],
    );
  });

  it("finds nothing where there is no folder", async (t) => {
    for await (const segment of scanFinishedSegments(`${temporaryFolder(t)}/missing`, silentLog))
      assert.fail(segment.folder);
  });
});

describe("hasFinishedSegment", () => {
  it("tells whether any segment is finished, which one with an .open.json is not", async (t) => {
    const root = temporaryFolder(t);
    assert.equal(await hasFinishedSegment(`${root}/missing`), false);
    const segment = leaveSegment(root, pcmFrames(wobble(640), 320), { format: pcmFormat, opening: { folder: "a/b" } });
    finishSegment({ receivedPath: root, segment, wantsWav: false, isRecovered: false });
    assert.equal(await hasFinishedSegment(root), false);
    rmSync(pathOf(root, segment.opening, "open"));
    assert.equal(await hasFinishedSegment(root), true);
  });
});
