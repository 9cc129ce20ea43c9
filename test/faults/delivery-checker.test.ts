import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { formatFrame } from "@eet/protocol";
import { checkDelivery } from "../support/delivery-checker.ts";
import { type DeliveryRecord, formatOf, makePayload, type WitnessedSession } from "../support/delivery-record.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

/** 8 kHz, one channel, 16 bit: 160 samples a frame. */
const deviceNumber = 1;
const format = formatOf(deviceNumber);
const firstSeq = 2 ** 32 - 3;

interface StoredFile {
  readonly name: string;
  readonly startSample: number;
  readonly seqs: readonly number[];
  /** Of these frames, a missing one as silence. */
  readonly wavSeqs?: readonly (number | undefined)[];
}

const frameOf = (seq: number) => formatFrame(format.codec, seq, makePayload(format, deviceNumber, seq));

/** A device that sent ten frames over the wrap of seq, dropped the fifth itself and has nine acknowledged. */
function recordOf(changes: Partial<WitnessedSession> = {}): DeliveryRecord {
  const dropped = new Set([firstSeq + 4]);
  const session = { session: 7n, firstSeq, sentNext: firstSeq + 10, durableNext: firstSeq + 9, dropped, ...changes };
  return { hwid: "mic", deviceNumber, format, sessions: [session] };
}

const seqs = (...offsets: readonly number[]) => offsets.map((offset) => firstSeq + offset);

async function writeFiles(received: string, files: readonly StoredFile[]): Promise<void> {
  await mkdir(join(received, "mic"), { recursive: true });
  for (const { name, startSample, seqs, wavSeqs } of files) {
    const path = join(received, "mic", `stream_1_mic_20260101_000000_${name}`);
    await writeFile(`${path}.bin`, Buffer.concat(seqs.map(frameOf)));
    await writeFile(`${path}.json`, JSON.stringify({ start_sample: startSample }));
    if (wavSeqs === undefined) continue;
    const samples = wavSeqs.map((seq) =>
      seq === undefined ? Buffer.alloc(320) : makePayload(format, deviceNumber, seq),
    );
    const header = Buffer.alloc(44);
    header.write("RIFF", 0);
    header.write("data", 36);
    header.writeUInt32LE(samples.length * 320, 40);
    await writeFile(`${path}.wav`, Buffer.concat([header, ...samples]));
  }
}

/** What the checker says of files. */
async function judge(files: readonly StoredFile[], record = recordOf(), isClosed = false): Promise<readonly string[]> {
  await using folder = await makeTemporaryFolder();
  await writeFiles(folder.path, files);
  return (await checkDelivery([record], { received: folder.path, isClosed })).faults;
}

const first = {
  ...{ name: "abc-0", startSample: 0, seqs: seqs(0, 1, 2, 3, 5) },
  wavSeqs: [...seqs(0, 1, 2, 3), undefined, ...seqs(5)],
};
const second = { name: "abc-1", startSample: 960, seqs: seqs(6, 7, 8, 9), wavSeqs: seqs(6, 7, 8, 9) };

describe("checkDelivery", () => {
  it("has nothing against frames that are all there, once and in order", async () => {
    assert.deepEqual(await judge([second, first], recordOf(), true), []);
  });

  it("allows frames that nobody was promised to be missing", async () => {
    assert.deepEqual(await judge([first, { ...second, seqs: seqs(6, 7, 8) }]), []);
    assert.deepEqual(await judge([], recordOf({ durableNext: firstSeq })), []);
  });

  it("allows frames of an abandoned session to come once more in the next one", async () => {
    const abandoned = { name: "abb-0", startSample: 0, seqs: seqs(0, 1) };
    const record = recordOf();
    const [session] = record.sessions;
    const before = { ...session!, session: 6n, sentNext: firstSeq + 2, durableNext: firstSeq };
    assert.deepEqual(await judge([abandoned, first, second], { ...record, sessions: [before, session!] }), []);
  });

  const failing: readonly (readonly [what: string, files: readonly StoredFile[], fault: RegExp])[] = [
    [
      "an acknowledged frame that is missing at the end",
      [first],
      /up to 4294967302, but seq 4294967299 is missing on disk$/,
    ],
    [
      "one that is missing inside",
      [first, { ...second, seqs: seqs(7, 8, 9) }],
      /but seq 4294967299 is missing on disk$/,
    ],
    ["a session that is missing", [], /from 4294967293 up to 4294967302, but no session on disk begins there/],
    ["a beginning that is missing", [second], /up to 4294967302, but seq 4294967293 is missing on disk$/],
    [
      "a frame that is there twice",
      [first, { ...second, seqs: seqs(5, 6, 7, 8, 9) }],
      /seq 4294967298 comes in .*abc-1/,
    ],
    [
      "a session that the device does not know",
      [{ ...first, seqs: [77, 78] }],
      /begins with seq 77, which was sent in no/,
    ],
    ["frames out of order", [first, { ...second, seqs: seqs(7, 6, 8, 9) }], /seq 4294967299 comes in .*abc-1/],
    ["a frame that was never sent", [first, { ...second, seqs: seqs(6, 7, 8, 9, 10) }], /seq 4294967303 .*never sent/],
  ];
  for (const [what, files, fault] of failing) {
    it(`finds ${what}`, async () => {
      const faults = await judge(files);
      assert.ok(
        faults.some((text) => fault.test(text)),
        `${faults}`,
      );
    });
  }

  it("finds a payload of another frame, and of another device", async () => {
    await using folder = await makeTemporaryFolder();
    await writeFiles(folder.path, [first, second]);
    const path = join(folder.path, "mic", "stream_1_mic_20260101_000000_abc-0.bin");
    const wrong = [
      makePayload(format, deviceNumber, firstSeq + 1 + 2 ** 32),
      makePayload(format, deviceNumber + 4, firstSeq + 1),
    ];
    for (const payload of wrong) {
      const frames = first.seqs.map(frameOf).with(1, formatFrame(format.codec, firstSeq + 1, payload));
      await writeFile(path, Buffer.concat(frames));
      const { faults } = await checkDelivery([recordOf()], { received: folder.path });
      assert.match(`${faults}`, /^mic: session abc: seq 4294967294 in \S+abc-0.bin has a payload that was not sent$/);
    }
  });

  it("finds a closed file that ends within a frame", async () => {
    await using folder = await makeTemporaryFolder();
    await writeFiles(folder.path, [first, second]);
    const path = join(folder.path, "mic", "stream_1_mic_20260101_000000_abc-1.bin");
    await writeFile(path, Buffer.concat([...second.seqs.map(frameOf), Buffer.alloc(5)]));
    const { faults } = await checkDelivery([recordOf()], { received: folder.path });
    assert.match(`${faults}`, /^mic: session abc: \S+abc-1.bin has 5 bytes behind its last whole frame$/);
  });

  it("finds WAVs that are missing or too short", async () => {
    const short = await judge([first, { ...second, wavSeqs: seqs(6, 7, 8) }], recordOf(), true);
    assert.deepEqual(short, ["mic: session abc: 1440 samples in WAVs, 1600 in frames and gaps"]);
    const { wavSeqs: _, ...withoutWav } = second;
    assert.match(`${await judge([first, withoutWav], recordOf(), true)}`, /abc-1.bin has no WAV/);
  });

  it("finds WAVs with the samples of another frame, or with samples where silence is due", async () => {
    const wrong = ["mic: session abc: the WAVs are not what was sent, with silence for what is missing"];
    assert.deepEqual(await judge([first, { ...second, wavSeqs: seqs(6, 7, 7, 9) }], recordOf(), true), wrong);
    assert.deepEqual(await judge([{ ...first, wavSeqs: seqs(0, 1, 2, 3, 3, 5) }, second], recordOf(), true), wrong);
  });
});
