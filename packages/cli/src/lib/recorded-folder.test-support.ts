// Recordings for the tools to work on, made by a real server from a real stream.
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { EetServer, readSettings, silentLog } from "@eet/server";
import { runEet } from "./command-harness.test-support.ts";

const speechPath = fileURLToPath(new URL("../../../../data/speech_16k.wav", import.meta.url));

/** A working folder in which a server has recorded the bundled speech as device `kitchen`, in segments of 4 s. */
export interface RecordedFolder {
  readonly path: string;
  /** `data/received` below it. */
  readonly receivedPath: string;
  /** Paths of the segments without ending, in their order. */
  readonly segments: readonly string[];
  remove(): Promise<void>;
}

/** Records the speech. */
export async function recordSpeech(): Promise<RecordedFolder> {
  const path = await mkdtemp(join(tmpdir(), "eet-recorded-"));
  const server = await openServer(path);
  await streamSpeech(server, "kitchen");
  await server.close();
  const receivedPath = join(path, "data", "received");
  const folder = join(receivedPath, "kitchen");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".bin")).sort();
  const segments = names.map((name) => join(folder, name.slice(0, -".bin".length)));
  return { path, receivedPath, segments, remove: () => rm(path, { recursive: true }) };
}

/** Streams the speech to a server, as a device. */
export async function streamSpeech({ address: { host, port } }: EetServer, hwid: string): Promise<void> {
  const url = `ws://${host}:${port}/ws`;
  const { exitCode, err } = await runEet(["stream", "--wav", speechPath, "--hwid", hwid, "--url", url]);
  assert.equal(exitCode, 0, err);
}

/**
 * A server on a free port whose data lies in `data/` below a folder.
 *
 * @param more - flags of its own, by name without dashes
 */
export async function openServer(folder: string, more: Readonly<Record<string, string>> = {}): Promise<EetServer> {
  const flags = { port: "0", data: join(folder, "data"), "rotate-s": "4", "log-level": "silent", ...more };
  const { settings } = await readSettings(folder, { flags, environment: {} });
  return EetServer.open({ settings, log: silentLog, version: "0" });
}

/** A folder that is gone after the test. */
export async function makeFolder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "eet-cli-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}
