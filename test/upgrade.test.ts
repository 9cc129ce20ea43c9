import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { joinWavs, readSegments } from "./support/recordings.ts";
import { runEet } from "./support/run-command.ts";
import { S3Stub } from "./support/s3-stub.ts";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

/**
 * The data folder of the first version that ran, of catalogue schema 1, killed in the middle of a segment: `kitchen` with two
 * segments, a device without id with one, `yard` with one and the one that was open. Uploads were on, to a store that was away.
 */
const fixture = fileURLToPath(new URL("./fixtures/data-of-schema-1.tar.gz", import.meta.url));

interface Listed {
  readonly hwid: string | null;
  readonly session: string;
  readonly index: number;
  readonly samples: number;
  readonly recovered: boolean;
}

describe("an upgrade from the first version", () => {
  it("keeps every recording: finishes what was open, sends what waited for the object store, goes on recording", async () => {
    await using folder = await makeTemporaryFolder();
    await promisify(execFile)("tar", ["xzf", fixture, "-C", folder.path]);
    const received = join(folder.path, "data/received");
    const before = await readSegments(received);
    assert.equal(before.length, 4);
    const files = await Promise.all(before.map(async ({ path }) => readFile(`${path}.bin`)));
    const stub = await S3Stub.start();
    try {
      const environment = stub.environment;
      await using server = await ServerProcess.start({ folder: folder.path, environment });
      const url = `http://127.0.0.1:${server.port}`;
      const get = async (path: string) => await fetch(`${url}/api/v1/${path}`);
      const list = async (what: "devices" | "segments") => {
        const page = (await (await get(what)).json()) as Record<typeof what, readonly Listed[]>;
        return page[what];
      };
      await server.recovered();
      await server.line(({ msg }) => msg === "segment closed");
      assert.deepEqual((await list("devices")).map(({ hwid }) => String(hwid)).sort(), ["kitchen", "null", "yard"]);
      const segments = await list("segments");
      assert.deepEqual(segments.map(({ hwid, index, recovered }) => `${hwid} ${index} ${recovered}`).sort(), [
        "kitchen 0 false",
        "kitchen 1 false",
        "null 0 false",
        "yard 0 false",
        "yard 1 true",
      ]);
      const session = segments.find(({ hwid }) => hwid === "kitchen")?.session;
      const range = `session=${session}&from_sample=0&to_sample=32000&format=raw`;
      const audio = Buffer.from(await (await get(`devices/kitchen/audio?${range}`)).arrayBuffer());
      assert.deepEqual(audio, await joinWavs(before.filter(({ sidecar }) => sidecar.hwid === "kitchen")));

      let storedCount = 0;
      await server.line(({ msg }) => msg === "upload stored" && ++storedCount === 15);
      assert.equal(stub.objects.size, 15);

      const streamed = await runEet(["stream", "--url", server.url, "--hwid", "kitchen", "--seconds", "1"]);
      assert.equal(streamed.exitCode, 0, streamed.err);
      assert.equal(await server.stop(), 0, server.errors);
    } finally {
      await stub.stop();
    }
    for (const [index, { path }] of before.entries()) assert.deepEqual(await readFile(`${path}.bin`), files[index]);
    const verified = await runEet(["verify", received]);
    assert.match(verified.out, /^6 segments, .*: all as they should be\n$/, verified.err);
    const reindexed = await runEet(["reindex", "--data", "data"], { folder: folder.path });
    assert.equal(reindexed.exitCode, 0, reindexed.err);
    assert.match(reindexed.out, /6 segments/);
  });
});
