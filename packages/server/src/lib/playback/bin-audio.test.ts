import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { S3Stub } from "../../../../../test/support/s3-stub.ts";
import { adpcmFrames, pcmFrames, wobble } from "../finishing/segment-fixture.test-support.ts";
import type { ServerError } from "../kernel/errors.ts";
import type { ByteRange, ObjectReader } from "../kernel/object-reader.ts";
import { startWallMs } from "../recording/recording.test-support.ts";
import { S3ObjectStore } from "../upload/s3-object-store.ts";
import { PlaybackBench, type RecordedSession, readAll } from "./playback-bench.test-support.ts";

const isLost = (seq: number) => seq % 97 > 93;
const long: RecordedSession = {
  format: { codec: "adpcm", sampleRateHz: 11_025, channels: 1, frameSampleCount: 333 },
  frames: adpcmFrames(wobble(300_000), 333, "low").filter(({ seq }) => !isLost(seq)),
  startMs: startWallMs,
  rotateS: 60,
};
const wide: RecordedSession = {
  format: { codec: "pcm16", sampleRateHz: 192_000, channels: 8, frameSampleCount: 1_920 },
  frames: pcmFrames(wobble(192_000 * 8 * 2), 1_920 * 8).filter(({ seq }) => !isLost(seq)),
  startMs: startWallMs,
  rotateS: 60,
};

/** All of what is recorded of a session. */
const wholeOf = (session: RecordedSession) => ({
  hwid: "mic",
  format: "raw" as const,
  range: { fromMs: session.startMs, toMs: session.startMs + (session === long ? 27_000 : 2_000) },
});

describe("BinAudio", () => {
  let stub: S3Stub;
  let store: S3ObjectStore;
  const asked: (ByteRange | undefined)[] = [];
  const objects: ObjectReader = {
    get: (key, range, maxBytes) => {
      asked.push(range);
      return store.get(key, range, maxBytes);
    },
  };

  before(async () => {
    stub = await S3Stub.start();
    store = new S3ObjectStore({
      ...{ provider: "aws", bucket: stub.bucket, region: stub.region, serviceUrl: stub.url, forcePathStyle: true },
      credentials: { kind: "static", ...stub.credentials },
    });
  });

  after(async () => {
    store.close();
    await stub.stop();
  });

  for (const [name, session] of Object.entries({ "mono ADPCM": long, "8 channels": wide })) {
    it(`gives parts of a .bin as the WAV has them, from here and from the store: ${name}`, async () => {
      await using bench = await PlaybackBench.open(objects);
      const [segment] = await bench.record(session);
      assert.ok(segment !== undefined);
      const request = wholeOf(session);
      const expected = await readAll(await bench.playback.audio(request));
      const checkParts = async () => {
        const audio = await bench.playback.audio(request);
        const blockBytes = session.format.channels * 2;
        const blockCount = expected.length / blockBytes;
        for (const [from, to] of [
          [0, 1],
          [0.199, 0.2],
          [0.6, 0.93],
          [0.9999, 1],
        ] as const) {
          const start = Math.floor(blockCount * from) * blockBytes;
          const end = Math.floor(blockCount * to) * blockBytes;
          const part = await readAll(audio, { start, end });
          assert.ok(part.equals(expected.subarray(start, end)), `bytes ${start} to ${end}`);
        }
      };
      await bench.remove(segment, "wav");
      await checkParts();
      await bench.evict(segment, ["bin", "json"], (key, bytes) =>
        stub.plant(key, { bytes, contentType: "application/octet-stream", metadata: {} }),
      );
      await bench.reopen();
      asked.length = 0;
      await checkParts();
      assert.ok(asked.length > 0);
      for (const range of asked) assert.ok(range !== undefined && range.end - range.start <= 2 * 1024 * 1024);
    });
  }

  it("looks at a file once, and again at another one in its place", async () => {
    await using bench = await PlaybackBench.open();
    const [segment] = await bench.record(long);
    assert.ok(segment !== undefined);
    await bench.remove(segment, "wav");
    const audio = await bench.playback.audio(wholeOf(long));
    await readAll(audio);
    await writeFile(bench.pathOf(segment, "bin"), Buffer.alloc(segment.sidecar.files.bin.bytes));
    const isOther = ({ code, message }: ServerError) =>
      code === "AUDIO_UNAVAILABLE" && message.includes("is not what its sidecar describes");
    await assert.rejects(readAll(audio), isOther);
  });
});
