import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ApiServer } from "./api-server.ts";
import { ForwardClock } from "./open-server.ts";
import { S3Stub } from "./s3-stub.ts";

const ageMs = 45 * 86_400_000;

/** A server that uploads to a store that can be made to fail, with recordings, pins and quotas. Disposing stops both. */
export class StorageScene implements AsyncDisposable {
  readonly server: ApiServer;
  readonly stub: S3Stub;
  readonly #received: string;

  private constructor(server: ApiServer, stub: S3Stub, received: string) {
    this.server = server;
    this.stub = stub;
    this.#received = received;
  }

  /** A server that has run for 45 days. Its first recording, of `attic`, is as old: 0 seconds of it are none. */
  static async open(
    folder: string,
    flags: Readonly<Record<string, string>> = {},
    atticLengthS = 0,
  ): Promise<StorageScene> {
    const stub = await S3Stub.start();
    const time = new ForwardClock();
    time.forward(-ageMs);
    const options = { clock: time.clock };
    const server = await ApiServer.open(folder, { "rotate-s": "2", ...flags }, stub.environment, options);
    const scene = new StorageScene(server, stub, join(folder, "data", "received"));
    const startMs = time.clock.wallMs() - atticLengthS * 1000;
    if (atticLengthS > 0) await server.record({ hwid: "attic", startMs, frameCount: atticLengthS * 50 });
    time.forward(ageMs);
    return scene;
  }

  /** Records some seconds of a device. */
  async record(hwid: string, lengthS: number): Promise<void> {
    const startMs = Date.now() - lengthS * 1000;
    await this.server.record({ hwid, startMs, frameCount: lengthS * 50 });
  }

  /** Waits until nothing is to be uploaded any more. */
  async uploaded(): Promise<void> {
    for (;;) {
      const { uploads } = await this.server.json<{ uploads: { waiting_bytes: number } }>("/api/v1/storage");
      if (uploads.waiting_bytes === 0) return;
      await once(this.stub.events, "stored", { signal: AbortSignal.timeout(1_000) }).catch(() => {});
    }
  }

  /** Records a device of whose files one goes before it is uploaded. */
  async recordAndLose(hwid: string): Promise<void> {
    const release = this.stub.hang();
    await this.record(hwid, 10);
    const { uploads } = await this.server.json<{ uploads: { hwid: string; kind: string; file: string }[] }>(
      "/api/v1/uploads?state=pending",
    );
    const lost = uploads.filter((upload) => upload.hwid === hwid && upload.kind === "wav").at(-1);
    if (lost === undefined) throw new Error(`nothing of ${hwid} waits`);
    const { segments } = await this.server.json<{ segments: { name: string; folder: string }[] }>(
      `/api/v1/segments?hwid=${hwid}`,
    );
    const folder = segments.find(({ name }) => lost.file === `${name}.wav`)?.folder ?? "";
    await rm(join(this.#received, folder, lost.file));
    release();
  }

  /** Gives a device a name, and pins some seconds of it. */
  async describe(hwid: string, name: string, note: string): Promise<void> {
    const write = (method: string, path: string, body: object) =>
      this.server.json(path, {
        ...{ method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
      });
    await write("PATCH", `/api/v1/devices/${hwid}`, { name, tags: ["house"] });
    const { segments } = await this.server.json<{ segments: { start: string; end: string }[] }>(
      `/api/v1/segments?hwid=${hwid}`,
    );
    const range = { from: segments[0]?.start, to: segments[1]?.end };
    await write("POST", `/api/v1/devices/${hwid}/pins`, { ...range, ...(note !== "" && { note }) });
  }

  /** Recordings new and old, two of them pinned, then files that fail for two reasons. */
  async fillWithFailures(): Promise<void> {
    await this.record("kitchen", 40);
    await this.uploaded();
    await this.describe("kitchen", "Kitchen window", "The doorbell rings twice, then somebody shouts");
    await this.describe("attic", "Attic", "");
    await this.recordAndLose("garden");
    this.stub.isCorrupting = true;
    await this.record("orchard", 8);
  }

  /** Recordings that wait for a store that went down. */
  async fillWithOutage(): Promise<void> {
    await this.record("kitchen", 10);
    await this.uploaded();
    this.stub.setDown(true);
    await this.record("kitchen", 20);
    await this.record("workshop", 6);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.stub.stop();
  }
}
