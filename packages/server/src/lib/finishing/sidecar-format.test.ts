import assert from "node:assert/strict";
import { copyFileSync, readFileSync, renameSync, rmSync } from "node:fs";
import { describe, it } from "node:test";
import Value from "typebox/value";
import { Sidecar } from "../kernel/sidecar.ts";
import { finishSegment } from "./finish-segment-store.ts";
import type { SentFrame } from "./reference-decode.test-support.ts";
import {
  adpcmFormat,
  adpcmFrames,
  cutSession,
  leaveSegment,
  pathOf,
  pcmFormat,
  pcmFrames,
  readTree,
  type SegmentDraft,
  temporaryFolder,
  wobble,
} from "./segment-fixture.test-support.ts";
import { formatSidecar, parseSidecar, segmentOfSidecar } from "./sidecar-format.ts";

interface Case {
  readonly frames: readonly SentFrame[];
  readonly draft: SegmentDraft;
  readonly wantsWav?: boolean;
}

/** Segments that make each path of a sidecar. */
function cases(): Readonly<Record<string, Case>> {
  const odd = { ...adpcmFormat, frameSampleCount: 321 };
  const varying = { ...adpcmFormat, frameSampleCount: 0 };
  const stereo = { ...adpcmFormat, channels: 2 };
  const lossy = pcmFrames(wobble(6_400), 320, 2 ** 32 - 3).filter((_, index) => ![3, 4, 9].includes(index));
  const oddFrames = adpcmFrames(wobble(6_420), 321, "high", "drop").filter(({ seq }) => seq !== 9);
  const cutInside = cutSession(oddFrames, { format: odd }, [4, 9]);
  const cutOutside = cutSession(oddFrames, { format: odd, isGapInside: false }, [9]);
  const cutVarying = cutSession(
    adpcmFrames(wobble(2_000), [100, 70], "low").filter(({ seq }) => seq % 7 !== 3),
    { format: varying },
    [3, 6],
  );
  return {
    pcm: { frames: pcmFrames(wobble(1_000), 320), draft: { format: pcmFormat } },
    "pcm with gaps, past 2^32": { frames: lossy, draft: { format: pcmFormat } },
    "gaps skipped": { frames: lossy, draft: { format: pcmFormat, opening: { gapFill: "skip" } } },
    repeats: {
      frames: adpcmFrames(wobble(6_400), 320, "low").flatMap((frame) =>
        frame.seq % 5 === 2 ? [frame, frame] : [frame],
      ),
      draft: {},
    },
    "next frame known": cutInside[0]!,
    "rotation in a gap": cutInside[2]!,
    "gap in front of the segment": cutOutside[1]!,
    "estimated gap in front": cutVarying[1]!,
    configured: {
      frames: adpcmFrames(wobble(640), 320, "high"),
      draft: { profile: { configuredNibbleOrder: "high" } },
    },
    cached: { frames: adpcmFrames(wobble(640), 320, "high"), draft: { profile: { cachedNibbleOrder: "high" } } },
    default: { frames: adpcmFrames(wobble(640), 320, "low"), draft: {} },
    "no WAV": { frames: adpcmFrames(wobble(6_400), 320, "low"), draft: {}, wantsWav: false },
    "layout unknown": { frames: adpcmFrames(wobble(6_400), 320, "low"), draft: { format: stereo } },
    "layout known": {
      frames: adpcmFrames(wobble(6_400), 320, "low"),
      draft: { format: stereo, profile: { adpcmLayout: "single" } },
    },
    "no time of receipt": {
      frames: pcmFrames(wobble(640), 320),
      draft: { format: pcmFormat, closed: { received: null } },
    },
  };
}

describe("createSidecar", () => {
  it("keeps to the schema and gives back what derives the same files again, on every path [S-1.2]", (t) => {
    for (const [what, { frames, draft, wantsWav = true }] of Object.entries(cases())) {
      const root = temporaryFolder(t);
      const segment = leaveSegment(root, frames, draft);
      const finished = finishSegment({ receivedPath: root, segment, wantsWav, isRecovered: false });
      assert.ok(finished, what);
      assert.deepEqual([...Value.Errors(Sidecar, finished.sidecar)], [], what);
      rmSync(pathOf(root, segment.opening, "open"));
      const tree = readTree(root);

      const text = readFileSync(pathOf(root, segment.opening, "json"), "utf8");
      const again = segmentOfSidecar(parseSidecar(text, "x.json"), segment.opening.folder);
      // As if nothing but the frames and the sidecar had been kept.
      const other = temporaryFolder(t);
      leaveSegment(other, frames, draft);
      rmSync(pathOf(other, segment.opening, "open"));
      copyFileSync(pathOf(root, segment.opening, "json"), pathOf(other, segment.opening, "json"));
      renameSync(pathOf(other, segment.opening, "binPart"), pathOf(other, segment.opening, "bin"));
      finishSegment({ receivedPath: other, segment: again, wantsWav, isRecovered: false });
      assert.deepEqual(readTree(other), tree, what);
    }
  });

  it("states the segment's own time and place", (t) => {
    const root = temporaryFolder(t);
    const [, second] = cutSession(pcmFrames(wobble(3_200), 320), { format: pcmFormat, startMs: 1_000_000.25 }, [5]);
    const segment = leaveSegment(root, second!.frames, second!.draft);
    const { time, start_sample, samples } = finishSegment({
      receivedPath: root,
      segment,
      wantsWav: true,
      isRecovered: false,
    })!.sidecar;
    assert.deepEqual([start_sample, samples], [1_600, 1_600]);
    assert.deepEqual([time.session_start_ms, time.start_ms, time.end_ms], [1_000_000.25, 1_000_100.25, 1_000_200.25]);
  });
});

describe("parseSidecar", () => {
  const sidecarText = (root: string) => {
    const segment = leaveSegment(root, pcmFrames(wobble(640), 320), { format: pcmFormat });
    finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered: false });
    return readFileSync(pathOf(root, segment.opening, "json"), "utf8");
  };

  it("is the inverse of formatSidecar", (t) => {
    const text = sidecarText(temporaryFolder(t));
    assert.equal(formatSidecar(parseSidecar(text, "a.json")), text);
  });

  it("names the file and the field that is wrong", (t) => {
    const text = sidecarText(temporaryFolder(t));
    const changed = (key: string, value: unknown) => JSON.stringify({ ...JSON.parse(text), [key]: value });
    const refusal = (message: RegExp) => ({ code: "SEGMENT_UNREADABLE", message });
    assert.throws(() => parseSidecar("{", "a.json"), refusal(/^a\.json is not JSON$/));
    assert.throws(() => parseSidecar(changed("frames", -1), "a.json"), refusal(/a\.json.*\/frames/));
    assert.throws(() => parseSidecar(changed("format", "eet.segment/2"), "a.json"), refusal(/a\.json.*\/format/));
    assert.throws(
      () => parseSidecar(changed("more", 1), "a.json"),
      refusal(/a\.json is not a eet\.segment\/1 sidecar/),
    );
    assert.throws(() => parseSidecar("null", "a.json"), refusal(/a\.json/));
  });
});
