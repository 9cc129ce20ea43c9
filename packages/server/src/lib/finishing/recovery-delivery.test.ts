import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { silentLog } from "../kernel/log.ts";
import type { Sidecar } from "../kernel/sidecar.ts";
import { finishSegment } from "./finish-segment-store.ts";
import { scanFinishedSegments } from "./finished-scan-store.ts";
import { problemsOf, receivedFolder, recover } from "./recovery.test-support.ts";
import type { RecoveryOptions } from "./recovery-store.ts";
import { adpcmFrames, leaveSegment, pathOf, pcmFormat, pcmFrames, wobble } from "./segment-fixture.test-support.ts";

const frames = adpcmFrames(wobble(16_000), 320, "low");

/** Folders so deep that no path leads to the last one, whoever asks, until it is disposed of. */
function makeUnreadable(root: string): Disposable {
  const half = Array.from({ length: 10 }, () => "d".repeat(250)).join("/");
  const upper = join(root, half);
  const lower = join(root, "lower");
  mkdirSync(upper, { recursive: true });
  mkdirSync(join(lower, half), { recursive: true });
  renameSync(lower, join(upper, "lower"));
  return { [Symbol.dispose]: () => renameSync(join(upper, "lower"), lower) };
}

describe("recoverSegments on acknowledged sessions [P-2.7]", () => {
  it("finishes their segments like others, with nothing of what was observed", async (t) => {
    const root = receivedFolder(t);
    const { opening } = leaveSegment(root, frames, { isAcked: true });
    const { finished } = await recover(root);
    assert.equal(finished[0]?.segment.observations, null);
    const sidecar = JSON.parse(readFileSync(pathOf(root, opening, "json"), "utf8"));
    assert.deepEqual([sidecar.acked, sidecar.drift_ppm, sidecar.anchors], [true, null, []]);
    assert.equal("dropped_duplicates" in sidecar, false);
    assert.deepEqual(await problemsOf(root), []);
  });

  it("keeps what was observed when only the catalogue did not know the segment", async (t) => {
    const root = receivedFolder(t);
    const observations = { anchors: [], driftPpm: 4.5, droppedDuplicateCount: 6, deviceDroppedSeqs: [] };
    const segment = leaveSegment(root, frames, { isAcked: true, closed: { observations } });
    finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered: false });
    const json = readFileSync(pathOf(root, segment.opening, "json"), "utf8");
    const { finished } = await recover(root);
    assert.deepEqual(finished[0]?.segment.observations, observations);
    assert.equal(readFileSync(pathOf(root, segment.opening, "json"), "utf8"), json);
  });

  it("says that all is handed on before any of it is finished", async (t) => {
    const root = receivedFolder(t);
    for (const session of ["a", "b"]) leaveSegment(root, frames, { session });
    leaveSegment(root, frames, { session: "c", opening: { folder: "mic-2/deep" } });
    const listed = Promise.withResolvers<void>();
    const handedOn: string[] = [];
    await recover(root, {
      finish: async ({ opening }) => {
        handedOn.push(opening.session.session);
        // Would wait for ever if it were said after that.
        await listed.promise;
      },
      onListed: (unrecovered) => {
        assert.deepEqual(handedOn, ["a", "b", "c"]);
        assert.deepEqual(unrecovered, new Set());
        listed.resolve();
      },
    });
  });

  it("says so when nothing was left, and before it looks for WAVs that are missing", async (t) => {
    const root = receivedFolder(t);
    const steps: string[] = [];
    const onListed = () => steps.push("listed");
    await recover(root, { onListed });
    const { opening } = leaveSegment(root, frames);
    await recover(root);
    rmSync(pathOf(root, opening, "wav"));
    await recover(root, { onListed, finish: async () => void steps.push("derived") });
    assert.deepEqual(steps, ["listed", "listed", "derived"]);
  });

  it("names the sessions of which frames stay as they are", async (t) => {
    const root = receivedFolder(t);
    const [torn, orphaned, damaged] = ["torn", "orphaned", "damaged", "good"].map(
      (session) => leaveSegment(root, frames, { session, index: 12 }).opening,
    );
    writeFileSync(pathOf(root, torn!, "open"), "{");
    rmSync(pathOf(root, orphaned!, "open"));
    // Its sidecar is there and cannot be read.
    renameSync(pathOf(root, damaged!, "binPart"), pathOf(root, damaged!, "bin"));
    mkdirSync(pathOf(root, damaged!, "json"));
    const named: string[] = [];
    await recover(root, { onListed: (unrecovered) => named.push(...(unrecovered ?? [])) });
    assert.deepEqual(named.sort(), ["damaged", "orphaned", "torn"]);
  });

  it("recovers everything else when a folder cannot be read, but trusts no session then", async (t) => {
    const root = receivedFolder(t);
    const { opening } = leaveSegment(root, frames);
    const logPath = join(root, "..", "frame-log", "run-1.000000.log");
    mkdirSync(dirname(logPath));
    writeFileSync(logPath, "");
    const told: unknown[] = [];
    const onListed: RecoveryOptions["onListed"] = (unrecovered) => told.push(unrecovered);
    {
      using _unreadable = makeUnreadable(root);
      const { recoveredCount, logged } = await recover(root, { onListed });
      assert.equal(recoveredCount, 1);
      assert.match(logged.join("\n"), /^a folder cannot be read: .* and restart$/);
    }
    assert.ok(existsSync(pathOf(root, opening, "json")));
    assert.ok(existsSync(logPath), "it may prove frames in that folder");
    await recover(root, { onListed });
    assert.deepEqual(told, [undefined, new Set()]);
    assert.equal(existsSync(logPath), false);
  });

  it("keeps a frame once that went into another file when its own failed [S-2.4] [P-2.3]", async (t) => {
    const root = receivedFolder(t);
    const sent = pcmFrames(wobble(20 * 320), 320, 2 ** 32 - 6);
    // The third took up the end of the first, which failed when the second was already being written.
    const pieces = [sent.slice(0, 12), sent.slice(12), sent.slice(9, 12)];
    for (const [index, piece] of pieces.entries()) {
      const start = { seq: piece[0]!.seq, sample: (piece[0]!.seq - sent[0]!.seq) * 320 };
      leaveSegment(root, piece, { format: pcmFormat, isAcked: true, index, opening: { start } });
    }
    const { logged } = await recover(root);
    assert.deepEqual(await seqsOf(root), [
      [2 ** 32 - 6, 2 ** 32 + 2],
      [2 ** 32 + 6, 2 ** 32 + 13],
      [2 ** 32 + 3, 2 ** 32 + 5],
    ]);
    assert.deepEqual(logged, ["frames that went into another file when this one failed are cut"]);
    assert.deepEqual(await problemsOf(root), []);
  });

  it("forgets a file that was replaced before its first sync when the other one has frames, and only then", async (t) => {
    for (const replacement of [pcmFrames(wobble(320), 320), []]) {
      const root = receivedFolder(t);
      leaveSegment(root, pcmFrames(wobble(640), 320), { format: pcmFormat, isAcked: true });
      leaveSegment(root, replacement, { format: pcmFormat, isAcked: true, index: 1 });
      await recover(root);
      assert.deepEqual(await seqsOf(root), [replacement.length === 0 ? [0, 1] : [0, 0]]);
    }
  });

  it("keeps every frame of a plain session, where the same seq may come twice [P-2.5]", async (t) => {
    const root = receivedFolder(t);
    const sent = pcmFrames(wobble(3_200), 320);
    leaveSegment(root, sent, { format: pcmFormat });
    leaveSegment(root, sent.slice(5), { format: pcmFormat, index: 1, opening: { start: { seq: 5, sample: 1_600 } } });
    await recover(root);
    assert.deepEqual(await seqsOf(root), [
      [0, 9],
      [5, 9],
    ]);
  });
});

/** First and last seq of each segment, by index. */
async function seqsOf(root: string): Promise<number[][]> {
  const found: Sidecar[] = [];
  for await (const { sidecar } of scanFinishedSegments(root, silentLog)) found.push(sidecar);
  return found.sort((a, b) => a.index - b.index).map(({ first_seq, last_seq }) => [first_seq, last_seq]);
}
