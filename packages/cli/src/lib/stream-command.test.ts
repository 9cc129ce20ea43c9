import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { decodeAdpcm, parseAdpcmHeader } from "@eet/audio";
import { runOracle, runPython } from "../../../../test/support/python-oracle.ts";
import { type RecordedConnection, startRecordingServer } from "../../../../test/support/recording-server.ts";
import { skipWithout } from "../../../../test/support/tools.ts";
import { type HarnessOptions, type Outcome, runEet } from "./command-harness.test-support.ts";
import { makeSweep, makeWav, type WavRecipe } from "./stream/wav-bytes.test-support.ts";

const speechPath = fileURLToPath(new URL("../../../../data/speech_16k.wav", import.meta.url));
const speech = new Int16Array(readFileSync(speechPath).buffer.slice(44));

/** Streams version 1. */
function streamPlain(args: readonly string[], options?: HarnessOptions): Promise<Outcome> {
  return runEet(["stream", "--plain", ...args], options);
}

async function writeTemp(t: TestContext, bytes: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "eet-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "in.wav");
  await writeFile(path, bytes);
  return path;
}

function toSamples(bytes: Uint8Array): Int16Array {
  return new Int16Array(Uint8Array.from(bytes).buffer);
}

function receivedPcm({ payloads }: RecordedConnection): Int16Array {
  return toSamples(Buffer.concat(payloads));
}

/** All codes of a connection without the state headers. */
function receivedCodes({ payloads }: RecordedConnection): Uint8Array {
  return Buffer.concat(payloads.map((payload) => payload.subarray(4)));
}

function swapNibbles(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes, (byte) => ((byte & 15) << 4) | (byte >> 4));
}

describe("eet stream --plain", () => {
  it("streams the bundled tone as ADPCM of 20 ms by default and closes cleanly", async () => {
    await using server = await startRecordingServer();
    const { exitCode, out, err } = await streamPlain(["--url", server.url]);
    // A line of progress a second, on a machine that needs as long.
    assert.deepEqual([exitCode, err.replaceAll(/^\d+ s: .*\n/gm, "")], [0, ""]);
    assert.match(out, /^1 of 1 streams complete: 500 frames, 160000 samples, 10\.00 s of audio in .* s\n$/);
    const connection = server.connections[0]!;
    assert.equal(connection.path, "/ws");
    assert.equal(connection.handshake.streamId, 1);
    assert.deepEqual(connection.handshake.format, {
      codec: "adpcm",
      sampleRateHz: 16_000,
      channels: 1,
      frameSampleCount: 320,
    });
    assert.ok(Math.abs(Number(connection.handshake.timestampMs) - Date.now()) < 60_000);
    assert.equal(connection.payloads.length, 500);
    assert.equal(await connection.closed, 1000);
  });

  it("sends the codes that audioop makes, in either order", { skip: skipWithout("/usr/bin/python3") }, async () => {
    const script =
      "import audioop,sys; sys.stdout.buffer.write(audioop.lin2adpcm(sys.stdin.buffer.read(), 2, None)[0])";
    const expected = runPython(script, new Uint8Array(speech.buffer));
    await using server = await startRecordingServer();
    for (const order of ["high", "low"]) {
      const args = ["--wav", speechPath, "--url", server.url, "--nibble-order", order];
      assert.equal((await streamPlain(args)).exitCode, 0);
    }
    assert.deepEqual(receivedCodes(server.connections[0]!), Buffer.from(expected));
    assert.deepEqual(receivedCodes(server.connections[1]!), Buffer.from(swapNibbles(expected)));
  });

  it("arrives as the audio it was: decoded frame by frame it follows the input [P-1.4]", async () => {
    await using server = await startRecordingServer();
    await streamPlain(["--wav", speechPath, "--url", server.url]);
    let noise = 0;
    let signal = 0;
    let position = 0;
    for (const payload of server.connections[0]!.payloads) {
      const samples = new Int16Array((payload.length - 4) * 2);
      decodeAdpcm(payload.subarray(4), samples.length, "low", parseAdpcmHeader(payload), samples, 0);
      for (const sample of samples) {
        const original = speech[position]!;
        noise += (sample - original) ** 2;
        signal += original ** 2;
        position += 1;
      }
    }
    assert.equal(position, speech.length);
    const snrDb = 10 * Math.log10(signal / noise);
    assert.ok(snrDb > 20, `${snrDb} dB`);
  });

  it("takes an even frame of ADPCM where the time gives an odd one [P-1.6]", async (t) => {
    const path = await writeTemp(t, makeWav(makeSweep(4410), { sampleRateHz: 22_050 }));
    await using server = await startRecordingServer();
    await streamPlain(["--wav", path, "--url", server.url]);
    await streamPlain(["--wav", path, "--url", server.url, "--codec", "pcm"]);
    assert.deepEqual(
      server.connections.map(({ handshake }) => handshake.format.frameSampleCount),
      [442, 441],
    );
  });

  it("streams every kind of WAV from a file and from a pipe", async (t) => {
    const samples = makeSweep(4000).map((sample) => sample & ~255);
    const recipes: readonly (WavRecipe & { readonly isFileOnly?: true })[] = [
      { sampleFormat: "u8" },
      { sampleFormat: "s16" },
      { sampleFormat: "s24", isExtensible: true },
      { sampleFormat: "s32", channels: 2 },
      { sampleFormat: "f32", isExtensible: true, channels: 8 },
      { sampleFormat: "f64", sampleRateHz: 192_000 },
      { claimedDataBytes: 0 },
      { claimedDataBytes: 0xffff_ffff, channels: 4 },
      { isDataFirst: true, isFileOnly: true },
    ];
    await using server = await startRecordingServer();
    for (const recipe of recipes) {
      const wav = makeWav(samples, recipe);
      const path = await writeTemp(t, wav);
      const pipe = new PassThrough();
      pipe.end(wav);
      const common = ["--codec", "pcm", "--url", server.url, "--wav"];
      const runs = [await streamPlain([...common, path])];
      if (!recipe.isFileOnly) runs.push(await streamPlain([...common, "-"], { input: pipe }));
      for (const { exitCode, err } of runs) {
        assert.equal(exitCode, 0, err);
        const isConverted = recipe.sampleFormat !== undefined && recipe.sampleFormat !== "s16";
        assert.equal(/note: \d\d?-bit (float|integer) samples are sent as 16 bit/.test(err), isConverted, err);
      }
      for (const connection of server.connections.splice(0)) {
        assert.equal(connection.handshake.format.channels, recipe.channels ?? 1);
        assert.equal(connection.handshake.format.sampleRateHz, recipe.sampleRateHz ?? 16_000);
        assert.deepEqual(receivedPcm(connection), samples, JSON.stringify(recipe));
      }
    }
  });

  it("rounds 24-bit audio as sox does", { skip: skipWithout("sox") }, async (t) => {
    const make = ["-D", "-r", "44100", "-n", "-b", "24", "-t", "wav", "-", "synth", "0.5", "pluck", "A3"];
    const path = await writeTemp(t, runOracle("sox", make));
    const expected = runOracle("sox", ["-D", path, "-b", "16", "-t", "raw", "-"]);
    await using server = await startRecordingServer();
    assert.equal((await streamPlain(["--codec", "pcm", "--url", server.url, "--wav", path])).exitCode, 0);
    assert.deepEqual(receivedPcm(server.connections[0]!), toSamples(expected));
  });

  it("opens a connection per device, each with the whole audio", async () => {
    await using server = await startRecordingServer();
    const args = ["--streams", "70", "--hwid", "mic", "--stream-id-base", "100", "--seconds", "1"];
    const { exitCode, out } = await streamPlain(["--url", `${server.url}?token=t`, ...args]);
    assert.equal(exitCode, 0);
    assert.match(out, /^70 of 70 streams complete: 3500 frames/);
    const seen = server.connections.map(({ path, handshake }) => `${path} ${handshake.streamId}`).sort();
    const expected = Array.from({ length: 70 }, (_, index) => `/ws/mic-${index + 1}?token=t ${100 + index}`).sort();
    assert.deepEqual(seen, expected);
    for (const connection of server.connections) {
      assert.deepEqual(connection.payloads, server.connections[0]!.payloads);
      assert.equal(await connection.closed, 1000);
    }
  });

  it("loops until the given seconds of audio", async (t) => {
    const samples = makeSweep(500);
    const path = await writeTemp(t, makeWav(samples));
    await using server = await startRecordingServer();
    const args = ["--codec", "pcm", "--loop", "--seconds", "0.1", "--wav", path];
    assert.equal((await streamPlain(["--url", server.url, ...args])).exitCode, 0);
    const expected = Int16Array.from({ length: 1600 }, (_, position) => samples[position % 500]!);
    assert.deepEqual(receivedPcm(server.connections[0]!), expected);
  });

  it("sends at the speed of sound when asked, no frame before it is due", async () => {
    const arrivalsMs: number[] = [];
    await using server = await startRecordingServer((socket) => {
      socket.on("message", () => arrivalsMs.push(performance.now()));
    });
    const startMs = performance.now();
    const { exitCode } = await streamPlain(["--url", server.url, "--realtime", "--seconds", "0.6"]);
    assert.equal(exitCode, 0);
    const [, ...frameArrivalsMs] = arrivalsMs;
    assert.equal(frameArrivalsMs.length, 30);
    frameArrivalsMs.forEach((arrivalMs, index) => {
      // A busy machine may make a frame late, but none may come before its time.
      assert.ok(arrivalMs > startMs + index * 20 - 1, `frame ${index} came ${arrivalMs - startMs} ms after the start`);
    });
  });

  it("gives a record a second and a summary with --json", async () => {
    await using server = await startRecordingServer();
    const args = ["--realtime", "--seconds", "1.2", "--streams", "2", "--json"];
    const { exitCode, out, err } = await streamPlain(["--url", server.url, ...args]);
    assert.deepEqual([exitCode, err], [0, ""]);
    const records = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const { type, complete, frameCount, sampleCount, audioS, streams } = records.pop();
    assert.ok(records.length >= 1);
    assert.ok(records.every((record) => record.type === "progress" && record.streamCount === 2));
    assert.equal(type, "summary");
    assert.deepEqual([complete, frameCount, sampleCount, audioS], [2, 120, 38_400, 2.4]);
    assert.deepEqual(streams[1], {
      streamId: 2,
      hwid: null,
      state: "complete",
      delivery: "plain",
      frameCount: 60,
      sampleCount: 19_200,
      audioS: 1.2,
      durableS: null,
      uploadedS: null,
      bufferedS: 0,
      bufferedBytes: 0,
      spooledS: null,
      droppedFrameCount: 0,
      droppedS: 0,
      reconnectCount: 0,
      outage: null,
      error: null,
    });
  });

  it("writes a line a second where nobody watches", async () => {
    await using server = await startRecordingServer();
    const { err } = await streamPlain(["--url", server.url, "--realtime", "--seconds", "1.1"]);
    assert.match(err, /^1 s: 1 of 1 open, 0 complete, \d+ frames, \d\.\d s of audio \(\d\.\d\dx\), lag \d+ ms\n/);
  });

  it("redraws a table that fits the terminal where someone does", async () => {
    await using server = await startRecordingServer();
    const args = ["--streams", "30", "--hwid", "mic", "--realtime", "--seconds", "0.4"];
    const screen = { isTty: true, rows: 10, columns: 60 };
    const { err } = await streamPlain(["--url", server.url, ...args], screen);
    const draws = err.split("\x1b[J").slice(0, -1);
    assert.ok(draws.length >= 2, `${draws.length} draws`);
    assert.ok(draws.at(-1)!.startsWith("\x1b[9A"), "the table is drawn over");
    const lines = draws.at(-1)!.slice("\x1b[9A".length).trimEnd().replaceAll("\x1b[2K", "").split("\n");
    assert.equal(lines.length, 9);
    assert.ok(lines.every((line) => line.length <= 60));
    assert.match(lines[1]!, /^1 +mic-1 +complete +0\.4 +- +$/);
    assert.equal(lines[6], "… and 25 more");
    assert.match(lines[7]!, /^all +12\.0 +-/);
    assert.match(lines[8]!, /30 complete, 600 frames/);
  });

  it("fails when the server drops the connection, telling how far it came and what to do", async () => {
    await using server = await startRecordingServer((socket) => {
      let count = 0;
      socket.on("message", () => {
        count += 1;
        if (count === 10) socket.terminate();
      });
    });
    const { exitCode, out, err } = await streamPlain(["--url", server.url, "--hwid", "mic", "--realtime"]);
    assert.equal(exitCode, 1);
    assert.match(
      err,
      /stream 1 \(mic\): the connection broke without a close.*start again \(\d+ frames had been sent\)\n$/,
    );
    assert.match(out, /^0 of 1 streams complete: /);
  });

  it("fails with the server's reason when it closes", async () => {
    await using server = await startRecordingServer((socket) => {
      socket.once("message", () => socket.close(1008, "invalid handshake"));
    });
    const { exitCode, err } = await streamPlain(["--url", server.url, "--realtime"]);
    assert.equal(exitCode, 1);
    assert.match(err, /the server closed with 1008 "invalid handshake": .* \(\d+ frames had been sent\)/);
  });

  it("fails when nothing listens, in a few lines however many streams there are", async () => {
    const server = await startRecordingServer();
    await server[Symbol.asyncDispose]();
    const { exitCode, err } = await streamPlain(["--url", server.url, "--streams", "25"]);
    assert.equal(exitCode, 1);
    const lines = err.trimEnd().split("\n");
    assert.equal(lines.length, 11);
    assert.match(lines[0]!, /^eet stream: stream 1: no connection \(.*ECONNREFUSED.*\): check the URL/);
    assert.equal(lines[10], "eet stream: 15 more streams failed; --json lists them all");
  });

  it("refuses audio that it cannot send, naming the way out", async (t) => {
    const stereo = await writeTemp(t, makeWav(makeSweep(4), { channels: 2 }));
    const slow = await writeTemp(t, makeWav(makeSweep(4), { sampleRateHz: 3999 }));
    const wide = await writeTemp(t, makeWav(makeSweep(9), { channels: 9 }));
    const empty = await writeTemp(t, makeWav([], { claimedDataBytes: 0 }));
    const other = await writeTemp(t, Buffer.from("this is no WAV at all"));
    for (const [args, exitCode, pattern] of [
      [["--wav", stereo], 2, /2 channels, --codec adpcm carries one: add --codec pcm/],
      [["--wav", slow], 1, /3999 Hz, 4000 to 192000 Hz can be sent: resample/],
      [["--wav", wide, "--codec", "pcm"], 1, /9 channels, 1 to 8 can be sent: mix it down/],
      [["--wav", empty], 1, /holds no audio/],
      [["--wav", other], 1, /a WAV starts with RIFF.*add --raw/],
      [["--wav", join(stereo, "nothing")], 1, /cannot open .*: check --wav/],
      [["--wav", "-"], 2, /standard input is the keyboard/],
      [["--frame-ms", "16000"], 2, /--frame-ms 16000 makes frames of 256000 samples/],
    ] as const) {
      const outcome = await streamPlain([...args]);
      assert.equal(outcome.exitCode, exitCode, outcome.err);
      assert.match(outcome.err, pattern);
      assert.match(outcome.err, /^eet stream: [^\n]*\n$/);
    }
  });

  it("refuses to loop or to multiply a pipe", async () => {
    for (const [flags, pattern] of [
      [["--loop"], /--loop needs a file/],
      [["--streams", "2"], /standard input feeds one stream/],
    ] as const) {
      const { exitCode, err } = await streamPlain(["--wav", "-", ...flags], { input: new PassThrough() });
      assert.equal(exitCode, 2);
      assert.match(err, pattern);
    }
  });

  it("fails when a pipe ends without audio", async () => {
    await using server = await startRecordingServer();
    const input = new PassThrough();
    input.end();
    const { exitCode, err } = await streamPlain(["--wav", "-", "--raw", "--url", server.url], { input });
    assert.equal(exitCode, 1);
    assert.match(err, /there was no audio to send/);
  });

  it("closes cleanly when interrupted: 130 for a file, 0 for an endless stream", async () => {
    for (const [flags, expected] of [
      [[], 130],
      [["--loop"], 0],
      [["--loop", "--seconds", "3600"], 130],
    ] as const) {
      const interruption = new AbortController();
      await using server = await startRecordingServer((socket) => {
        socket.once("message", () => socket.once("message", () => interruption.abort()));
      });
      const args = ["--url", server.url, "--realtime", "--frame-ms", "1000", ...flags];
      const { exitCode } = await streamPlain(args, { interruption: interruption.signal });
      assert.equal(exitCode, expected, flags.join(" "));
      assert.equal(await server.connections[0]!.closed, 1000);
    }
  });
});
