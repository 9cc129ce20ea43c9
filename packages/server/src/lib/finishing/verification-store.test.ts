import assert from "node:assert/strict";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { finishSegment } from "./finish-segment-store.ts";
import {
  adpcmFormat,
  adpcmFrames,
  cutSession,
  leaveSegment,
  pathOf,
  pcmFormat,
  pcmFrames,
  temporaryFolder,
  wobble,
} from "./segment-fixture.test-support.ts";
import { type SegmentVerdict, verifyFolder } from "./verification-store.ts";

const odd = { ...adpcmFormat, frameSampleCount: 321 };
const frames = adpcmFrames(wobble(321 * 40), 321, "high", "drop").filter(({ seq }) => seq !== 17 && seq !== 30);

/** A tree with the segments of one session. */
function makeTree(t: TestContext): { root: string; openings: SegmentOpening[] } {
  const root = temporaryFolder(t);
  const openings = cutSession(frames, { format: odd }, [10, 17, 29]).map((piece) => {
    const segment = leaveSegment(root, piece.frames, piece.draft);
    finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered: false, earlierOrder: "high" });
    rmSync(pathOf(root, segment.opening, "open"));
    return segment.opening;
  });
  return { root, openings };
}

async function verify(root: string): Promise<SegmentVerdict[]> {
  const verdicts: SegmentVerdict[] = [];
  for await (const verdict of verifyFolder(root)) verdicts.push(verdict);
  return verdicts;
}

/** The problems after a change to the third of four segments, which starts with a gap; the other three must have none. */
async function problemsAfter(
  t: TestContext,
  change: (paths: Readonly<Record<"bin" | "wav" | "json", string>>, basePath: string) => void,
): Promise<string> {
  const { root, openings } = makeTree(t);
  const opening = openings[2]!;
  const [bin, wav, json] = [pathOf(root, opening, "bin"), pathOf(root, opening, "wav"), pathOf(root, opening, "json")];
  change({ bin, wav, json }, join(root, opening.folder, opening.name));
  const bad = (await verify(root)).filter(({ problems }) => problems.length > 0);
  assert.deepEqual(
    bad.map(({ segment }) => segment),
    [`mic-1/${opening.name}`],
  );
  return bad[0]!.problems.join("; ");
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function editJson(path: string, edit: (value: Record<string, unknown>) => void): void {
  const value = JSON.parse(readFileSync(path, "utf8"));
  edit(value);
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

describe("verifyFolder", () => {
  it("finds nothing in a tree as it was written", async (t) => {
    const { root, openings } = makeTree(t);
    const verdicts = await verify(root);
    assert.deepEqual(verdicts.map(({ segment }) => segment).sort(), openings.map(({ name }) => `mic-1/${name}`).sort());
    for (const { problems, isOpen, sampleCount, sampleRateHz, binBytes } of verdicts) {
      assert.deepEqual([problems, isOpen, sampleRateHz], [[], false, 16_000]);
      assert.ok(sampleCount > 0 && binBytes > 0);
    }
  });

  it("finds a flipped byte in the .bin and in the .wav", async (t) => {
    assert.match(
      await problemsAfter(t, ({ bin }) => flip(bin, 600)),
      /^the \.bin has the right size but another SHA-256/,
    );
    assert.match(
      await problemsAfter(t, ({ wav }) => flip(wav, 3_000)),
      /^the \.wav has the right size but another SHA-256/,
    );
  });

  it("finds a flipped byte in the .json that makes it unreadable", async (t) => {
    assert.match(await problemsAfter(t, ({ json }) => flip(json, 0)), /is not JSON/);
  });

  it("finds what the frames or the name say otherwise than the .json", async (t) => {
    const after = (edit: (value: Record<string, unknown>) => void) =>
      problemsAfter(t, ({ json }) => editJson(json, edit));
    assert.match(
      await after((value) => {
        value["frames"] = 8;
      }),
      /the frames give another frames than/,
    );
    assert.match(
      await after((value) => {
        value["repaired_samples"] = 3;
      }),
      /another repaired_samples than/,
    );
    assert.match(
      await after((value) => {
        value["levels"] = null;
      }),
      /another levels than/,
    );
    assert.match(
      await after((value) => {
        value["gaps"] = [];
      }),
      /another .* than/,
    );
    assert.match(
      await after((value) => {
        value["nibble_order"] = { order: "low", source: "exact" };
      }),
      /another levels than/,
    );
    assert.match(
      await after((value) => {
        value["stream_id"] = 8;
      }),
      /its ids make stream_8_mic-1/,
    );
    assert.match(
      await after((value) => {
        value["hwid"] = "mic-2";
      }),
      /its ids make stream_7_mic-2/,
    );
    assert.match(
      await after((value) => {
        value["wav_samples"] = null;
      }),
      /another wav_samples than/,
    );
  });

  it("finds a .json that was written by something else", async (t) => {
    const problems = await problemsAfter(t, ({ json }) =>
      writeFileSync(json, JSON.stringify(JSON.parse(readFileSync(json, "utf8")))),
    );
    assert.equal(problems, "the .json is not written as the server writes it");
  });

  it("finds files that are cut", async (t) => {
    assert.match(
      await problemsAfter(t, ({ bin }) => truncateSync(bin, 1_000)),
      /^the \.bin has 1000 bytes, the sidecar says/,
    );
    assert.match(
      await problemsAfter(t, ({ wav }) => truncateSync(wav, 1_000)),
      /^the \.wav has 1000 bytes, the sidecar says/,
    );
    assert.match(await problemsAfter(t, ({ json }) => truncateSync(json, 100)), /is not JSON/);
  });

  it("finds files that are missing", async (t) => {
    assert.equal(await problemsAfter(t, ({ bin }) => rmSync(bin)), "the .bin is missing");
    assert.match(await problemsAfter(t, ({ wav }) => rmSync(wav)), /^the \.wav is missing/);
    assert.equal(await problemsAfter(t, ({ json }) => rmSync(json)), "the sidecar (.json) is missing");
  });

  it("finds parts that are left over", async (t) => {
    for (const ending of [".bin.part", ".wav.part", ".json.part"]) {
      const problems = await problemsAfter(t, (_, basePath) => writeFileSync(`${basePath}${ending}`, ""));
      assert.match(problems, /^stream_\S+\.part is left over/);
      assert.ok(problems.includes(ending));
    }
  });

  it("finds a .bin that is not frames all through", async (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, pcmFrames(wobble(3_200), 320), { format: pcmFormat });
    flip(pathOf(root, segment.opening, "binPart"), 5 * 652);
    finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered: false });
    rmSync(pathOf(root, segment.opening, "open"));
    assert.deepEqual(
      (await verify(root)).flatMap(({ problems }) => problems),
      ["the .bin is not frames from byte 3260 on"],
    );
  });

  it("checks a segment without a WAV", async (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames, { format: odd });
    finishSegment({ receivedPath: root, segment, wantsWav: false, isRecovered: false });
    rmSync(pathOf(root, segment.opening, "open"));
    assert.deepEqual(
      (await verify(root)).map(({ problems }) => problems),
      [[]],
    );
  });

  it("checks what was observed in an acknowledged session", async (t) => {
    const root = temporaryFolder(t);
    const observations = {
      anchors: [{ seq: 4, captureMs: 1_767_323_045_000, captureUs: 77 }],
      driftPpm: 3.5,
      droppedDuplicateCount: 2,
      deviceDroppedSeqs: [17],
    };
    const draft = { format: odd, isAcked: true, closed: { observations, reason: "disconnected" as const } };
    const segment = leaveSegment(root, frames, draft);
    finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered: false });
    rmSync(pathOf(root, segment.opening, "open"));
    const problems = async () => (await verify(root)).map((verdict) => verdict.problems);
    assert.deepEqual(await problems(), [[]]);
    // A gap of which the frames know nothing.
    editJson(pathOf(root, segment.opening, "json"), (value) => {
      (value["gaps"] as { from_seq: number }[])[0]!.from_seq = 16;
    });
    assert.deepEqual(await problems(), [["the frames give another gaps than the sidecar says"]]);
  });

  it("passes over open segments, and tells those of which only the sidecar is here", async (t) => {
    const { root, openings } = makeTree(t);
    leaveSegment(root, frames, { format: odd, session: "s2" });
    for (const kind of ["bin", "wav"] as const) rmSync(pathOf(root, openings[0]!, kind));
    const verdicts = await verify(root);
    assert.deepEqual(verdicts.map(({ isOpen }) => isOpen).sort(), [false, false, false, false, true]);
    assert.deepEqual(
      verdicts.filter(({ isEvicted }) => isEvicted).map(({ segment }) => segment),
      [`mic-1/${openings[0]!.name}`],
    );
    assert.deepEqual(
      verdicts.flatMap(({ problems }) => problems),
      [],
    );
  });
});
