import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { S3Stub } from "../../../../../test/support/s3-stub.ts";
import { skipWithout } from "../../../../../test/support/tools.ts";
import { adpcmFrames, pcmFrames, wobble } from "../finishing/segment-fixture.test-support.ts";
import type { ServerError } from "../kernel/errors.ts";
import type { RecordFormat } from "../kernel/segment-record.ts";
import { startWallMs } from "../recording/recording.test-support.ts";
import { S3ObjectStore } from "../upload/s3-object-store.ts";
import { PlaybackBench, readAll, samplesIn } from "./playback-bench.test-support.ts";

const format: RecordFormat = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 };
const at = (ms: number) => startWallMs + ms;
const span = (fromMs: number, toMs: number) => ({ fromMs: at(fromMs), toMs: at(toMs) });
const raw = { hwid: "mic", format: "raw" } as const;

/** Records 4 s of PCM from the start on, without the frames of some seqs. */
async function recordMono(bench: PlaybackBench, { startMs = 0, lost = [] as number[], streamId = 7 } = {}) {
  const samples = wobble(64_000, streamId + startMs);
  const frames = pcmFrames(samples, 320).filter(({ seq }) => !lost.includes(seq));
  await bench.record({ format, frames, startMs: at(startMs), streamId });
  return samples;
}

const isCalled = (code: string, pattern: RegExp) => (error: ServerError) => {
  assert.equal(error.code, code, error.message);
  assert.match(error.message, pattern);
  return true;
};

describe("Playback.audio", () => {
  it("cuts neighbouring ranges without overlap or hole, at times between samples too", async () => {
    await using bench = await PlaybackBench.open();
    const samples = await recordMono(bench);
    const cuts = [0, 333.33, 1_000.03, 1_000.04, 1_717.171, 3_999.99, 4_000];
    const parts: number[] = [];
    for (const [index, from] of cuts.slice(0, -1).entries()) {
      const range = span(from, cuts[index + 1] ?? 0);
      if (Math.round(from * 16) === Math.round((cuts[index + 1] ?? 0) * 16)) continue;
      parts.push(...samplesIn(await readAll(await bench.playback.audio({ ...raw, range }))));
    }
    assert.deepEqual(parts, [...samples]);
  });

  it("takes positions in a session", async () => {
    await using bench = await PlaybackBench.open();
    const samples = await recordMono(bench);
    const range = { session: "s0", fromSample: 15_990, toSample: 32_011 };
    const audio = await bench.playback.audio({ ...raw, range });
    assert.deepEqual(samplesIn(await readAll(audio)), [...samples.subarray(15_990, 32_011)]);
    assert.equal(audio.facts.fromMs, at(15_990 / 16));
    await assert.rejects(
      bench.playback.audio({ ...raw, range: { ...range, toSample: 15_990 } }),
      isCalled("RANGE_INVALID", /whole numbers/),
    );
    await assert.rejects(
      bench.playback.audio({ ...raw, hwid: "other", range }),
      isCalled("RANGE_EMPTY", /the session s0 is of stream 7 of mic/),
    );
    await assert.rejects(
      bench.playback.audio({ ...raw, range: { session: "s0", fromSample: 64_000, toSample: 64_001 } }),
      isCalled("RANGE_EMPTY", /has 64000 samples/),
    );
  });

  it("tells what is missing and why", async () => {
    await using bench = await PlaybackBench.open();
    const longGap = Array.from({ length: 75 }, (_, index) => 100 + index);
    await recordMono(bench, { lost: [10, 11, ...longGap] });
    const { facts } = await bench.playback.audio({ ...raw, range: span(-500, 5_000) });
    const gap = (startMs: number, durationMs: number, cause: string) => ({
      ...{ startMs: at(startMs), durationMs, cause },
      ...{ fromSample: (startMs + 500) * 16, sampleCount: durationMs * 16 },
    });
    const gaps = [
      gap(-500, 500, "not-recorded"),
      gap(200, 40, "not-received"),
      gap(2_000, 1_500, "not-received"),
      gap(4_000, 1_000, "not-recorded"),
    ];
    assert.deepEqual(facts.gaps, gaps);
    const request = { hwid: "mic", range: span(-500, 5_000) };
    const page = await bench.playback.missing(request, 3, 0);
    assert.deepEqual([page.gaps, page.nextFromSample], [gaps.slice(0, 3), 4_500 * 16]);
    const rest = await bench.playback.missing(request, 3, 4_500 * 16);
    assert.deepEqual([rest.gaps, rest.nextFromSample], [gaps.slice(3), undefined]);
    assert.deepEqual(facts.sources, { local: 3, remote: 0 });
    assert.equal(facts.gapSampleCount, 3_040 * 16);
    assert.equal(facts.sampleCount, 5_500 * 16);
    assert.deepEqual([facts.sessions, facts.overlap, facts.streamId], [["s0"], null, 7]);
  });

  it("plays the session that began first where two overlap, and says so", async () => {
    await using bench = await PlaybackBench.open();
    const first = await recordMono(bench);
    const second = await recordMono(bench, { startMs: 3_000 });
    const audio = await bench.playback.audio({ ...raw, range: span(0, 7_000) });
    assert.deepEqual(samplesIn(await readAll(audio)), [...first, ...second.subarray(16_000)]);
    assert.match(audio.facts.overlap ?? "", /^[ -~]*began first[ -~]*$/);
    assert.deepEqual(audio.facts.sessions, ["s0", "s1"]);
  });

  it("asks for the stream where there are several", async () => {
    await using bench = await PlaybackBench.open();
    await recordMono(bench);
    const samples = await recordMono(bench, { streamId: 9 });
    const range = span(0, 4_000);
    await assert.rejects(bench.playback.audio({ ...raw, range }), isCalled("RANGE_AMBIGUOUS", /streams 7, 9 /));
    const audio = await bench.playback.audio({ ...raw, range, streamId: 9 });
    assert.deepEqual(samplesIn(await readAll(audio)), [...samples]);
  });

  it("refuses sessions of different formats, with the time of each", async () => {
    await using bench = await PlaybackBench.open();
    await recordMono(bench);
    const other = { ...format, sampleRateHz: 8_000 };
    await bench.record({ format: other, frames: pcmFrames(wobble(8_000), 320), startMs: at(5_000) });
    await assert.rejects(
      bench.playback.audio({ ...raw, range: span(0, 6_000) }),
      isCalled(
        "RANGE_MIXED",
        /16000 Hz with 1 channel from \S+:00.000Z to \S+:04.000Z \(session s0\); 8000 Hz .* \S+:05.000Z to \S+:06/,
      ),
    );
    assert.equal((await bench.playback.audio({ ...raw, range: span(5_000, 6_000) })).facts.sampleRateHz, 8_000);
  });

  it("tells what lies nearest to a range without audio", async () => {
    await using bench = await PlaybackBench.open();
    await recordMono(bench);
    await recordMono(bench, { startMs: 10_000 });
    await assert.rejects(
      bench.playback.audio({ ...raw, range: span(5_000, 6_000) }),
      isCalled("RANGE_EMPTY", /before it ends at \S+:04.000Z, the first after it begins at \S+:10.000Z/),
    );
    await assert.rejects(
      bench.playback.audio({ ...raw, hwid: null, range: span(0, 1) }),
      isCalled("RANGE_EMPTY", /nothing is recorded of it at all/),
    );
  });

  it("refuses ranges that are reversed, too long, or more than a WAV holds", async () => {
    await using bench = await PlaybackBench.open();
    await recordMono(bench);
    const day = 86_400_000;
    const refuses = (range: { fromMs: number; toMs: number }, pattern: RegExp) =>
      assert.rejects(bench.playback.audio({ ...raw, format: "wav", range }), isCalled("RANGE_INVALID", pattern));
    await refuses(span(1_000, 1_000), /not after its start/);
    await refuses(span(0, Number.NaN), /not after its start/);
    await refuses(span(-32 * day, 0), /768 h long; at most 744 h/);
    await refuses(span(-2 * day, 1_000), /at most 4 GiB, which is 37\.\d h of 16000 Hz/);
  });

  it("gives any bytes of a long range at once", async () => {
    await using bench = await PlaybackBench.open();
    const samples = await recordMono(bench);
    const hours = 24 * 3_600_000;
    const audio = await bench.playback.audio({ ...raw, range: span(-hours, 4_000) });
    const silentBytes = hours * 16 * 2;
    assert.equal(audio.byteLength, silentBytes + 128_000);
    const bytes = await readAll(audio, { start: silentBytes - 10, end: silentBytes + 101 });
    const expected = Buffer.from(samples.buffer).subarray(0, 101);
    assert.deepEqual(bytes, Buffer.concat([Buffer.alloc(10), expected]));
  });

  it("reads no more than a few pieces ahead of a slow reader", async () => {
    const stub = await S3Stub.start();
    const store = new S3ObjectStore({
      ...{ provider: "aws", bucket: stub.bucket, region: stub.region, serviceUrl: stub.url, forcePathStyle: true },
      credentials: { kind: "static", ...stub.credentials },
    });
    try {
      await using bench = await PlaybackBench.open(store);
      const wide: RecordFormat = { codec: "pcm16", sampleRateHz: 192_000, channels: 8, frameSampleCount: 1_920 };
      const samples = wobble(192_000 * 8 * 4);
      const segments = await bench.record({ format: wide, frames: pcmFrames(samples, 1_920 * 8), startMs: at(0) });
      for (const segment of segments) {
        await bench.evict(segment, ["bin", "wav", "json"], (key, bytes) =>
          stub.plant(key, { bytes, contentType: "audio/wav", metadata: {} }),
        );
      }
      const audio = await bench.playback.audio({ ...raw, range: span(0, 4_000) });
      let requestCount = 0;
      stub.events.on("request", () => {
        requestCount += 1;
      });
      const hash = createHash("sha256");
      let byteCount = 0;
      for await (const chunk of audio.read() as AsyncIterable<Buffer>) {
        hash.update(chunk);
        byteCount += chunk.length;
        const pieces = byteCount / (512 * 1024);
        // Four on the way, one that waits in the stream, one that was just begun.
        assert.ok(requestCount <= pieces + 6, `${requestCount} requests for ${pieces} pieces`);
      }
      assert.equal(requestCount, 24);
      assert.equal(hash.digest("hex"), createHash("sha256").update(Buffer.from(samples.buffer)).digest("hex"));
    } finally {
      store.close();
      await stub.stop();
    }
  });

  it("says that audio is gone before the first byte, and with which files", async () => {
    await using bench = await PlaybackBench.open();
    const samples = wobble(64_000);
    const segments = await bench.record({ format, frames: pcmFrames(samples, 320), startMs: at(0) });
    const [first, second, third] = segments;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    await bench.remove(second, "wav", "bin");
    const late = await bench.playback.audio({ ...raw, range: span(0, 4_000) });
    await assert.rejects(readAll(late), isCalled("AUDIO_UNAVAILABLE", /-1: no local \.wav; no local \.bin/));
    await bench.remove(first, "wav", "bin");
    await assert.rejects(
      bench.playback.audio({ ...raw, range: span(0, 4_000) }),
      isCalled("AUDIO_UNAVAILABLE", /-0: no local/),
    );
    await bench.evict(third, ["bin"]);
    await assert.rejects(
      bench.playback.audio({ ...raw, range: span(2_000, 4_000) }),
      isCalled("AUDIO_UNAVAILABLE", /in an object store only, and none is configured/),
    );
  });

  it("plays what was evicted and brought back, without an object store", async () => {
    await using bench = await PlaybackBench.open();
    const samples = wobble(64_000);
    const [, second] = await bench.record({ format, frames: pcmFrames(samples, 320), startMs: at(0) });
    assert.ok(second !== undefined);
    const bin = await readFile(bench.pathOf(second, "bin"));
    await bench.evict(second, ["bin"]);
    const request = { ...raw, range: span(0, 4_000) };
    await assert.rejects(bench.playback.audio(request), isCalled("AUDIO_UNAVAILABLE", /-1 is in an object store only/));
    await writeFile(bench.pathOf(second, "bin"), bin);
    assert.deepEqual(samplesIn(await readAll(await bench.playback.audio(request))), [...samples]);
  });

  it("never gives other audio than was recorded: damaged files are errors", async () => {
    await using bench = await PlaybackBench.open();
    const [segment] = await bench.record({ format, frames: pcmFrames(wobble(8_000), 320), startMs: at(0) });
    assert.ok(segment !== undefined);
    await bench.remove(segment, "wav");
    await writeFile(bench.pathOf(segment, "bin"), Buffer.alloc(segment.sidecar.files.bin.bytes));
    await assert.rejects(
      bench.playback.audio({ ...raw, range: span(0, 500) }),
      isCalled("AUDIO_UNAVAILABLE", /is not what its sidecar describes/),
    );
  });

  it("has the same ETag for the same bytes, another for others", async () => {
    await using bench = await PlaybackBench.open();
    await recordMono(bench, { lost: [10] });
    const etagOf = async (range: { fromMs: number; toMs: number }, rest = {}) =>
      (await bench.playback.audio({ ...raw, range, ...rest })).etag;
    const etag = await etagOf(span(0, 1_000));
    assert.match(etag, /^"[0-9a-f]{32}"$/);
    assert.equal(await etagOf(span(0, 1_000)), etag);
    const others = [
      await etagOf(span(0, 999)),
      await etagOf(span(0, 1_000), { format: "wav" }),
      await etagOf(span(0, 1_000), { gaps: "list" }),
    ];
    assert.equal(new Set([etag, ...others]).size, 4);
  });

  it("ends when its reader goes", async () => {
    await using bench = await PlaybackBench.open();
    await recordMono(bench);
    for (const wanted of ["wav", "flac"] as const) {
      const audio = await bench.playback.audio({ ...raw, format: wanted, range: span(-3_600_000, 4_000) });
      const stream = audio.read();
      for await (const _ of stream) break;
      assert.ok(stream.destroyed);
    }
  });
});

const ffprobeFields = "stream=codec_name,sample_rate,channels,duration:format_tags=time_reference,date";

describe("exported files", { skip: skipWithout("ffmpeg", "ffprobe", "soxi") }, () => {
  for (const [name, recorded] of [
    ["mono ADPCM", { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 321 }],
    ["stereo", { codec: "pcm16", sampleRateHz: 44_100, channels: 2, frameSampleCount: 441 }],
    ["8 channels", { codec: "pcm16", sampleRateHz: 192_000, channels: 8, frameSampleCount: 500 }],
    ["the lowest rate", { codec: "pcm16", sampleRateHz: 4_000, channels: 1, frameSampleCount: 80 }],
    ["an odd rate", { codec: "pcm16", sampleRateHz: 11_025, channels: 3, frameSampleCount: 441 }],
    ["an odder rate", { codec: "pcm16", sampleRateHz: 191_990, channels: 1, frameSampleCount: 1_000 }],
  ] as const) {
    it(`hold the same samples as WAV, FLAC and raw: ${name}`, async () => {
      await using bench = await PlaybackBench.open();
      const { codec, sampleRateHz, channels, frameSampleCount } = recorded;
      const samples = wobble(sampleRateHz * channels * 2);
      const frames =
        codec === "adpcm"
          ? adpcmFrames(samples, frameSampleCount, "low")
          : pcmFrames(samples, frameSampleCount * channels);
      await bench.record({ format: recorded, frames: frames.filter(({ seq }) => seq !== 30), startMs: at(0) });
      const request = { hwid: "mic", range: span(100, 2_500) } as const;
      const expected = await readAll(await bench.playback.audio({ ...request, format: "raw" }));
      for (const wanted of ["wav", "flac"] as const) {
        const audio = await bench.playback.audio({ ...request, format: wanted });
        const bytes = await readAll(audio);
        if (wanted === "wav") assert.equal(bytes.length, audio.byteLength);
        const path = join(bench.recording.folder, audio.fileName);
        await writeFile(path, bytes);
        const decoded = spawnSync(
          "ffmpeg",
          ["-v", "error", "-err_detect", "crccheck+explode", "-i", path, "-f", "s16le", "-"],
          { maxBuffer: 2 ** 28 },
        );
        assert.equal(decoded.stderr.toString(), "");
        assert.ok(decoded.stdout.equals(expected), `${wanted} decodes to other samples`);
        const facts = spawnSync("ffprobe", ["-v", "error", "-show_entries", ffprobeFields, "-of", "default", path]);
        const told = Object.fromEntries(
          [...facts.stdout.toString().matchAll(/^(\S+)=(.*)$/gm)].map(([, k, v]) => [k, v]),
        );
        assert.ok(Math.abs(Number(told["duration"]) - 2.4) < 1 / sampleRateHz, told["duration"]);
        assert.equal(told["channels"], String(channels));
        assert.equal(told["sample_rate"], String(sampleRateHz));
        if (wanted === "wav")
          assert.equal(
            told["TAG:time_reference"],
            String(Math.round((((startWallMs / 1000) % 86_400) + 0.1) * sampleRateHz)),
          );
        const soxi = spawnSync("soxi", ["-s", path]);
        assert.equal(soxi.stdout.toString().trim(), String(expected.length / channels / 2), soxi.stderr.toString());
      }
    });
  }
});
