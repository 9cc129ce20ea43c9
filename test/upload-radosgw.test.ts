import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ObjectVersion,
  PutBucketVersioningCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { verifyFolder } from "@eet/server";
import { Radosgw, skipWithoutRadosgw } from "./support/radosgw.ts";
import { type LogLine, ServerProcess } from "./support/server-process.ts";
import {
  allStored,
  assertSidecars,
  hashLocalFiles,
  isClosed,
  isStored,
  listLocalKeys,
  nextLines,
  readHealth,
  sendStream,
  sha256Of,
} from "./support/stored-recordings.ts";

const cliPath = fileURLToPath(new URL("../packages/cli/src/main.ts", import.meta.url));
const rotateS = 1;

describe("eet serve at radosgw", { skip: skipWithoutRadosgw() }, () => {
  let radosgw: Radosgw;
  let client: S3Client;
  let bucket: string;
  let bucketCount = 0;
  let folder: string;
  let server: ServerProcess | undefined;
  const streams: ChildProcess[] = [];

  before(async () => {
    radosgw = await Radosgw.start();
    client = radosgw.createClient();
  });
  after(async () => {
    client.destroy();
    await radosgw.stop();
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eet-radosgw-"));
    bucketCount += 1;
    bucket = `recordings-${bucketCount}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    // A second put of the same key then shows as a second version.
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  });
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.kill("SIGKILL");
    await server?.kill();
    await rm(folder, { recursive: true, maxRetries: 10, retryDelay: 100 });
  });

  async function startServer(environment: Record<string, string> = awsEnvironment()): Promise<ServerProcess> {
    server = await ServerProcess.start({ folder, flags: ["--rotate-s", String(rotateS)], environment });
    return server;
  }

  function awsEnvironment(secret = radosgw.credentials.secretAccessKey): Record<string, string> {
    return {
      S3_ENABLED: "true",
      S3_SERVICEURL: radosgw.url,
      S3_FORCEPATHSTYLE: "true",
      AWS_BUCKET: bucket,
      AWS_ACCESS_KEY_ID: radosgw.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: secret,
    };
  }

  /** Devices in real time, until they are interrupted. */
  function startStreams(url: string, ...flags: readonly string[]): () => Promise<number> {
    const args = [cliPath, "stream", "--url", url, "--loop", "--realtime", ...flags];
    const stream = spawn(process.execPath, args, { stdio: "ignore" });
    streams.push(stream);
    const exited = once(stream, "exit");
    return async () => {
      stream.kill("SIGINT");
      const [code] = await exited;
      return code;
    };
  }

  async function listVersions(): Promise<readonly ObjectVersion[]> {
    const versions: ObjectVersion[] = [];
    for (let KeyMarker: string | undefined, VersionIdMarker: string | undefined; ; ) {
      const markers = { ...(KeyMarker && { KeyMarker }), ...(VersionIdMarker && { VersionIdMarker }) };
      const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, ...markers }));
      versions.push(...(page.Versions ?? []));
      if (page.IsTruncated !== true) return versions;
      ({ NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page);
    }
  }

  async function readObjects(keys: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const objects = new Map<string, Uint8Array>();
    const remaining = keys.values();
    const readRemaining = async () => {
      for (const Key of remaining) {
        const { Body, Metadata } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
        const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
        assert.equal(Metadata?.["sha256"], sha256Of(bytes), Key);
        objects.set(Key, bytes);
      }
    };
    await Promise.all(Array.from({ length: 16 }, readRemaining));
    return objects;
  }

  /**
   * The bucket holds the local files, each put once, and the sidecars tell the truth about the rest.
   *
   * @param cutOff - keys whose put the gateway may have died in: it leaves a version that no HEAD shows, so they may
   *   stand there again, with the same bytes
   * @returns the keys
   */
  async function assertDelivered(cutOff: ReadonlySet<string> = new Set()): Promise<readonly string[]> {
    const versions = await listVersions();
    const first = new Map<string, ObjectVersion>();
    for (const version of versions) {
      const { Key = "", ETag } = version;
      const other = first.get(Key) ?? version;
      first.set(Key, other);
      if (other !== version) assert.ok(cutOff.has(Key) && ETag === other.ETag, `${Key} was put twice`);
    }
    const local = await hashLocalFiles(folder);
    const keys = [...first.keys()].sort();
    assert.deepEqual(
      [...local.keys()].filter((key) => !first.has(key)),
      [],
    );
    assert.equal(keys.length, local.size);
    const objects = await readObjects(keys);
    for (const key of keys) assert.equal(sha256Of(objects.get(key) ?? new Uint8Array()), local.get(key), key);
    assertSidecars(objects);
    return keys;
  }

  /** Keys of recorded files of which the server has not said that they are stored. */
  async function keysNotStored({ lines }: ServerProcess): Promise<ReadonlySet<string>> {
    const stored = new Set(lines.filter(isStored).map((line) => line["key"]));
    return new Set((await listLocalKeys(folder)).filter((key) => !stored.has(key)));
  }

  it("delivers everything over an outage of 30 s with a kill in the middle, and deletes nothing", async () => {
    const killed = await startServer();
    const cutStreams = startStreams(killed.url, "--hwid", "mic", "--streams", "2");
    await nextLines(killed, 8, isStored);
    await radosgw.stopGateway();
    const cutOff = await keysNotStored(killed);
    const isOfOneDevice = (line: LogLine) => isClosed(line) && line["hwid"] === "mic-1";
    await nextLines(killed, 10 / rotateS, isOfOneDevice);
    await killed.kill();
    await cutStreams();

    const restarted = await startServer();
    const stopMono = startStreams(restarted.url, "--hwid", "mic", "--streams", "2");
    const stopPcm = startStreams(restarted.url, "--codec", "pcm", "--frame-ms", "40");
    await nextLines(restarted, 20 / rotateS, isOfOneDevice);
    const failure = await restarted.line((line) => line.msg === "the object store fails: uploads wait");
    assert.equal(failure["code"], "UPLOAD_UNREACHABLE");
    assert.equal((await readHealth(restarted)).status, "degraded");
    await radosgw.startGateway();
    await restarted.line((line) => line.msg === "the object store works again: uploads go on");
    assert.deepEqual([await stopMono(), await stopPcm()], [0, 0]);
    await allStored(restarted);
    assert.equal((await readHealth(restarted)).status, "ok");
    assert.equal(await restarted.stop(), 0);

    const keys = await assertDelivered(cutOff);
    const closed = [...killed.lines, ...restarted.lines].filter(isClosed).map((line) => line["file"]);
    const recorded = closed.flatMap((file) => ["bin", "json", "wav"].map((kind) => `received/${file}.${kind}`));
    assert.deepEqual(
      recorded.filter((key) => !keys.includes(key)),
      [],
    );
    for await (const { segment, problems } of verifyFolder(join(folder, "data/received")))
      assert.deepEqual(problems, [], segment);
  });

  it("puts nothing twice when it is killed amid uploads", async () => {
    const killed = await startServer();
    const devices = [1, 2, 3].map((streamId) => ({ hwid: `mic-${streamId}`, streamId, seconds: 8 }));
    await Promise.all(devices.map((device) => sendStream(killed.url, device)));
    await nextLines(killed, 1, isStored);
    await killed.kill();
    const restarted = await startServer();
    await restarted.line(({ msg }) => msg === "recovery done");
    await allStored(restarted);
    assert.equal(await restarted.stop(), 0);
    assert.equal((await assertDelivered()).length, 3 * 8 * 3);
  });

  it("shows a wrong secret, records on, and delivers once it is right", async () => {
    const denied = await startServer(awsEnvironment("wrong"));
    await sendStream(denied.url, { hwid: "mic", streamId: 1, seconds: 3 });
    const error = await denied.line((line) => line.msg === "the object store fails: uploads wait");
    assert.deepEqual([error["level"], error["code"]], [50, "UPLOAD_DENIED"]);
    assert.match(String(error["reason"]), /SignatureDoesNotMatch/);
    assert.match(String(error["fix"]), /\S/);
    const closing = nextLines(denied, 3, isClosed);
    await sendStream(denied.url, { streamId: 2, seconds: 3 });
    await closing;
    const { status, uploads } = await readHealth(denied);
    assert.equal(status, "degraded");
    assert.equal(uploads.stored, 0);
    assert.notEqual(uploads.pending, 0);
    assert.equal(await denied.stop(), 0);
    assert.equal((await listVersions()).length, 0);

    const right = await startServer();
    await allStored(right);
    assert.equal(await right.stop(), 0);
    assert.equal((await assertDelivered()).length, 18);
  });

  it("uploads as Scaleway by SCW_* alone, whatever AWS_* says", async () => {
    const { accessKeyId, secretAccessKey } = radosgw.credentials;
    const scaleway = await startServer({
      S3_ENABLED: "true",
      S3_PROVIDER: "scaleway",
      SCW_ACCESS_KEY: accessKeyId,
      SCW_SECRET_KEY: secretAccessKey,
      SCW_DEFAULT_ORGANIZATION_ID: "11111111-2222-3333-4444-555555555555",
      SCW_DEFAULT_PROJECT_ID: "66666666-7777-8888-9999-000000000000",
      SCW_BUCKET: bucket,
      SCW_REGION: "nl-ams",
      SCW_SERVICE_URL: radosgw.url,
      SCW_FORCE_PATH_STYLE: "true",
      AWS_ACCESS_KEY_ID: "HOSTILE",
      AWS_SECRET_ACCESS_KEY: "hostile",
      AWS_SESSION_TOKEN: "hostile",
      AWS_PROFILE: "hostile",
      AWS_BUCKET: "hostile",
      AWS_REGION: "hostile-1",
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      AWS_ENDPOINT_URL_S3: "http://127.0.0.1:1",
      AWS_USE_FIPS_ENDPOINT: "true",
    });
    await sendStream(scaleway.url, { hwid: "mic", streamId: 1, seconds: 2 });
    await allStored(scaleway);
    assert.equal(await scaleway.stop(), 0);
    assert.equal((await assertDelivered()).length, 6);
  });
});
