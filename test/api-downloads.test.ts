import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ApiServer } from "./support/api-server.ts";
import { S3Stub } from "./support/s3-stub.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const startMs = Date.UTC(2026, 2, 1, 12);
const deadlineMs = 20_000;

interface Segment {
  readonly id: number;
  readonly name: string;
  readonly folder: string;
  readonly evicted: string | null;
  readonly files: readonly {
    readonly kind: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly url: string;
  }[];
}

async function listSegments(server: ApiServer): Promise<readonly Segment[]> {
  return (await server.json<{ segments: Segment[] }>("/api/v1/segments")).segments;
}

const readSegment = (server: ApiServer, id: number) => server.json<Segment>(`/api/v1/segments/${id}`);

describe("GET /api/v1/segments/{id}/files/{kind}", () => {
  it("gives files from the object store when the local ones are gone, whole and in parts", async () => {
    const stub = await S3Stub.start();
    await using folder = await makeTemporaryFolder();
    try {
      const flags = {
        ...{ "s3-enabled": "true", "s3-service-url": stub.url, "s3-force-path-style": "true" },
        ...{ "s3-bucket": stub.bucket, "s3-region": stub.region, "s3-delete-after-upload": "true" },
      };
      const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = stub.credentials;
      await using server = await ApiServer.open(folder.path, flags, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
      const sent = await server.record({ hwid: "kitchen", startMs, frameCount: 100 });
      let segments = await listSegments(server);
      for (const endMs = Date.now() + deadlineMs; segments.some(({ evicted }) => evicted === null); ) {
        assert.ok(Date.now() < endMs, "the segments are evicted");
        segments = await listSegments(server);
      }
      for (const { id } of segments) {
        for (const { bytes, sha256, url } of (await readSegment(server, id)).files) {
          const whole = Buffer.from(await (await server.fetch(url)).arrayBuffer());
          assert.equal(whole.length, bytes);
          assert.equal(createHash("sha256").update(whole).digest("hex"), sha256);
          const part = await server.fetch(url, { headers: { range: "bytes=100-299" } });
          assert.equal(part.status, 206);
          assert.ok(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(100, 300)));
        }
      }
      const range = "from=2026-03-01T12:00:00Z&to=2026-03-01T12:00:02Z&format=raw";
      const audio = await server.fetch(`/api/v1/devices/kitchen/audio?${range}`);
      assert.ok(Buffer.from(await audio.arrayBuffer()).equals(sent));
    } finally {
      await stub.stop();
    }
  });

  it("says so when a file is gone or damaged, and gives the others", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ApiServer.open(folder.path);
    await server.record({ hwid: "kitchen", startMs, frameCount: 50 });
    const [{ id, name, folder: place }] = (await listSegments(server)) as [Segment];
    const path = join(folder.path, "data", "received", place, name);
    await rm(`${path}.wav`);
    await truncate(`${path}.bin`, 100);
    for (const [kind, detail] of [
      ["wav", /\.wav is not on this disk, and not in the object store$/],
      ["bin", /\.bin is on this disk with 100 of \d+ bytes, and not in the object store$/],
    ] as const) {
      const answer = await server.fetch(`/api/v1/segments/${id}/files/${kind}`);
      const problem = JSON.parse(await answer.text());
      assert.deepEqual([answer.status, problem.code], [503, "AUDIO_UNAVAILABLE"]);
      assert.match(problem.detail, detail);
      assert.equal(answer.headers.get("etag"), null);
    }
    assert.equal((await server.fetch(`/api/v1/segments/${id}/files/json`)).status, 200);
  });
});
