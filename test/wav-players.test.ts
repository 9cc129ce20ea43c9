import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { runOracle, runPython } from "./support/python-oracle.ts";
import { type RecordedSegment, readSegments } from "./support/recordings.ts";
import { runEet } from "./support/run-command.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeMultichannelSpeech, readSpeech, writeWav } from "./support/source-audio.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";
import { skipWithout } from "./support/tools.ts";

const msPerDay = 86_400_000;

/** What any reader can say of a WAV. */
interface WavFacts {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly sampleCount: number;
  readonly bitsPerSample: number;
}

interface Recording {
  readonly segments: readonly RecordedSegment[];
  /** When the clients ran, ms since 1970. */
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Records one stream of each format in segments of 2 s: mono, stereo, 8 kHz, 48 kHz, ADPCM with odd frames. */
async function recordFormats({ path }: TemporaryFolder): Promise<Recording> {
  const mono = await readSpeech();
  const stereo = await makeMultichannelSpeech(2);
  const inputs = [
    { hwid: "mono-8k", wav: await writeWav(`${path}/a.wav`, mono.subarray(0, 16_000 * 5), 8_000), codec: "pcm" },
    { hwid: "stereo-48k", wav: await writeWav(`${path}/b.wav`, stereo, 48_000, 2), codec: "pcm" },
    { hwid: "adpcm-16k", wav: await writeWav(`${path}/c.wav`, mono.subarray(0, 32_000 * 5), 16_000), codec: "adpcm" },
    { hwid: "adpcm-22k", wav: await writeWav(`${path}/d.wav`, mono.subarray(0, 44_100 * 5), 22_050), codec: "adpcm" },
  ];
  await using server = await ServerProcess.start({ folder: path, flags: ["--rotate-s", "2"] });
  const startedMs = Date.now();
  const outcomes = await Promise.all(
    inputs.map(({ hwid, wav, codec }) =>
      runEet(["stream", "--url", server.url, "--hwid", hwid, "--wav", wav, "--codec", codec], { folder: path }),
    ),
  );
  const endedMs = Date.now();
  for (const { exitCode, err } of outcomes) assert.equal(exitCode, 0, err);
  assert.equal(await server.stop(), 0, server.errors);
  return { segments: await readSegments(`${path}/data/received`), startedMs, endedMs };
}

function factsOf({ sidecar }: RecordedSegment): WavFacts {
  const { audio, wav_samples } = sidecar;
  return {
    sampleRateHz: audio.sample_rate_hz,
    channels: audio.channels,
    sampleCount: wav_samples ?? 0,
    bitsPerSample: 16,
  };
}

/** What a command prints. */
function output(command: string, ...args: readonly string[]): string {
  return Buffer.from(runOracle(command, args)).toString();
}

/** The number behind a label of a report. */
function numberIn(report: string, label: RegExp): number {
  return Number(label.exec(report)?.[1]);
}

function readBySoxi(path: string): WavFacts {
  const report = output("soxi", path);
  return {
    sampleRateHz: numberIn(report, /^Sample Rate\s*: (\d+)$/m),
    channels: numberIn(report, /^Channels\s*: (\d+)$/m),
    sampleCount: numberIn(report, /^Duration\s*: \S+ = (\d+) samples/m),
    bitsPerSample: numberIn(report, /^Sample Encoding: (\d+)-bit Signed Integer PCM$/m),
  };
}

function probe(path: string, entries: string) {
  return JSON.parse(output("ffprobe", "-v", "error", "-of", "json", "-show_entries", entries, path));
}

function readByFfprobe(path: string): WavFacts {
  const [stream] = probe(path, "stream=sample_rate,channels,bits_per_sample,duration_ts").streams;
  return {
    sampleRateHz: Number(stream.sample_rate),
    channels: stream.channels,
    sampleCount: stream.duration_ts,
    bitsPerSample: stream.bits_per_sample,
  };
}

function readBySndfile(path: string): WavFacts {
  const report = output("sndfile-info", path);
  return {
    sampleRateHz: numberIn(report, /^Sample Rate\s*: (\d+)$/m),
    channels: numberIn(report, /^Channels\s*: (\d+)$/m),
    sampleCount: numberIn(report, /^Frames\s*: (\d+)$/m),
    bitsPerSample: numberIn(report, /Bit Width\s*: (\d+)$/m),
  };
}

const waveScript = `
import json, sys, wave
for path in sys.argv[1:]:
    with wave.open(path) as wav:
        rate, channels, count, width = wav.getframerate(), wav.getnchannels(), wav.getnframes(), wav.getsampwidth()
        assert len(wav.readframes(count)) == count * channels * width
        facts = {"sampleRateHz": rate, "channels": channels, "sampleCount": count, "bitsPerSample": width * 8}
        print(json.dumps(facts))
`;

function readByPython(paths: readonly string[]): readonly WavFacts[] {
  const lines = Buffer.from(runPython(waveScript, new Uint8Array(), ...paths)).toString();
  return lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("the server's WAVs", () => {
  let folder: TemporaryFolder;
  let recording: Recording;

  before(async () => {
    folder = await makeTemporaryFolder();
    recording = await recordFormats(folder);
  });
  after(() => folder[Symbol.asyncDispose]());

  it("are there for every format, each session in several segments", () => {
    const counts: Record<string, number> = {};
    for (const { sidecar } of recording.segments) counts[sidecar.hwid ?? ""] = (counts[sidecar.hwid ?? ""] ?? 0) + 1;
    assert.deepEqual(counts, { "adpcm-16k": 3, "adpcm-22k": 3, "mono-8k": 3, "stereo-48k": 2 });
  });

  it("have the right length, rate and channels in sox", { skip: skipWithout("soxi") }, () => {
    for (const segment of recording.segments) {
      assert.deepEqual(readBySoxi(`${segment.path}.wav`), factsOf(segment), segment.path);
    }
  });

  it("have the right length, rate and channels in ffmpeg", { skip: skipWithout("ffprobe") }, () => {
    for (const segment of recording.segments) {
      assert.deepEqual(readByFfprobe(`${segment.path}.wav`), factsOf(segment), segment.path);
    }
  });

  it("have the right length, rate and channels in libsndfile", { skip: skipWithout("sndfile-info") }, () => {
    for (const segment of recording.segments) {
      assert.deepEqual(readBySndfile(`${segment.path}.wav`), factsOf(segment), segment.path);
    }
  });

  it("have the right length, rate and channels in Python", { skip: skipWithout("/usr/bin/python3") }, () => {
    const { segments } = recording;
    assert.deepEqual(readByPython(segments.map(({ path }) => `${path}.wav`)), segments.map(factsOf));
  });

  it("tell when they were recorded, to the sample [S-1.5]", { skip: skipWithout("ffprobe") }, () => {
    const { segments, startedMs, endedMs } = recording;
    const firstReferences = new Map<string, number>();
    for (const { path, sidecar } of segments) {
      const { tags } = probe(`${path}.wav`, "format_tags").format;
      const reference = Number(tags.time_reference);
      const { sample_rate_hz: sampleRateHz } = sidecar.audio;
      // `eet stream` tells this machine's clock: the session began while the clients ran.
      const { session_start_ms: sessionMs, start_ms: startMs } = sidecar.time;
      assert.ok(sessionMs >= startedMs && sessionMs <= endedMs, `${startedMs} <= ${sessionMs} <= ${endedMs}`);
      const sessionSample = Math.round(((sessionMs % msPerDay) * sampleRateHz) / 1000);
      const samplesPerDay = (msPerDay / 1000) * sampleRateHz;
      assert.equal(reference, (sessionSample + sidecar.start_sample) % samplesPerDay, path);
      const [date, time] = new Date(startMs).toISOString().split(/[T.]/);
      assert.deepEqual([tags.date, tags.creation_time], [date, time], path);

      const first = firstReferences.get(sidecar.session) ?? reference;
      firstReferences.set(sidecar.session, first);
      assert.equal(
        (reference - first + samplesPerDay) % samplesPerDay,
        sidecar.start_sample,
        "samples since the first",
      );
    }
  });
});
