// Reads recordings as a stranger would: nothing of the server's own readers is used.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Sidecar, verifyFolder } from "@eet/server";

/** Magics of frames, as on the wire. */
const frameMagics: ReadonlySet<number> = new Set([0x464d4350, 0x41445046]);
const frameHeaderBytes = 12;
const wavHeaderBytes = 44;

/** A closed segment. */
export interface RecordedSegment {
  /** Path without ending. */
  readonly path: string;
  readonly sidecar: Sidecar;
}

/** A frame in a `.bin` or `.bin.part`. */
export interface RecordedFrame {
  readonly seq: number;
  readonly payload: Buffer;
}

/** Segments with a sidecar below a folder, by session and index. */
export async function readSegments(root: string): Promise<readonly RecordedSegment[]> {
  const segments: RecordedSegment[] = [];
  for (const name of await listFiles(root)) {
    if (!name.endsWith(".json") || name.endsWith(".open.json")) continue;
    const path = join(root, name);
    segments.push({ path: path.slice(0, -".json".length), sidecar: JSON.parse(await readFile(path, "utf8")) });
  }
  return segments.sort(({ sidecar: a }, { sidecar: b }) => a.session.localeCompare(b.session) || a.index - b.index);
}

/** Paths of all files below a folder, relative to it; none when it does not exist. */
export async function listFiles(root: string): Promise<readonly string[]> {
  if (!existsSync(root)) return [];
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

/** The PCM of a session's WAVs put together by their sidecars' positions, which must leave no hole. */
export async function joinWavs(segments: readonly RecordedSegment[]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let nextSample = 0;
  for (const { path, sidecar } of segments.toSorted((a, b) => a.sidecar.start_sample - b.sidecar.start_sample)) {
    assert.equal(sidecar.start_sample, nextSample, `${path} starts where the one before it ends`);
    const pcm = readPcm(await readFile(`${path}.wav`));
    assert.equal(pcm.length, sidecar.samples * sidecar.audio.channels * 2, `${path}.wav has the sidecar's length`);
    nextSample += sidecar.samples;
    pieces.push(pcm);
  }
  return Buffer.concat(pieces);
}

/** The samples behind the canonical header. [S-1.5] */
function readPcm(wav: Buffer): Buffer {
  assert.equal(wav.toString("latin1", 0, 4) + wav.toString("latin1", 36, 40), "RIFFdata");
  return wav.subarray(wavHeaderBytes, wavHeaderBytes + wav.readUInt32LE(40));
}

/** The whole frames that a file begins with, however it goes on. */
export function splitFrames(bytes: Buffer): readonly RecordedFrame[] {
  const frames: RecordedFrame[] = [];
  for (let at = 0; at + frameHeaderBytes <= bytes.length; ) {
    const end = at + frameHeaderBytes + bytes.readUInt32LE(at + 4);
    if (!frameMagics.has(bytes.readUInt32LE(at)) || end > bytes.length) break;
    frames.push({ seq: bytes.readUInt32LE(at + 8), payload: bytes.subarray(at + frameHeaderBytes, end) });
    at = end;
  }
  return frames;
}

/** What the server's own check says: nothing when all segments are closed and as they should be. */
export async function findFaults(root: string): Promise<readonly string[]> {
  const faults: string[] = [];
  for await (const { segment, problems, isOpen } of verifyFolder(root)) {
    if (isOpen) faults.push(`${segment} is open`);
    faults.push(...problems.map((problem) => `${segment}: ${problem}`));
  }
  return faults;
}

/** Files of segments that are not closed. */
export async function findLeftovers(root: string): Promise<readonly string[]> {
  return (await listFiles(root)).filter((name) => name.endsWith(".part") || name.endsWith(".open.json"));
}
