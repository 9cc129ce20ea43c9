import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { S3Stub } from "../../../../../test/support/s3-stub.ts";
import { ConfigError } from "../kernel/errors.ts";
import type { StoreCredentials } from "../kernel/store-credentials.ts";
import {
  type Bucket,
  isUploadError,
  partBytes,
  SourceFolder,
  sha256Of,
  testObjectStore,
} from "./object-store.test-support.ts";
import type { ObjectStoreOptions } from "./object-store.ts";
import { S3ObjectStore } from "./s3-object-store.ts";

const stubKeys = { kind: "static", accessKeyId: "AKSTUB", secretAccessKey: "SKSTUB" } as const;

function compatible(stub: S3Stub): ObjectStoreOptions {
  const { bucket, region, url: serviceUrl } = stub;
  return { provider: "aws", bucket, region, serviceUrl, forcePathStyle: true, credentials: stubKeys };
}

/** The SDK's own way to another endpoint: all else is as with AWS. */
function awsDefault(stub: S3Stub): ObjectStoreOptions {
  process.env["AWS_ENDPOINT_URL_S3"] = stub.url;
  return { provider: "aws", bucket: stub.bucket, region: stub.region, forcePathStyle: false, credentials: stubKeys };
}

function stubBucket(stub: S3Stub, options: ObjectStoreOptions): Bucket {
  return {
    options,
    read: async (key) => {
      const object = stub.objects.get(key);
      assert.ok(object, `${key} is not there`);
      return object;
    },
    write: async (key, object) => stub.plant(key, object),
  };
}

function testStub(describeOptions: (stub: S3Stub) => ObjectStoreOptions): void {
  let stub: S3Stub;
  before(async () => {
    stub = await S3Stub.start();
  });
  after(async () => {
    delete process.env["AWS_ENDPOINT_URL_S3"];
    await stub.stop();
  });
  testObjectStore(async () => stubBucket(stub, describeOptions(stub)));
}

describe("S3ObjectStore at a compatible store", () => testStub(compatible));

describe("S3ObjectStore at AWS", () => testStub(awsDefault));

describe("S3ObjectStore", () => {
  let stub: S3Stub;
  let folder: SourceFolder;
  let store: S3ObjectStore;

  beforeEach(async () => {
    stub = await S3Stub.start();
    folder = await SourceFolder.open();
    store = new S3ObjectStore(compatible(stub));
  });
  afterEach(async () => {
    store.close();
    await folder.remove();
    await stub.stop();
    delete process.env["AWS_ENDPOINT_URL_S3"];
  });

  async function putWith(options: ObjectStoreOptions): Promise<void> {
    const other = new S3ObjectStore(options);
    try {
      await other.put(await folder.add("received/other.bin", randomBytes(10)));
    } finally {
      other.close();
    }
  }

  it("sends no checksum of the SDK to a compatible store", async () => {
    await store.put(await folder.add("a", randomBytes(100)));
    await store.put(await folder.add("b", randomBytes(partBytes + 1)));
    assert.deepEqual([stub.objects.get("a")?.crc32Place, stub.objects.get("b")?.crc32Place], ["none", "none"]);
  });

  it("sends a CRC32 with every part to AWS", async () => {
    const aws = new S3ObjectStore(awsDefault(stub));
    await aws.put(await folder.add("a", randomBytes(100)));
    await aws.put(await folder.add("b", randomBytes(partBytes + 1)));
    aws.close();
    assert.match(stub.objects.get("a")?.crc32 ?? "", /^[\w+/]{6}==$/);
    assert.match(stub.objects.get("b")?.crc32 ?? "", /^[\w+/]{6}==-2$/);
  });

  it("takes the CRC32 for proof where ETags are not MD5, without reading back", async () => {
    stub.hasOpaqueEtags = true;
    const methods: string[] = [];
    stub.events.on("request", (method) => methods.push(method));
    const aws = new S3ObjectStore(awsDefault(stub));
    await aws.put(await folder.add("a", randomBytes(100)));
    await aws.put(await folder.add("b", randomBytes(partBytes + 1)));
    aws.close();
    assert.ok(!methods.includes("GET"), `${methods}`);
    assert.equal(stub.objects.size, 2);
  });

  it("reads the object back where neither ETag nor CRC32 proves it", async () => {
    stub.hasOpaqueEtags = true;
    const methods: string[] = [];
    stub.events.on("request", (method) => methods.push(method));
    await store.put(await folder.add("a", randomBytes(100)));
    assert.deepEqual(methods, ["HEAD", "PUT", "HEAD", "GET"]);
  });

  it("tells bytes that the store changed, and repairs them at the next put", async () => {
    const source = await folder.add("a", randomBytes(100));
    stub.isCorrupting = true;
    await assert.rejects(store.put(source), { code: "UPLOAD_MISMATCH" });
    stub.isCorrupting = false;
    await store.put(source);
    assert.equal(sha256Of(stub.objects.get("a")!.bytes), source.sha256);
    assert.equal(stub.putCounts.get("a"), 2);
  });

  it("puts an object once however often it is asked to", async () => {
    const source = await folder.add("a", randomBytes(partBytes * 2));
    const first = await store.put(source);
    assert.deepEqual(await store.put(source), first);
    assert.equal(stub.putCounts.get("a"), 1);
  });

  it("needs no right to list the bucket", async () => {
    stub.hidesMissing = true;
    await store.put(await folder.add("a", randomBytes(10)));
    assert.equal(stub.putCounts.get("a"), 1);
  });

  it("gets over a single 503 by itself, and tells a store that goes on with them", async () => {
    stub.slowDownCount = 1;
    await store.put(await folder.add("a", randomBytes(10)));
    stub.slowDownCount = 100;
    await assert.rejects(store.put(await folder.add("b", randomBytes(10))), { code: "UPLOAD_UNREACHABLE" });
  });

  it("tells a store that cuts connections", async () => {
    stub.setDown(true);
    await assert.rejects(store.put(await folder.add("a", randomBytes(10))), { code: "UPLOAD_UNREACHABLE" });
  });

  it("gives up on a store that hangs", async () => {
    const release = stub.hang();
    const impatient = new S3ObjectStore(compatible(stub), { idleTimeoutMs: 100 });
    const source = await folder.add("a", randomBytes(10));
    await assert.rejects(impatient.put(source), isUploadError("UPLOAD_UNREACHABLE", "TimeoutError"));
    impatient.close();
    release();
  });

  it("leaves a store that hangs as soon as the signal is aborted", async () => {
    const release = stub.hang();
    const abort = new AbortController();
    stub.events.once("request", () => abort.abort(new Error("enough")));
    const source = await folder.add("a", randomBytes(10));
    await assert.rejects(store.put({ ...source, signal: abort.signal }), { message: "enough" });
    release();
  });

  it("leaves a put in the middle as soon as the signal is aborted", async () => {
    const abort = new AbortController();
    stub.events.on("request", (method) => {
      if (method !== "PUT") return;
      stub.hang();
      abort.abort(new Error("enough"));
    });
    const source = await folder.add("a", randomBytes(10));
    await assert.rejects(store.put({ ...source, signal: abort.signal }), { message: "enough" });
  });

  it("leaves no unfinished multipart upload behind a failure", async () => {
    const source = await folder.add("a", randomBytes(partBytes * 2));
    stub.events.on("request", (method) => {
      if (method === "PUT") stub.slowDownCount = 2;
    });
    await assert.rejects(store.put(source), { code: "UPLOAD_UNREACHABLE" });
    assert.equal(stub.openUploadCount, 0);
  });

  it("sends the session token of temporary keys", async () => {
    stub.credentials = { accessKeyId: "AKTEMP", secretAccessKey: "SKTEMP", sessionToken: "TOKEN" };
    const credentials = { kind: "static", ...stub.credentials } as const;
    await putWith({ ...compatible(stub), credentials });
    await assert.rejects(
      putWith({ ...compatible(stub), credentials: { ...credentials, sessionToken: "OLD" } }),
      isUploadError("UPLOAD_DENIED", "InvalidToken"),
    );
  });

  it("tells a wrong region", async () => {
    await assert.rejects(
      putWith({ ...compatible(stub), region: "eu-other-1" }),
      isUploadError("UPLOAD_NO_BUCKET", "AuthorizationHeaderMalformed"),
    );
  });
});

describe("S3ObjectStore's credentials", () => {
  const variables = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
    "AWS_ENDPOINT_URL_S3",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_REGION",
    "AWS_EC2_METADATA_DISABLED",
  ] as const;
  let stub: S3Stub;
  let folder: SourceFolder;
  let home: string;
  let saved: NodeJS.ProcessEnv;

  beforeEach(async () => {
    stub = await S3Stub.start();
    folder = await SourceFolder.open();
    home = await mkdtemp(join(tmpdir(), "aws-"));
    saved = { ...process.env };
    for (const variable of variables) delete process.env[variable];
    process.env["AWS_SHARED_CREDENTIALS_FILE"] = join(home, "credentials");
    process.env["AWS_CONFIG_FILE"] = join(home, "config");
    process.env["AWS_EC2_METADATA_DISABLED"] = "true";
  });
  afterEach(async () => {
    process.env = saved;
    await folder.remove();
    await rm(home, { recursive: true });
    await stub.stop();
  });

  async function putWith(credentials: StoreCredentials, change: Partial<ObjectStoreOptions> = {}): Promise<void> {
    const store = new S3ObjectStore({ ...compatible(stub), ...change, credentials });
    try {
      await store.put(await folder.add("a", randomBytes(10)));
    } finally {
      store.close();
    }
  }

  it("come from the environment by the default chain", async () => {
    process.env["AWS_ACCESS_KEY_ID"] = "AKSTUB";
    process.env["AWS_SECRET_ACCESS_KEY"] = "SKSTUB";
    await putWith({ kind: "default-chain" });
    assert.ok(stub.objects.has("a"));
  });

  it("come from a profile, whatever the environment holds", async () => {
    const profile = "[field]\naws_access_key_id = AKSTUB\naws_secret_access_key = SKSTUB\n";
    await writeFile(join(home, "credentials"), profile);
    process.env["AWS_ACCESS_KEY_ID"] = "OTHER";
    process.env["AWS_SECRET_ACCESS_KEY"] = "OTHER";
    await putWith({ kind: "profile", profile: "field" });
    assert.ok(stub.objects.has("a"));
  });

  it("are missing with a clear error", async () => {
    await assert.rejects(
      putWith({ kind: "default-chain" }),
      isUploadError("UPLOAD_DENIED", "CredentialsProviderError"),
    );
  });

  it("of Scaleway leave all of AWS_* aside", async () => {
    process.env["AWS_ACCESS_KEY_ID"] = "OTHER";
    process.env["AWS_SECRET_ACCESS_KEY"] = "OTHER";
    process.env["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1";
    process.env["AWS_USE_FIPS_ENDPOINT"] = "true";
    process.env["AWS_REGION"] = "us-west-2";
    await putWith(stubKeys, { provider: "scaleway" });
    assert.ok(stub.objects.has("a"));
  });

  it("of Scaleway are never looked for in the default chain", async () => {
    await assert.rejects(putWith({ kind: "default-chain" }, { provider: "scaleway" }), ConfigError);
  });

  it("without a region anywhere end in an error that says so", async () => {
    const { region: _, serviceUrl: __, ...options } = compatible(stub);
    const store = new S3ObjectStore(options);
    await assert.rejects(store.put(await folder.add("a", randomBytes(10))), { code: "UPLOAD_NO_BUCKET" });
    store.close();
  });
});
