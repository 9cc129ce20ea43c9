import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import type { SegmentOpening } from "../kernel/segment-record.ts";
import { FrameLog, readFrameLogs } from "../storage/frame-log-store.ts";
import { SegmentFolders } from "../storage/segment-folder-store.ts";
import { pcmFormat } from "./recording.test-support.ts";
import { SegmentFile, type SegmentFileContext } from "./segment-file.ts";

let root: string;
let receivedPath: string;
let frameLog: FrameLog;
let opening: SegmentOpening;
let context: SegmentFileContext;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "eet-segment-"));
  receivedPath = join(root, "received");
  frameLog = await FrameLog.open({ folder: join(root, "log"), runId: "run", onError: assert.fail });
  context = { receivedPath, frameLog, folders: new SegmentFolders(receivedPath) };
  opening = {
    version: "eet.open/1",
    session: {
      session: "s0",
      hwid: "mic",
      streamId: 7,
      format: pcmFormat,
      start: { startMs: 1, rule: "device-unverified", deviceMs: 1, serverMs: 2, warning: null },
      profile: {},
      isAcked: false,
    },
    index: 0,
    name: "stream_7_mic_20260101_000000_s0-0",
    folder: "mic/2026",
    start: { seq: 0, sample: 0 },
    leadingGap: null,
    gapFill: "silence",
    bootId: "boot",
    runId: "run",
    logNumber: frameLog.openSegment(),
  };
});

afterEach(async () => {
  await frameLog.close();
  await rm(root, { recursive: true });
});

describe("SegmentFile", () => {
  it("stands beside its opening, in folders made for it [S-1.1]", async () => {
    const file = await SegmentFile.open(opening, context);
    const folder = join(receivedPath, "mic", "2026");
    assert.deepEqual((await readdir(folder)).sort(), [`${opening.name}.bin.part`, `${opening.name}.open.json`]);
    assert.deepEqual(JSON.parse(await readFile(join(folder, `${opening.name}.open.json`), "utf8")), opening);
    await file.close();
  });

  it("holds the frames and nothing else; the log knows their CRC and what is synced [S-1.1] [S-3.1]", async () => {
    const file = await SegmentFile.open(opening, context);
    await file.write([Buffer.from("abc"), Buffer.from("de")], 0);
    await file.sync(5);
    await file.write([Buffer.from("fgh")], 5);
    await file.close();
    const path = join(receivedPath, opening.folder, `${opening.name}.bin.part`);
    assert.equal(await readFile(path, "utf8"), "abcdefgh");
    await frameLog.commit();
    const trust = (await readFrameLogs(join(root, "log"), "run")).get(opening.logNumber);
    assert.equal(trust?.syncedBytes, 5);
    assert.deepEqual(
      trust.extents.map(({ offset, byteCount, crc }) => [offset, byteCount, crc]),
      [[5, 3, crc32("fgh")]],
    );
  });

  it("is never opened over frames that are there", async () => {
    const file = await SegmentFile.open(opening, context);
    await file.write([Buffer.from("abc")], 0);
    await file.close();
    await assert.rejects(SegmentFile.open(opening, context), { code: "STORAGE_IO" });
    const path = join(receivedPath, opening.folder, `${opening.name}.bin.part`);
    assert.equal(await readFile(path, "utf8"), "abc");
  });

  it("is not opened where what is there cannot be looked up", async () => {
    await mkdir(receivedPath, { recursive: true });
    await writeFile(join(receivedPath, "mic"), "where the device's folder would be");
    await assert.rejects(SegmentFile.open(opening, context), { code: "ENOTDIR" });
    assert.deepEqual(await readdir(receivedPath), ["mic"]);
  });

  it("lies in the root where the layout says so", async () => {
    const file = await SegmentFile.open({ ...opening, folder: "" }, context);
    await file.write([Buffer.from("abc")], 0);
    await file.sync(3);
    await file.close();
    assert.ok((await readdir(receivedPath)).includes(`${opening.name}.bin.part`));
  });
});
