import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { type LogFields, silentLog } from "../kernel/log.ts";
import type { ClosedSegment } from "../kernel/segment-record.ts";
import { FrameLog } from "../storage/frame-log-store.ts";
import { finishSegment } from "./finish-segment-store.ts";
import { Finisher } from "./finisher.ts";
import { problemsOf, receivedFolder, recover } from "./recovery.test-support.ts";
import type { RecoveryOptions } from "./recovery-store.ts";
import { decodeOnce } from "./reference-decode.test-support.ts";
import {
  adpcmFormat,
  adpcmFrames,
  binOf,
  cutSession,
  leaveSegment,
  makeOpening,
  pathOf,
  pcmFormat,
  pcmFrames,
  readTree,
  wavSamples,
  wobble,
} from "./segment-fixture.test-support.ts";

const frames = adpcmFrames(wobble(16_000), 320, "low");

describe("recoverSegments after a crash of the process", () => {
  it("finishes what was open, without its torn tail [S-3.1] [S-3.2]", async (t) => {
    const root = receivedFolder(t);
    const { opening, binBytes } = leaveSegment(root, frames);
    appendFileSync(pathOf(root, opening, "binPart"), binOf(frames, adpcmFormat).subarray(0, 100));
    const { recoveredCount } = await recover(root);
    assert.equal(recoveredCount, 1);
    const { recovered, close_reason, received, files } = JSON.parse(
      readFileSync(pathOf(root, opening, "json"), "utf8"),
    );
    assert.deepEqual([recovered, close_reason, received, files.bin.bytes], [true, "recovered", null, binBytes]);
    assert.deepEqual(wavSamples(pathOf(root, opening, "wav")), decodeOnce(frames, adpcmFormat, "low"));
    assert.deepEqual(await problemsOf(root), []);
  });

  it("makes all that was left durable before any of it is derived", async (t) => {
    const root = receivedFolder(t);
    for (const session of ["a", "b"]) leaveSegment(root, frames, { session });
    const messages: string[] = [];
    const log = { ...silentLog, info: (_: LogFields, message: string) => messages.push(message) };
    await recover(root, {
      log,
      finish: async ({ opening, unsyncedFromByte }) => {
        messages.push(opening.session.session);
        assert.equal(unsyncedFromByte, undefined);
      },
    });
    assert.deepEqual(messages, ["what an earlier run left is safe", "a", "b"]);
  });

  it("leaves the rest to the next start when the server stops", async (t) => {
    const root = receivedFolder(t);
    leaveSegment(root, frames);
    const before = readTree(root);
    await assert.rejects(recover(root, { stopping: AbortSignal.abort() }), { name: "AbortError" });
    assert.deepEqual(readTree(root), before);
  });

  it("goes on from every step of finishing, to the same frames and samples", async (t) => {
    const reference = receivedFolder(t);
    const closed = leaveSegment(reference, frames);
    finishSegment({ receivedPath: reference, segment: closed, wantsWav: true, isRecovered: false });
    const { opening } = closed;
    const kinds = ["wav", "bin", "json"] as const;
    const [wav, bin, json] = kinds.map((kind) => readFileSync(pathOf(reference, opening, kind)));
    const states = [
      { binPart: bin, wavPart: wav!.subarray(0, 999) },
      { binPart: bin, wavPart: wav, jsonPart: json!.subarray(0, 50) },
      { binPart: bin, wavPart: wav, jsonPart: json },
      { bin, wavPart: wav, jsonPart: json },
      { bin, wav, jsonPart: json },
      { bin, wav, json },
    ] as const;
    for (const state of states) {
      const root = receivedFolder(t);
      leaveSegment(root, frames);
      rmSync(pathOf(root, opening, "binPart"));
      for (const [kind, content] of Object.entries(state))
        writeFileSync(pathOf(root, opening, kind as "bin"), content!);
      await recover(root);
      const names = ["bin", "json", "wav"].map((ending) => `${opening.name}.${ending}`);
      assert.deepEqual(readdirSync(join(root, "mic-1")).sort(), names);
      assert.ok(readFileSync(pathOf(root, opening, "bin")).equals(bin!));
      assert.ok(readFileSync(pathOf(root, opening, "wav")).equals(wav!));
      // Only what had its sidecar already keeps what that says.
      const isWhole = readFileSync(pathOf(root, opening, "json")).equals(json!);
      assert.equal(isWhole, "json" in state);
      assert.deepEqual(await problemsOf(root), []);
    }
  });

  it("leaves the segments of its own run alone, and one that vanishes meanwhile", async (t) => {
    const root = receivedFolder(t);
    const own = leaveSegment(root, frames, { opening: { runId: "run-2" } });
    writeFileSync(pathOf(root, makeOpening({ session: "own", index: 0 }), "open"), "");
    const before = readTree(root);
    const { recoveredCount } = await recover(root);
    assert.equal(recoveredCount, 0);
    assert.deepEqual(readTree(root), before);
    assert.ok(existsSync(pathOf(root, own.opening, "binPart")));
  });

  it("restores the last odd sample from the next segment, be it open or finished [P-1.6]", async (t) => {
    const format = { ...adpcmFormat, frameSampleCount: 321 };
    const sent = adpcmFrames(wobble(321 * 12), 321, "low", "drop");
    const expected = decodeOnce(sent, format, "low");
    for (const isNextFinished of [false, true]) {
      const root = receivedFolder(t);
      const profile = { configuredNibbleOrder: "low" } as const;
      const left = cutSession(sent, { format, profile }, [5]).map((piece) =>
        leaveSegment(root, piece.frames, piece.draft),
      );
      if (isNextFinished) {
        finishSegment({ receivedPath: root, segment: left[1]!, wantsWav: true, isRecovered: false });
        rmSync(pathOf(root, left[1]!.opening, "open"));
      }
      await recover(root);
      const samples = left.flatMap(({ opening }) => wavSamples(pathOf(root, opening, "wav")));
      assert.deepEqual(samples, expected);
      assert.deepEqual(await problemsOf(root), []);
    }
  });

  it("hands on a session's segments in their order", async (t) => {
    const root = receivedFolder(t);
    const later = pcmFrames(wobble(320), 320);
    for (const index of [10, 9, 2]) leaveSegment(root, later, { format: pcmFormat, index });
    const { finished } = await recover(root);
    assert.deepEqual(
      finished.map(({ segment }) => segment.opening.index),
      [2, 9, 10],
    );
  });
});

describe("recoverSegments on leftovers", () => {
  it("removes parts whose segment is finished, and openings without frames", async (t) => {
    const root = receivedFolder(t);
    const { opening } = leaveSegment(root, frames);
    await recover(root);
    const tree = readTree(root);
    writeFileSync(pathOf(root, opening, "wavPart"), "x");
    writeFileSync(pathOf(root, opening, "jsonPart"), "x");
    for (const [session, text] of [
      ["torn", "{"],
      ["whole", JSON.stringify(makeOpening({ session: "whole" }))],
    ] as const) {
      const path = pathOf(root, makeOpening({ session }), "open");
      writeFileSync(path, text);
      utimesSync(path, 1_700_000_000, 1_700_000_000);
    }
    await recover(root);
    assert.deepEqual(readTree(root), tree);
  });

  it("derives a WAV that is missing, and the sidecar says of it what it said [S-3.2]", async (t) => {
    const root = receivedFolder(t);
    const { opening } = leaveSegment(root, frames);
    await recover(root);
    const tree = readTree(root);
    rmSync(pathOf(root, opening, "wav"));
    assert.equal((await recover(root, { wantsWav: false })).rederivedCount, 0);
    assert.equal((await recover(root)).rederivedCount, 1);
    assert.deepEqual(readTree(root), tree);
  });

  it("keeps frames whose opening is unreadable or missing, and says how to read them", async (t) => {
    const root = receivedFolder(t);
    const [torn, missing] = ["torn", "missing"].map((session) => leaveSegment(root, frames, { session }).opening);
    writeFileSync(pathOf(root, torn!, "open"), "{");
    rmSync(pathOf(root, missing!, "open"));
    const before = readTree(root);
    const { logged, recoveredCount } = await recover(root);
    assert.equal(recoveredCount, 0);
    assert.equal(logged.filter((message) => message.includes("`eet wav`")).length, 2);
    assert.deepEqual(readTree(root), before);
  });

  it("leaves an opening alone that names another segment's files", async (t) => {
    const root = receivedFolder(t);
    const { opening } = leaveSegment(root, frames, { session: "moved" });
    writeFileSync(pathOf(root, opening, "open"), JSON.stringify({ ...opening, name: "../elsewhere" }));
    writeFileSync(join(root, "elsewhere.bin"), readFileSync(pathOf(root, opening, "binPart")));
    const before = readTree(root);
    assert.equal((await recover(root)).recoveredCount, 0);
    assert.deepEqual(readTree(root), before);
  });

  it("goes on when one segment cannot be recovered, and keeps the frame logs for it", async (t) => {
    const root = receivedFolder(t);
    const bad = leaveSegment(root, frames, { session: "bad", opening: { bootId: "boot-0", runId: "run-1" } }).opening;
    rmSync(pathOf(root, bad, "binPart"));
    mkdirSync(pathOf(root, bad, "bin"));
    const good = leaveSegment(root, frames, { session: "good" }).opening;
    const logPath = join(root, "..", "frame-log", "run-1.000000.log");
    mkdirSync(dirname(logPath));
    writeFileSync(logPath, "");
    const failing = leaveSegment(root, frames, { session: "failing" }).opening;
    const finish: RecoveryOptions["finish"] = async (segment, isRecovered) => {
      if (segment.opening.name === failing.name) return;
      finishSegment({ receivedPath: root, segment, wantsWav: true, isRecovered });
      rmSync(pathOf(root, segment.opening, "open"));
    };
    await recover(root, { finish });
    assert.ok(existsSync(pathOf(root, good, "json")));
    assert.ok(existsSync(logPath));
    await recover(root);
    assert.ok(existsSync(pathOf(root, failing, "json")));
    assert.equal(existsSync(logPath), false);
  });

  it("goes on when an opening lacks what each has", async (t) => {
    for (const session of [{}, { format: null }, { format: {} }, { isAcked: true, format: 7 }]) {
      const root = receivedFolder(t);
      const { opening } = leaveSegment(root, frames);
      const damaged = makeOpening({ session: "damaged", index: 0 });
      writeFileSync(pathOf(root, damaged, "binPart"), "");
      writeFileSync(pathOf(root, damaged, "open"), JSON.stringify({ ...damaged, session }));
      await recover(root);
      assert.ok(existsSync(pathOf(root, opening, "json")));
    }
  });
});

describe("recoverSegments while sessions go on", () => {
  it("does not take a segment of its own run for one that is left [P-2.7]", async (t) => {
    const root = receivedFolder(t);
    const { opening } = leaveSegment(root, [], { session: "empty" });
    const logPath = join(root, "..", "frame-log", "run-1.000000.log");
    mkdirSync(dirname(logPath));
    writeFileSync(logPath, "");
    const finish: RecoveryOptions["finish"] = async () => {
      // The session's next segment has the name of the one that held no frame.
      writeFileSync(pathOf(root, opening, "open"), JSON.stringify({ ...opening, runId: "run-2" }));
    };
    const { logged } = await recover(root, { finish });
    assert.deepEqual(logged, []);
    assert.equal(existsSync(logPath), false);
  });
});

describe("recoverSegments after a power cut", () => {
  const format = pcmFormat;
  const sent = pcmFrames(wobble(3_200), 320);
  const frameBytes = 652;

  /** Leaves ten frames, the first four synced, six to eight and nine to ten written in two runs. */
  async function leaveWithLog(root: string): Promise<ClosedSegment> {
    const frameLog = await FrameLog.open({
      folder: join(root, "..", "frame-log"),
      runId: "run-1",
      onError: assert.fail,
    });
    const logNumber = frameLog.openSegment();
    const segment = leaveSegment(root, sent, { format, opening: { bootId: "boot-0", logNumber } });
    const bin = binOf(sent, format);
    for (const [from, to] of [
      [0, 4],
      [4, 8],
      [8, 10],
    ] as const) {
      frameLog.recordWritten(logNumber, from * frameBytes, [bin.subarray(from * frameBytes, to * frameBytes)]);
      if (to === 4) frameLog.recordSynced(logNumber, to * frameBytes);
    }
    await frameLog.close();
    return segment;
  }

  async function framesAfter(root: string): Promise<number> {
    const { finished } = await recover(root);
    const { opening } = finished[0]!.segment;
    if (!existsSync(pathOf(root, opening, "json"))) return 0;
    assert.deepEqual(await problemsOf(root), []);
    return JSON.parse(readFileSync(pathOf(root, opening, "json"), "utf8")).frames;
  }

  it("keeps what is there as it was written", async (t) => {
    const root = receivedFolder(t);
    await leaveWithLog(root);
    assert.equal(await framesAfter(root), 10);
  });

  it("cuts a tail that reads as zeros though it is well framed", async (t) => {
    const root = receivedFolder(t);
    const { opening } = await leaveWithLog(root);
    const bin = binOf(sent, format);
    bin.fill(0, 7 * frameBytes + 100, 8 * frameBytes);
    writeFileSync(pathOf(root, opening, "binPart"), bin);
    assert.equal(await framesAfter(root), 4);
  });

  it("keeps whole frames of a tail that is cut", async (t) => {
    const root = receivedFolder(t);
    const { opening } = await leaveWithLog(root);
    truncateSync(pathOf(root, opening, "binPart"), 9 * frameBytes);
    assert.equal(await framesAfter(root), 8);
  });

  it("believes nothing that the log does not know, and says so", async (t) => {
    const root = receivedFolder(t);
    leaveSegment(root, sent, { format, opening: { bootId: "boot-0", logNumber: 99 } });
    const { logged } = await recover(root);
    assert.ok(logged.some((message) => message.includes("unproven")));
    assert.deepEqual(readTree(root), {});
  });

  it("believes a file that has its final name", async (t) => {
    const root = receivedFolder(t);
    const { opening } = leaveSegment(root, sent, { format, opening: { bootId: "boot-0" } });
    renameSync(pathOf(root, opening, "binPart"), pathOf(root, opening, "bin"));
    assert.equal(await framesAfter(root), 10);
  });
});

describe("recoverSegments on many segments [S-3.3]", () => {
  it("recovers 2 000, and prints how long it took", async (t) => {
    const root = receivedFolder(t);
    const second = adpcmFrames(wobble(16_001), 321, "low");
    const format = { ...adpcmFormat, frameSampleCount: 321 };
    for (let index = 0; index < 2_000; index++) leaveSegment(root, second, { format, session: `s${index}` });
    const finisher = new Finisher({
      receivedPath: root,
      workerCount: 2,
      log: silentLog,
      wantsWav: () => true,
      earlierOrderOf: async () => undefined,
      onEmpty: () => {},
      onFinished: async (_, { opening }) => rmSync(pathOf(root, opening, "open")),
    });
    const startMs = performance.now();
    await recover(root, { finish: (segment, isRecovered) => finisher.finish(segment, isRecovered) });
    const seconds = (performance.now() - startMs) / 1000;
    await finisher.close();
    t.diagnostic(`2 000 left segments of 1 s recovered in ${seconds.toFixed(1)} s`);
    assert.equal(readdirSync(join(root, "mic-1")).length, 6_000);
  });
});
