// A recorded folder with a server that runs on it, and both ways to read it.
import { readFile } from "node:fs/promises";
import type { EetServer } from "@eet/server";
import { type Outcome, runEet } from "../command-harness.test-support.ts";
import { openServer, type RecordedFolder, recordSpeech, streamSpeech } from "../recorded-folder.test-support.ts";

/** What the commands read. */
export class TestLibrary {
  readonly recorded: RecordedFolder;
  #server: EetServer;

  private constructor(recorded: RecordedFolder, server: EetServer) {
    this.recorded = recorded;
    this.#server = server;
  }

  static async open(): Promise<TestLibrary> {
    const recorded = await recordSpeech();
    const server = await openServer(recorded.path);
    await server.recovered;
    return new TestLibrary(recorded, server);
  }

  /** Of the server. */
  get url(): string {
    const { host, port } = this.#server.address;
    return `http://${host}:${port}`;
  }

  /** The data folder. */
  get data(): string {
    return `${this.recorded.path}/data`;
  }

  /** Runs a command on the server, then on the folder beside it. */
  async both(args: readonly string[]): Promise<readonly [server: Outcome, folder: Outcome]> {
    const folder = this.recorded.path;
    const byServer = await runEet([...args, "--url", this.url], { folder });
    return [byServer, await runEet([...args, "--data", this.data], { folder })];
  }

  /** Samples of the WAVs that the server made, in a row: what was streamed, through ADPCM and back. */
  async samples(): Promise<Buffer> {
    const wavs = await Promise.all(this.recorded.segments.map((path) => readFile(`${path}.wav`)));
    return Buffer.concat(wavs.map(dataOf));
  }

  /** Streams the speech as another device. */
  record(hwid: string): Promise<void> {
    return streamSpeech(this.#server, hwid);
  }

  /** Leaves the folder to whoever takes it. */
  stopServer(): Promise<void> {
    return this.#server.close();
  }

  /** Starts another one, with flags of its own. @returns its URL */
  async restartServer(flags: Readonly<Record<string, string>>): Promise<string> {
    await this.stopServer();
    this.#server = await openServer(this.recorded.path, flags);
    await this.#server.recovered;
    return this.url;
  }

  async close(): Promise<void> {
    await this.#server.close();
    await this.recorded.remove();
  }
}

/** Samples of a canonical WAV. */
export function dataOf(wav: Buffer): Buffer {
  return wav.subarray(44, 44 + wav.readUInt32LE(40));
}
