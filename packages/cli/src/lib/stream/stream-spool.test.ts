import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openSpool } from "@eet/client";
import { makeTemporaryFolder, type TemporaryFolder } from "../../../../../test/support/temporary-folder.ts";
import { StreamSpool } from "./stream-spool.ts";

const format = { codec: "pcm16", sampleRateHz: 8_000, channels: 1, frameSampleCount: 160 } as const;
const facts = { hwid: "mic", streamId: 1, format, startMs: 0, nibbleOrder: null };
const maxBytes = 1024 * 1024;

/** A spool's folder that earlier runs left frames in: 20 ms each. */
async function makeFolder(frameCount: number): Promise<TemporaryFolder> {
  const folder = await makeTemporaryFolder();
  const spool = await openSpool({ folder: folder.path, maxBytes, fileBytes: 4096 });
  const journal = await spool.createJournal(facts);
  for (let seq = 0; seq < frameCount; seq += 1) journal.append(seq, 160, new Uint8Array(320));
  await spool.close();
  return folder;
}

/** One that is closed with its scope. */
async function openStreamSpool(folder: string) {
  const spool = await StreamSpool.open({ folder, maxBytes }, assert.fail);
  return Object.assign(spool, { [Symbol.asyncDispose]: () => spool.close() });
}

describe("StreamSpool", () => {
  it("tells what earlier runs left from what is added", async () => {
    await using folder = await makeFolder(50);
    await using spool = await openStreamSpool(folder.path);
    assert.equal(spool.hadEarlier, true);
    const journal = await spool.spool.createJournal(facts);
    journal.append(0, 160, new Uint8Array(320));
    const { byteLength, ...amount } = spool.amount;
    assert.deepEqual(amount, { frameCount: 51, audioS: 1.02, earlierS: 1, droppedFrameCount: 0, maxBytes });
    assert.ok(byteLength > 50 * 320);
    assert.deepEqual(spool.earlier, { frameCount: 50, sampleCount: 8_000 });
    await spool.spool.journals[0]?.remove();
    assert.deepEqual([spool.amount.earlierS, spool.earlier.frameCount], [0, 0]);
  });

  it("counts what of earlier runs has to make room", async () => {
    await using folder = await makeFolder(50);
    await using spool = await openStreamSpool(folder.path);
    const [dropped] = await spool.spool.dropOldest(1);
    assert.ok((dropped?.frameCount ?? 0) > 0);
    assert.equal(spool.amount.droppedFrameCount, dropped?.frameCount);
  });

  it("finds nothing of earlier runs in a new folder", async () => {
    await using folder = await makeFolder(0);
    await using spool = await openStreamSpool(join(folder.path, "new"));
    assert.deepEqual([spool.hadEarlier, spool.amount.frameCount], [false, 0]);
  });

  it("says what to do about a folder that cannot be used", async () => {
    await using folder = await makeFolder(0);
    await using _holder = await openStreamSpool(folder.path);
    await assert.rejects(openStreamSpool(folder.path), {
      name: "CommandError",
      message: /in use by .*: end that process, or give this one a folder of its own$/,
    });
    await assert.rejects(openStreamSpool("/dev/null/spool"), {
      name: "CommandError",
      message: /: check --spool and the disk$/,
    });
  });
});
