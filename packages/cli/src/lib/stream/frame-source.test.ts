import assert from "node:assert/strict";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { type AudioFrame, encodeFrames } from "./frame-encoder.ts";
import { FileFrameSource, type FrameSource, PipeFrameSource } from "./frame-source.ts";
import { openPcmFile } from "./pcm-file.ts";
import { openPcmPipe } from "./pcm-pipe.ts";
import { makeSweep, makeWav } from "./wav-bytes.test-support.ts";

const format = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const coding = { format, nibbleOrder: "low" } as const;
const never = new AbortController().signal;

async function openFile(t: TestContext, bytes: Uint8Array) {
  const folder = await mkdtemp(join(tmpdir(), "eet-"));
  const path = join(folder, "in.wav");
  await writeFile(path, bytes);
  const file = await openPcmFile(path, undefined);
  t.after(async () => {
    await file.close();
    await rm(folder, { recursive: true });
  });
  return { path, file };
}

async function take(source: FrameSource, frameCount = Number.POSITIVE_INFINITY): Promise<AudioFrame[]> {
  const frames: AudioFrame[] = [];
  for await (const frame of source.frames()) {
    frames.push(frame);
    if (frames.length === frameCount) break;
  }
  return frames;
}

function encodeAtOnce(samples: Int16Array): AudioFrame[] {
  return encodeFrames(samples, coding, { predictor: 0, stepIndex: 0 });
}

describe("FileFrameSource", () => {
  it("gives every reader the frames of the whole file, in any order of reading", async (t) => {
    const samples = makeSweep(64 * 320 * 2 + 100);
    const { file } = await openFile(t, makeWav(samples));
    const source = new FileFrameSource(file, coding, file.sampleCount);
    const expected = encodeAtOnce(samples);
    assert.deepEqual(await take(source), expected);
    assert.deepEqual(await Promise.all([take(source), take(source)]), [expected, expected]);
  });

  it("runs on across the file's end when it loops, with the encoder's state", async (t) => {
    const samples = makeSweep(1000);
    const { file } = await openFile(t, makeWav(samples));
    const threeAndAHalf = Int16Array.from({ length: 3500 }, (_, position) => samples[position % 1000]!);
    assert.deepEqual(await take(new FileFrameSource(file, coding, 3500)), encodeAtOnce(threeAndAHalf));
  });

  it("keeps giving the right frames to a reader that the cache has forgotten", async (t) => {
    const samples = makeSweep(320 * 10);
    const { file } = await openFile(t, makeWav(samples));
    const source = new FileFrameSource(file, coding, Number.POSITIVE_INFINITY);
    const slow = source.frames();
    const first = await slow.next();
    const fast = await take(source, 64 * 20);
    const rest: AudioFrame[] = [first.value!];
    for await (const frame of slow) {
      rest.push(frame);
      if (rest.length === fast.length) break;
    }
    assert.deepEqual(rest, fast);
  });

  it("shares what it has encoded instead of doing it again", async (t) => {
    const { file } = await openFile(t, makeWav(makeSweep(320 * 64)));
    const source = new FileFrameSource(file, coding, file.sampleCount);
    const [one, other] = [await take(source), await take(source)];
    assert.equal(one[5]!.payload, other[5]!.payload);
  });

  it("says so when the file becomes shorter", async (t) => {
    const { file, path } = await openFile(t, makeWav(makeSweep(320 * 200)));
    await truncate(path, 1000);
    await assert.rejects(take(new FileFrameSource(file, coding, file.sampleCount)), {
      name: "CommandError",
      message: /became shorter/,
    });
  });
});

describe("PipeFrameSource", () => {
  it("gives the same frames as the file, however the bytes are cut", async () => {
    const samples = makeSweep(1000);
    const wav = makeWav(samples, { claimedDataBytes: 0xffff_ffff });
    for (const chunkBytes of [1, 7, 641, 4096]) {
      const chunks = Array.from({ length: Math.ceil(wav.length / chunkBytes) }, (_, index) =>
        wav.subarray(index * chunkBytes, (index + 1) * chunkBytes),
      );
      const pipe = await openPcmPipe("test", Readable.from(chunks), undefined, never);
      assert.deepEqual(await take(new PipeFrameSource(pipe, coding, Number.POSITIVE_INFINITY)), encodeAtOnce(samples));
    }
  });

  it("gives a frame as soon as its samples are there", async () => {
    const samples = makeSweep(640);
    const input = new PassThrough();
    const raw = { sampleRateHz: 16_000, channels: 1 };
    const pipe = await openPcmPipe("test", input, raw, never);
    const frames = new PipeFrameSource(pipe, coding, Number.POSITIVE_INFINITY).frames();
    input.write(Buffer.from(samples.buffer, 0, 700));
    assert.deepEqual((await frames.next()).value, encodeAtOnce(samples)[0]);
    input.end(Buffer.from(samples.buffer, 700));
    assert.deepEqual((await frames.next()).value, encodeAtOnce(samples)[1]);
    assert.equal((await frames.next()).done, true);
  });

  it("stops at the count it is given", async () => {
    const samples = makeSweep(2000);
    const pipe = await openPcmPipe("test", Readable.from([makeWav(samples)]), undefined, never);
    assert.deepEqual(await take(new PipeFrameSource(pipe, coding, 500)), encodeAtOnce(samples.subarray(0, 500)));
  });

  it("ends where the signal comes, without an error", async () => {
    const input = new PassThrough();
    const abort = new AbortController();
    const pipe = await openPcmPipe("test", input, { sampleRateHz: 16_000, channels: 1 }, abort.signal);
    const frames = new PipeFrameSource(pipe, coding, Number.POSITIVE_INFINITY).frames();
    input.write(new Uint8Array(640));
    assert.equal((await frames.next()).done, false);
    const next = frames.next();
    abort.abort();
    assert.equal((await next).done, true);
  });
});

describe("openPcmPipe", () => {
  it("says what is wrong with a pipe that is no WAV", async () => {
    await assert.rejects(
      openPcmPipe("standard input", Readable.from([Buffer.from("hello, world")]), undefined, never),
      {
        name: "CommandError",
        message: /^cannot use standard input: .*add --raw/,
      },
    );
  });

  it("rejects as interrupted when the signal comes before the header", async () => {
    const abort = new AbortController();
    const opening = openPcmPipe("standard input", new PassThrough(), undefined, abort.signal);
    abort.abort();
    await assert.rejects(opening, { name: "InterruptedError", exitCode: 130 });
  });
});
