import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openFrameStream } from "@eet/client";
import type { LogLine, ServerProcess } from "./server-process.ts";

const receivedPath = "data/received";

/** A stream of 16-bit PCM, sent as fast as the server takes it. */
export interface TestStream {
  readonly hwid?: string;
  readonly streamId: number;
  readonly seconds: number;
  /** Default 16 000. */
  readonly sampleRateHz?: number;
  /** Default 1. */
  readonly channels?: number;
}

/** Streams noise that differs from stream to stream, until the server has taken the last frame. */
export async function sendStream(url: string, stream: TestStream): Promise<void> {
  const { hwid, streamId, seconds, sampleRateHz = 16_000, channels = 1 } = stream;
  const frameSampleCount = sampleRateHz / 50;
  const format = { codec: "pcm16", sampleRateHz, channels, frameSampleCount } as const;
  const frames = await openFrameStream({ url, ...(hwid !== undefined && { hwid }), streamId, format, timestampMs: 0 });
  const payload = createNoise(streamId, frameSampleCount * channels * 2);
  for (let frame = 0; frame < seconds * 50; frame++) {
    payload.writeUInt32LE(frame);
    await frames.send(payload);
  }
  assert.deepEqual(await frames.close(), { kind: "clean" });
}

function createNoise(seed: number, byteCount: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(byteCount / 32) }, (_, block) =>
    createHash("sha256").update(`${seed} ${block}`).digest(),
  );
  return Buffer.concat(blocks, byteCount);
}

/** Whether a line tells of an upload that is stored and verified. */
export function isStored(line: LogLine): boolean {
  return line.msg === "upload stored";
}

/** Whether a line tells of a segment that is closed. */
export function isClosed(line: LogLine): boolean {
  return line.msg === "segment closed";
}

/** Resolves when so many more lines that match have come. */
export async function nextLines(
  server: ServerProcess,
  count: number,
  matches: (line: LogLine) => boolean,
): Promise<void> {
  for (let seen = 0; seen < count; seen++) await server.nextLine(matches);
}

/** What `/healthz` says of recordings and uploads. */
export interface SeenHealth {
  readonly status: "ok" | "degraded";
  readonly sessions: number;
  readonly finishing: number;
  readonly uploads: Readonly<Record<"pending" | "uploading" | "stored" | "failed", number>>;
}

/** Asks `/healthz`. */
export async function readHealth(server: ServerProcess): Promise<SeenHealth> {
  const response = await fetch(`http://127.0.0.1:${server.port}/healthz`);
  return (await response.json()) as SeenHealth;
}

/** Resolves when all that was recorded stands in the object store. Each upload logs a line. */
export async function allStored(server: ServerProcess): Promise<void> {
  for (;;) {
    const another = server.nextLine(isStored);
    another.catch(() => {}); // nobody waits for the one after the last
    const { sessions, finishing, uploads } = await readHealth(server);
    if (sessions + finishing + uploads.pending + uploads.uploading + uploads.failed === 0) return;
    await another;
  }
}

/** Keys under which the default layout uploads the local files, sorted. */
export async function listLocalKeys(folder: string): Promise<readonly string[]> {
  const root = join(folder, receivedPath);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => `received${join(entry.parentPath, entry.name).slice(root.length)}`).sort();
}

/** SHA-256 of every local file, by its key. */
export async function hashLocalFiles(folder: string): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  for (const key of await listLocalKeys(folder)) {
    hashes.set(key, sha256Of(await readFile(join(folder, receivedPath, key.slice("received".length)))));
  }
  return hashes;
}

/** Compares objects with the sidecars among them: sizes and SHA-256 of the `.bin` and the `.wav`. */
export function assertSidecars(objects: ReadonlyMap<string, Uint8Array>): void {
  const sidecarKeys = [...objects.keys()].filter((key) => key.endsWith(".json"));
  assert.notEqual(sidecarKeys.length, 0);
  for (const key of sidecarKeys) {
    const { files } = JSON.parse(Buffer.from(objects.get(key) ?? []).toString());
    for (const kind of ["bin", "wav"]) {
      const bytes = objects.get(key.replace(/json$/, kind)) ?? new Uint8Array();
      assert.deepEqual(files[kind], { bytes: bytes.length, sha256: sha256Of(bytes) }, key);
    }
  }
}

/** Lower-case hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
