// WAV files put together from formatWavHeader and formatWavTrailer, opened by the programs people use.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runOracle, runPython } from "../../../../test/support/python-oracle.ts";
import { skipWithout } from "../../../../test/support/tools.ts";
import { generateAudio, toBytes } from "./recordings.test-support.ts";
import { concatBytes } from "./riff-chunk.ts";
import { formatWavHeader } from "./wav-header.ts";
import { parseWav } from "./wav-reader.ts";
import { formatWavTrailer } from "./wav-trailer.ts";

describe("a WAV of formatWavHeader and formatWavTrailer [S-1.5]", () => {
  const folder = mkdtempSync(join(tmpdir(), "eet-audio-"));
  const path = join(folder, "recording.wav");
  const samples = generateAudio(16000, 1.25);
  const trailer = formatWavTrailer({
    info: { INAM: "Flur, Küche", ICRD: "2026-07-03", ISFT: "EET 0.1" },
    bext: {
      description: "device kitchen-1",
      originator: "EET",
      originatorReference: "kitchen-1/0001",
      originationDate: "2026-07-03",
      originationTime: "21:15:07",
      timeReferenceSamples: 5_000_000_000n,
      codingHistory: "A=PCM,F=16000,W=16,M=stereo\r\n",
    },
  });
  before(() => {
    const header = formatWavHeader({
      sampleRateHz: 16000,
      channels: 2,
      sampleCount: samples.length / 2,
      trailerBytes: trailer.length,
    });
    writeFileSync(path, concatBytes(header, toBytes(samples), trailer));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("is read back by parseWav", () => {
    const header = formatWavHeader({ sampleRateHz: 8000, channels: 3, sampleCount: 2, trailerBytes: trailer.length });
    assert.deepEqual(parseWav(concatBytes(header, new Uint8Array(12), trailer)), {
      sampleFormat: "s16",
      channels: 3,
      sampleRateHz: 8000,
      blockBytes: 6,
      dataOffset: 44,
      dataBytes: 12,
    });
  });

  it("opens in soxi with the right length", { skip: skipWithout("soxi") }, () => {
    assert.equal(String(runOracle("soxi", ["-s", path])).trim(), "10000");
    assert.equal(String(runOracle("soxi", ["-c", path])).trim(), "2");
    assert.equal(String(runOracle("soxi", ["-r", path])).trim(), "16000");
  });

  it("opens in ffprobe with its length, tags and time reference", { skip: skipWithout("ffprobe") }, () => {
    const { format, streams } = JSON.parse(
      String(runOracle("ffprobe", ["-v", "error", "-show_format", "-show_streams", "-of", "json", path])),
    );
    assert.equal(streams[0].duration_ts, 10000);
    assert.equal(streams[0].codec_name, "pcm_s16le");
    assert.equal(format.tags.title, "Flur, Küche");
    assert.equal(format.tags.encoder, "EET 0.1");
    assert.equal(format.tags.time_reference, "5000000000");
    assert.equal(format.tags.comment, "device kitchen-1");
    assert.equal(format.tags.date, "2026-07-03");
    assert.equal(format.tags.creation_time, "21:15:07");
    assert.equal(format.tags.coding_history, "A=PCM,F=16000,W=16,M=stereo\r\n");
  });

  it("opens in sndfile-info with its broadcast extension", { skip: skipWithout("sndfile-info") }, () => {
    const info = String(runOracle("sndfile-info", ["--broadcast", path]));
    assert.match(info, /Description\s+: device kitchen-1\n/);
    assert.match(info, /Originator\s+: EET\n/);
    assert.match(info, /Origination ref\s+: kitchen-1\/0001\n/);
    assert.match(info, /Origination date\s+: 2026-07-03\n/);
    assert.match(info, /Origination time\s+: 21:15:07\n/);
    assert.match(String(runOracle("sndfile-info", [path])), /Frames\s+: 10000\n/);
  });

  it("opens in Python's wave with the same audio", { skip: skipWithout("/usr/bin/python3") }, () => {
    const script =
      "import sys, wave; w = wave.open(sys.argv[1]); sys.stdout.buffer.write(w.readframes(w.getnframes() + 9))";
    assert.deepEqual(new Uint8Array(runPython(script, new Uint8Array(), path)), new Uint8Array(toBytes(samples)));
  });
});
