import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { OverviewMeter, overviewGrid } from "@eet/audio";
import { finishSegment } from "./finish-segment-store.ts";
import { formatOverview, parseOverview } from "./overview-format.ts";
import { overviewFilePath, readOverview } from "./overview-store.ts";
import {
  adpcmFormat,
  adpcmFrames,
  leaveSegment,
  pathOf,
  temporaryFolder,
  wavSamples,
  wobble,
} from "./segment-fixture.test-support.ts";

function measure(samples: Int16Array) {
  const meter = new OverviewMeter(overviewGrid(16_000, 1));
  meter.push(samples);
  return meter.finish();
}

describe("formatOverview", () => {
  it("is read again as it was, at any address", () => {
    const overview = measure(wobble(10_000));
    const bytes = formatOverview(overview);
    const moved = Buffer.concat([Buffer.alloc(1), bytes]).subarray(1);
    for (const copy of [bytes, moved]) {
      const { peaks, columns, ...rest } = parseOverview(copy) ?? assert.fail();
      const { peaks: expectedPeaks, columns: expectedColumns, ...expected } = overview;
      assert.deepEqual(rest, expected);
      assert.deepEqual([...peaks], [...expectedPeaks]);
      assert.deepEqual([...columns], [...expectedColumns]);
    }
  });

  it("is not believed when any byte is another or the end is missing", () => {
    const bytes = formatOverview(measure(wobble(1_000)));
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 4, at);
      assert.equal(parseOverview(damaged), undefined, `byte ${at}`);
      assert.equal(parseOverview(bytes.subarray(0, at)), undefined, `${at} bytes`);
    }
  });
});

describe("finishSegment", () => {
  it("writes the overview of what the WAV holds, with gaps left open", async (t) => {
    const root = temporaryFolder(t);
    const frames = adpcmFrames(wobble(16_000), 320, "low").filter(({ seq }) => seq < 10 || seq >= 20);
    const segment = leaveSegment(root, frames, { profile: { configuredNibbleOrder: "low" }, format: adpcmFormat });
    const overviewPath = `${root}/overview`;
    finishSegment({ receivedPath: root, overviewPath, segment, wantsWav: true, isRecovered: false });
    const overview = await readOverview(overviewFilePath(overviewPath, segment.opening));
    const wav = wavSamples(pathOf(root, segment.opening, "wav"));
    const expected = Array.from({ length: 100 }, (_, index) => {
      const own = wav.slice(index * 160, (index + 1) * 160);
      return index >= 20 && index < 40 ? [32767, -32768] : [Math.min(...own), Math.max(...own)];
    });
    assert.deepEqual([...(overview?.peaks ?? [])], expected.flat());
  });

  it("finishes where no overview can be written", async (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, adpcmFrames(wobble(1_600), 320, "low"));
    const notAFolder = pathOf(root, segment.opening, "open");
    const finished = finishSegment({
      ...{ receivedPath: root, overviewPath: notAFolder, segment, wantsWav: true, isRecovered: false },
    });
    assert.equal(finished?.sidecar.samples, 1_600);
    assert.ok((await readFile(pathOf(root, segment.opening, "wav"))).length > 3_200);
  });
});
