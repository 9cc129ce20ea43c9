import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type AdpcmState, encodeAdpcm, formatAdpcmHeader, formatWavHeader } from "@eet/audio";
import { formatFrame } from "@eet/protocol";
import { makeTemporaryFolder } from "../../test/support/temporary-folder.ts";
import { decodeFrame } from "./plain-frame.ts";
import { checkPlainRecordings } from "./plain-recordings.ts";

const state: AdpcmState = { predictor: 0, stepIndex: 0 };
const payloads = Array.from({ length: 5 }, (_, index) => {
  const samples = Int16Array.from({ length: 320 }, (_, at) => 9_000 * Math.sin((index * 320 + at) / 9));
  return Buffer.concat([formatAdpcmHeader(state), encodeAdpcm(samples, "low", state)]);
});
const frames = payloads.map((payload, seq) => formatFrame("adpcm", seq, payload));
const wav = Buffer.concat([
  formatWavHeader({ sampleRateHz: 16_000, channels: 1, sampleCount: 5 * 320 }),
  ...payloads.map((payload) => decodeFrame(payload, "adpcm")),
]);

async function check(files: Readonly<Record<string, readonly Uint8Array[]>>) {
  await using folder = await makeTemporaryFolder();
  for (const [name, pieces] of Object.entries(files)) await writeFile(join(folder.path, name), Buffer.concat(pieces));
  return await checkPlainRecordings(folder.path);
}

describe("checkPlainRecordings", () => {
  it("finds nothing wrong with all frames and their decode", async () => {
    assert.deepEqual(await check({ "1.bin": frames, "1.wav": [wav], "2.bin": frames.slice(0, 3) }), {
      ...{ frameCount: 8, gapCount: 0, problemCount: 0 },
    });
  });

  it("finds frames that are missing or in another's place", async () => {
    const swapped = [0, 2, 1, 3].map((index) => frames[index] ?? new Uint8Array());
    assert.equal((await check({ "1.bin": swapped })).gapCount, 2);
    assert.equal((await check({ "1.bin": frames.slice(1) })).gapCount, 4);
  });

  it("finds a WAV that is not what the frames decode to", async () => {
    const damaged = Buffer.from(wav);
    damaged.writeUInt8(damaged.readUInt8(100) ^ 1, 100);
    for (const bytes of [damaged, wav.subarray(0, -2)]) {
      assert.equal((await check({ "1.bin": frames, "1.wav": [bytes] })).problemCount, 1);
    }
  });
});
