import assert from "node:assert/strict";
import { copyFileSync, readFileSync, renameSync, rmSync } from "node:fs";
import { describe, it } from "node:test";
import Value from "typebox/value";
import type { GapRecord, SegmentObservations } from "../kernel/segment-record.ts";
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
import { formatSidecar, segmentOfSidecar } from "./sidecar-format.ts";
import { parseSidecar } from "./sidecar-parsing.ts";

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
    ...acknowledgedCases(lossy),
  };
}

const anchors = [
  { seq: 2 ** 32 - 3, captureMs: 1_767_323_045_000, captureUs: 1_234_567 },
  { seq: 2 ** 32 + 1, captureMs: 0, captureUs: 2 ** 63 },
];
const observed: SegmentObservations = { anchors, driftPpm: -42.75, droppedDuplicateCount: 3, deviceDroppedSeqs: [] };

/** Segments of sessions that can be resumed. */
function acknowledgedCases(lossy: readonly SentFrame[]): Readonly<Record<string, Case>> {
  const format = pcmFormat;
  const leadingGap: GapRecord = {
    fromSeq: 2 ** 32 - 6,
    toSeq: 2 ** 32 - 3,
    startSample: 0,
    sampleCount: 960,
    isEstimated: false,
    cause: "device-dropped",
  };
  const opening = { leadingGap, start: { seq: 2 ** 32 - 6, sample: 0 } };
  const closed = { observations: { ...observed, deviceDroppedSeqs: [2 ** 32] }, reason: "disconnected" } as const;
  const nothing = { anchors: [], driftPpm: null, droppedDuplicateCount: 0, deviceDroppedSeqs: [] };
  return {
    "acknowledged, with all that can be observed": { frames: lossy, draft: { format, isAcked: true, closed } },
    "acknowledged, the leading gap dropped by the device": {
      frames: lossy,
      draft: { format, isAcked: true, opening, closed },
    },
    "acknowledged, nothing observed": {
      frames: lossy,
      draft: { format, isAcked: true, closed: { observations: nothing } },
    },
    "acknowledged, observations lost in a crash": { frames: lossy, draft: { format, isAcked: true } },
    "acknowledged, observations lost, the leading gap dropped by the device": {
      frames: lossy,
      draft: { format, isAcked: true, opening },
    },
    "plain, its drift measured": {
      frames: lossy,
      draft: { format, closed: { observations: { ...nothing, driftPpm: 12.5 } } },
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

  it("states what was observed on receipt, which no frame tells", (t) => {
    const root = temporaryFolder(t);
    const frames = pcmFrames(wobble(3_200), 320).filter(({ seq }) => ![2, 3, 7].includes(seq));
    const observations = { ...observed, deviceDroppedSeqs: [7] };
    const segment = leaveSegment(root, frames, {
      format: pcmFormat,
      isAcked: true,
      closed: { observations, reason: "disconnected" },
    });
    const { sidecar } = finishSegment({ receivedPath: root, segment, wantsWav: false, isRecovered: false })!;
    assert.deepEqual([sidecar.acked, sidecar.dropped_duplicates, sidecar.drift_ppm], [true, 3, -42.75]);
    assert.deepEqual(sidecar.anchors[0], { seq: 2 ** 32 - 3, capture_ms: 1_767_323_045_000, capture_us: 1_234_567 });
    assert.deepEqual(
      sidecar.gaps.map(({ from_seq, cause }) => [from_seq, cause]),
      [
        [2, "not-received"],
        [7, "device-dropped"],
      ],
    );
    assert.equal(sidecar.close_reason, "disconnected");
  });

  it("says nothing of acknowledgements in a plain session, as before there were any", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, pcmFrames(wobble(640), 320), { format: pcmFormat });
    const { sidecar } = finishSegment({ receivedPath: root, segment, wantsWav: false, isRecovered: false })!;
    assert.deepEqual(
      ["acked", "dropped_duplicates"].filter((key) => key in sidecar),
      [],
    );
  });
});

describe("segmentOfSidecar", () => {
  it("is the inverse of createSidecar for what was observed", (t) => {
    const root = temporaryFolder(t);
    const draft = { format: pcmFormat, isAcked: true, closed: { observations: observed } };
    const segment = leaveSegment(root, pcmFrames(wobble(640), 320, 2 ** 32 - 3), draft);
    const { sidecar, folder } = finishSegment({
      receivedPath: root,
      segment,
      wantsWav: false,
      isRecovered: false,
    })!;
    const { observations, opening } = segmentOfSidecar(sidecar, folder);
    assert.deepEqual(observations, observed);
    assert.equal(opening.session.isAcked, true);
  });

  it("takes a sidecar that knows nothing of acknowledgements for one of a plain session", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, pcmFrames(wobble(640), 320), { format: pcmFormat });
    const { sidecar } = finishSegment({ receivedPath: root, segment, wantsWav: false, isRecovered: false })!;
    const { observations, opening } = segmentOfSidecar(sidecar, "mic-1");
    assert.deepEqual([observations, opening.session.isAcked], [null, false]);
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
    assert.throws(() => parseSidecar("null", "a.json"), refusal(/a\.json/));
  });

  it("passes over fields that a later version has added", (t) => {
    const text = sidecarText(temporaryFolder(t));
    const sidecar = JSON.parse(text);
    const more = {
      ...sidecar,
      more: 1,
      audio: { ...sidecar.audio, more: { a: [] } },
      files: { ...sidecar.files, flac: null },
    };
    assert.equal(formatSidecar(parseSidecar(JSON.stringify(more), "a.json")), text);
  });

  it("is no sidecar when something in it is nested without an end, and says so", (t) => {
    const deep = `${'{"a":'.repeat(30_000)}1${"}".repeat(30_000)}`;
    const text = sidecarText(temporaryFolder(t)).replace(/"gap_fill": "\w+"/, `"gap_fill": ${deep}`);
    const message = "a.json is nested deeper than any sidecar";
    assert.throws(() => parseSidecar(text, "a.json"), { code: "SEGMENT_UNREADABLE", message });
  });

  it("takes no name, device or session that could lead to other files", (t) => {
    const sidecar = JSON.parse(sidecarText(temporaryFolder(t)));
    for (const [key, value] of [
      ["name", "../../stream_1"],
      ["name", "stream_1/../../x"],
      ["name", ""],
      ["hwid", ".."],
      ["session", "a/b"],
    ]) {
      const text = JSON.stringify({ ...sidecar, [String(key)]: value });
      assert.throws(() => parseSidecar(text, "a.json"), { code: "SEGMENT_UNREADABLE" }, `${key} ${value}`);
    }
  });
});
