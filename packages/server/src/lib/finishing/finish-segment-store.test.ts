import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  fstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import type { FinishedSegment } from "../kernel/finished-segment.ts";
import type { ClosedSegment, RecordFormat } from "../kernel/segment-record.ts";
import { deriveSegment, finishSegment } from "./finish-segment-store.ts";
import { hashFile } from "./hashed-target-store.ts";
import { decodeOnce, type SentFrame } from "./reference-decode.test-support.ts";
import {
  adpcmFormat,
  adpcmFrames,
  cutSession,
  leaveSegment,
  pathOf,
  pcmFormat,
  pcmFrames,
  readTree,
  temporaryFolder,
  wavSamples,
  wobble,
} from "./segment-fixture.test-support.ts";

function finish(root: string, segment: ClosedSegment, wantsWav = true, isRecovered = false): FinishedSegment | null {
  return finishSegment({ receivedPath: root, segment, wantsWav, isRecovered });
}

const frames = adpcmFrames(wobble(16_000), 320, "high");

describe("finishSegment", () => {
  it("puts the three files under their names and tells their sizes and hashes [S-2.3]", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames);
    const bin = readFileSync(pathOf(root, segment.opening, "binPart"));
    const { sidecar, folder, sidecarBytes, sidecarSha256 } = finish(root, segment)!;
    const { name } = segment.opening;
    assert.deepEqual(
      Object.keys(readTree(root)),
      [".bin", ".json", ".open.json", ".wav"].map((end) => `mic-1/${name}${end}`),
    );
    assert.ok(readFileSync(pathOf(root, segment.opening, "bin")).equals(bin));
    assert.deepEqual(sidecar.files, {
      bin: hashFile(pathOf(root, segment.opening, "bin"), Number.MAX_SAFE_INTEGER),
      wav: hashFile(pathOf(root, segment.opening, "wav"), Number.MAX_SAFE_INTEGER),
    });
    const json = hashFile(pathOf(root, segment.opening, "json"), Number.MAX_SAFE_INTEGER);
    assert.deepEqual({ bytes: sidecarBytes, sha256: sidecarSha256 }, json);
    assert.equal(folder, "mic-1");
    assert.deepEqual(sidecar.nibble_order, { order: "high", source: "exact" });
  });

  it("gives the same files from wherever it was interrupted", (t) => {
    const reference = temporaryFolder(t);
    const segment = leaveSegment(reference, frames);
    const { opening } = segment;
    finish(reference, segment);
    const expected = readTree(reference);
    /** The states that a crash can leave, one step of the way after the other. */
    const steps: readonly ((root: string) => void)[] = [
      () => {},
      (root) => writeFileSync(pathOf(root, opening, "wavPart"), "half a WAV"),
      (root) => copyFileSync(pathOf(reference, opening, "wav"), pathOf(root, opening, "wavPart")),
      (root) => writeFileSync(pathOf(root, opening, "jsonPart"), "{"),
      (root) => copyFileSync(pathOf(reference, opening, "json"), pathOf(root, opening, "jsonPart")),
      (root) => renameSync(pathOf(root, opening, "binPart"), pathOf(root, opening, "bin")),
      (root) => renameSync(pathOf(root, opening, "wavPart"), pathOf(root, opening, "wav")),
      (root) => renameSync(pathOf(root, opening, "jsonPart"), pathOf(root, opening, "json")),
    ];
    for (const stepCount of steps.keys()) {
      const root = temporaryFolder(t);
      leaveSegment(root, frames);
      for (const step of steps.slice(0, stepCount + 1)) step(root);
      finish(root, segment);
      assert.deepEqual(readTree(root), expected, `after step ${stepCount}`);
    }
  });

  it("reads a segment that is too long to be held piece by piece, to the same", (t) => {
    const root = temporaryFolder(t);
    const samples = wobble(2_200_000);
    const segment = leaveSegment(root, pcmFrames(samples, 4_000), {
      format: { ...pcmFormat, frameSampleCount: 4_000 },
    });
    const { sidecar } = finish(root, segment)!;
    const [bin, wav] = [
      readFileSync(pathOf(root, segment.opening, "bin")),
      readFileSync(pathOf(root, segment.opening, "wav")),
    ];
    assert.ok(bin.byteLength > 4 * 1024 * 1024);
    assert.equal(sidecar.files.bin.sha256, createHash("sha256").update(bin).digest("hex"));
    assert.ok(wav.subarray(44, 44 + samples.byteLength).equals(Buffer.from(samples.buffer)));
  });

  it("cuts what lies behind the frames that were closed", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames);
    appendFileSync(pathOf(root, segment.opening, "binPart"), Buffer.alloc(5_000));
    finish(root, segment);
    assert.equal(statSync(pathOf(root, segment.opening, "bin")).size, segment.binBytes);
  });

  it("cuts a crash's torn tail where framing ends [S-3.1]", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames);
    appendFileSync(pathOf(root, segment.opening, "binPart"), Buffer.from("46504441ff", "hex"));
    const { sidecar } = finish(root, { ...segment, binBytes: segment.binBytes + 5 }, true, true)!;
    assert.equal(sidecar.files.bin.bytes, segment.binBytes);
    assert.equal(sidecar.recovered, true);
    assert.equal(statSync(pathOf(root, segment.opening, "bin")).size, segment.binBytes);
  });

  it("removes a segment without a frame", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, []);
    writeFileSync(pathOf(root, segment.opening, "wavPart"), "");
    assert.equal(finish(root, segment), null);
    assert.deepEqual(readTree(root), {});
  });

  it("removes what a crash left of a first frame", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, []);
    writeFileSync(pathOf(root, segment.opening, "binPart"), Buffer.from("4650444140000000000000", "hex"));
    assert.equal(finish(root, { ...segment, binBytes: 11 }, true, true), null);
    assert.deepEqual(readTree(root), {});
  });

  it("never removes bytes that were closed as frames, and keeps them all when some are damaged", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames);
    const partPath = pathOf(root, segment.opening, "binPart");
    const bin = readFileSync(partPath);
    bin[0] = 0;
    writeFileSync(partPath, bin);
    assert.throws(() => finish(root, segment), { code: "SEGMENT_UNREADABLE" });
    assert.ok(readFileSync(partPath).equals(bin));
    bin[0] = 0x46;
    bin[10 * 176] = 0;
    writeFileSync(partPath, bin);
    const { sidecar } = finish(root, segment)!;
    assert.deepEqual([sidecar.frames, sidecar.files.bin.bytes], [10, bin.length]);
    assert.ok(readFileSync(pathOf(root, segment.opening, "bin")).equals(bin));
  });

  it("gives a damaged .bin no sidecar that calls it right", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames);
    finish(root, segment);
    rmSync(pathOf(root, segment.opening, "wav"));
    const binPath = pathOf(root, segment.opening, "bin");
    const bin = readFileSync(binPath);
    bin[500] = (bin[500] ?? 0) ^ 1;
    writeFileSync(binPath, bin);
    const before = readTree(root);
    assert.throws(() => finish(root, segment), {
      code: "SEGMENT_UNREADABLE",
      message: /not what its sidecar describes/,
    });
    assert.deepEqual(readTree(root), before);
  });

  it("writes no WAV where none is wanted, and forgets none that is there", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames);
    writeFileSync(pathOf(root, segment.opening, "wavPart"), "left by a crash");
    const { sidecar } = finish(root, segment, false)!;
    assert.deepEqual([sidecar.files.wav, sidecar.wav_samples], [null, null]);
    assert.ok(sidecar.levels);
    assert.equal(existsSync(pathOf(root, segment.opening, "wavPart")), false);
    const withWav = finish(root, segment)!.sidecar;
    assert.equal(withWav.wav_samples, 16_000);
    assert.deepEqual(finish(root, segment, false)!.sidecar, withWav);
  });

  it("keeps multichannel ADPCM of unknown layout as it came [P-1.7]", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames, { format: { ...adpcmFormat, channels: 2 } });
    const { sidecar } = finish(root, segment)!;
    assert.deepEqual([sidecar.files.wav, sidecar.levels, sidecar.frames], [null, null, 50]);
    assert.equal(existsSync(pathOf(root, segment.opening, "wav")), false);
  });

  it("leaves the frames where they are when the WAV cannot be written", (t) => {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames);
    const before = readTree(root);
    mkdirSync(pathOf(root, segment.opening, "wavPart"));
    assert.throws(() => finish(root, segment), { code: "EISDIR" });
    assert.deepEqual(readTree(root), before);
  });
});

interface Device {
  readonly format: RecordFormat;
  readonly order: "low" | "high";
  readonly frames: readonly SentFrame[];
}

/** A device with any format, frame size, habit and loss. */
const anyDevice: fc.Arbitrary<Device> = fc
  .record({
    codec: fc.constantFrom("pcm16" as const, "adpcm" as const),
    sampleRateHz: fc.constantFrom(8_000, 16_000, 44_100),
    pcmChannels: fc.integer({ min: 1, max: 3 }),
    frameSampleCount: fc.constantFrom(1, 2, 17, 160, 321),
    isVarying: fc.boolean(),
    order: fc.constantFrom("low" as const, "high" as const),
    oddCode: fc.constantFrom("pad" as const, "drop" as const),
    frameCount: fc.integer({ min: 1, max: 24 }),
    lost: fc.array(fc.nat(24), { maxLength: 8 }),
    firstSeq: fc.constantFrom(0, 5, 2 ** 32 - 6),
    seed: fc.nat(1_000),
  })
  .map((draw) => {
    const channels = draw.codec === "pcm16" ? draw.pcmChannels : 1;
    const frameSampleCount = draw.isVarying ? 0 : draw.frameSampleCount;
    const format = { codec: draw.codec, sampleRateHz: draw.sampleRateHz, channels, frameSampleCount };
    const samples = wobble(draw.frameCount * draw.frameSampleCount * channels, draw.seed);
    const sent =
      draw.codec === "pcm16"
        ? pcmFrames(samples, draw.frameSampleCount * channels)
        : adpcmFrames(samples, draw.frameSampleCount, draw.order, draw.oddCode);
    const frames = sent
      .map(({ seq, payload }) => ({ seq: seq + draw.firstSeq, payload }))
      .filter((_, index) => index === 0 || !draw.lost.includes(index));
    return { format, order: draw.order, frames };
  });

describe("finishSegment on the segments of a session", () => {
  it("gives PCM that joins to the decode of all frames, and the same files each time [S-1.3]", (t) => {
    const cuts = fc.array(fc.nat(24), { maxLength: 5 });
    fc.assert(
      fc.property(anyDevice, cuts, ({ format, order, frames: sent }, cutAt) => {
        const trees = [1, 2].map(() => {
          const root = temporaryFolder(t);
          const pieces = cutSession(sent, { format, profile: { configuredNibbleOrder: order } }, cutAt);
          const samples = pieces.flatMap(({ frames: piece, draft }) => {
            const segment = leaveSegment(root, piece, draft);
            finish(root, segment);
            return wavSamples(pathOf(root, segment.opening, "wav"));
          });
          assert.deepEqual(samples, decodeOnce(sent, format, order));
          const tree = readTree(root);
          rmSync(root, { recursive: true });
          return tree;
        });
        assert.deepEqual(trees[0], trees[1]);
      }),
      { numRuns: 60 },
    );
  });

  it("leaves out a gap that ends one segment and starts the next", (t) => {
    const root = temporaryFolder(t);
    const sent = pcmFrames(wobble(6_400), 320).filter(({ seq }) => seq < 4 || seq > 12);
    const pieces = cutSession(sent, { format: pcmFormat, isGapInside: false }, [4]);
    const samples = pieces.flatMap(({ frames: piece, draft }) => {
      const segment = leaveSegment(root, piece, draft);
      finish(root, segment);
      return wavSamples(pathOf(root, segment.opening, "wav"));
    });
    assert.deepEqual(samples, decodeOnce(sent, pcmFormat, "low", 0));
  });
});

describe("deriveSegment", () => {
  const endings = ["bin", "wav", "json", "binPart", "wavPart", "jsonPart"] as const;

  function begin(t: TestContext) {
    const root = temporaryFolder(t);
    const segment = leaveSegment(root, frames);
    const job = { receivedPath: root, segment, wantsWav: true, isRecovered: false };
    const found = () => endings.filter((ending) => existsSync(pathOf(root, segment.opening, ending)));
    return { job, found, steps: deriveSegment(job) };
  }

  it("gives files their names once both are on stable storage, and is through once the names are [S-2.3]", (t) => {
    const { found, steps } = begin(t);
    const files = steps.next();
    assert.ok(!files.done);
    assert.equal(files.value.length, 2);
    assert.ok(files.value.every((descriptor) => fstatSync(descriptor).isFile()));
    assert.deepEqual(found(), ["binPart", "wavPart", "jsonPart"]);
    const folders = steps.next();
    assert.ok(!folders.done);
    assert.ok(folders.value.every((descriptor) => fstatSync(descriptor).isDirectory()));
    assert.deepEqual(found(), ["bin", "wav", "json"]);
    assert.equal(steps.next().done, true);
  });

  it("leaves the frames alone when its files cannot be synced, and may be repeated [S-2.4]", (t) => {
    const { job, found, steps } = begin(t);
    const files = steps.next();
    assert.throws(() => steps.throw(new Error("the disk refuses")), { message: "the disk refuses" });
    assert.deepEqual(found(), ["binPart"]);
    for (const descriptor of files.value as readonly number[])
      assert.throws(() => fstatSync(descriptor), { code: "EBADF" });
    assert.equal(finishSegment(job)?.sidecar.frames, frames.length);
    assert.deepEqual(found(), ["bin", "wav", "json"]);
  });

  it("keeps what has its name when the folder cannot be synced, and may be repeated", (t) => {
    const { job, found, steps } = begin(t);
    steps.next();
    steps.next();
    assert.throws(() => steps.throw(new Error("the disk refuses")), { message: "the disk refuses" });
    assert.deepEqual(found(), ["bin", "wav", "json"]);
    assert.equal(finishSegment(job)?.sidecar.frames, frames.length);
    assert.deepEqual(found(), ["bin", "wav", "json"]);
  });
});
