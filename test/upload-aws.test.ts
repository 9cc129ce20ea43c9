import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { S3Stub } from "./support/s3-stub.ts";
import { crc32Text } from "./support/s3-stub-signature.ts";
import { ServerProcess } from "./support/server-process.ts";
import { allStored, assertSidecars, hashLocalFiles, sendStream, sha256Of } from "./support/stored-recordings.ts";

const partBytes = 5 * 1024 * 1024;

// No S3:ServiceUrl: the SDK takes the stub for AWS itself, by the variable that it reads on its own. The stub verifies the
// signature of every request, the SHA-256 of every payload, and every CRC32. The server reads files into parts and sends
// each from memory, so the CRC32 comes in a header; the trailer, which only streamed bodies have, is verified by the
// stub's own tests. See docs/decisions/003-verified-uploads.md.
describe("eet serve at AWS", () => {
  let stub: S3Stub;
  let folder: string;
  let server: ServerProcess | undefined;

  beforeEach(async () => {
    stub = await S3Stub.start();
    folder = await mkdtemp(join(tmpdir(), "eet-aws-"));
  });
  afterEach(async () => {
    await server?.kill();
    await stub.stop();
    await rm(folder, { recursive: true, maxRetries: 10, retryDelay: 100 });
  });

  async function startServer(environment: Record<string, string>, ...flags: readonly string[]): Promise<ServerProcess> {
    const aws = { AWS_ENDPOINT_URL_S3: stub.url, AWS_BUCKET: stub.bucket };
    const s3 = { S3_ENABLED: "true", S3_FORCEPATHSTYLE: "true" };
    server = await ServerProcess.start({ folder, flags, environment: { ...aws, ...s3, ...environment } });
    return server;
  }

  /** The bucket holds the local files, each put once and with the right CRC32 in a header. */
  async function assertDelivered(fileCount: number): Promise<void> {
    const hashes = new Map([...stub.objects].sort().map(([key, { bytes }]) => [key, sha256Of(bytes)]));
    assert.equal(hashes.size, fileCount);
    assert.deepEqual(hashes, await hashLocalFiles(folder));
    assert.deepEqual([...new Set(stub.putCounts.values())], [1]);
    assertSidecars(new Map([...stub.objects].map(([key, { bytes }]) => [key, bytes])));
    for (const { crc32Place, crc32, bytes } of stub.objects.values()) {
      assert.equal(crc32Place, "header");
      if (bytes.length <= partBytes) assert.equal(crc32, crc32Text(bytes));
    }
  }

  it("uploads with keys, a session token and a region from AWS_*", async () => {
    stub.credentials = { accessKeyId: "AKTEMP", secretAccessKey: "SKTEMP", sessionToken: "token" };
    const running = await startServer(
      {
        AWS_ACCESS_KEY_ID: "AKTEMP",
        AWS_SECRET_ACCESS_KEY: "SKTEMP",
        AWS_SESSION_TOKEN: "token",
        AWS_REGION: stub.region,
      },
      "--rotate-s",
      "1",
    );
    await Promise.all([
      sendStream(running.url, { hwid: "mic", streamId: 1, seconds: 3 }),
      sendStream(running.url, { streamId: 2, seconds: 2 }),
    ]);
    await allStored(running);
    assert.equal(await running.stop(), 0);
    await assertDelivered(5 * 3);
  });

  it("uploads files of several parts", async () => {
    const { accessKeyId, secretAccessKey } = stub.credentials;
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    const running = await startServer({ ...keys, AWS_REGION: stub.region }, "--rotate-s", "60");
    await sendStream(running.url, { hwid: "mic", streamId: 1, seconds: 30, sampleRateHz: 48_000, channels: 2 });
    await allStored(running);
    assert.equal(await running.stop(), 0);
    await assertDelivered(3);
    const etags = [...stub.objects].map(([key, { etag }]) => [key.slice(key.lastIndexOf(".")), etag.slice(32)]);
    assert.deepEqual(etags.sort(), [
      [".bin", "-2"],
      [".json", ""],
      [".wav", "-2"],
    ]);
    assert.equal(stub.openUploadCount, 0);
  });

  it("uploads with the keys and the region of AWS_PROFILE", async () => {
    const { accessKeyId, secretAccessKey } = stub.credentials;
    // The server's home folder is its working folder here.
    await mkdir(join(folder, ".aws"));
    const keys = `aws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`;
    await writeFile(join(folder, ".aws/credentials"), `[default]\naws_access_key_id=OTHER\n[field]\n${keys}`);
    await writeFile(join(folder, ".aws/config"), `[profile field]\nregion=${stub.region}\n`);
    const running = await startServer({ AWS_PROFILE: "field" });
    await sendStream(running.url, { hwid: "mic", streamId: 1, seconds: 1 });
    await allStored(running);
    assert.equal(await running.stop(), 0);
    await assertDelivered(3);
  });
});
