import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import {
  type Bucket,
  type SeenObject,
  SourceFolder,
  sha256Of,
  testObjectStore,
} from "../packages/server/src/lib/upload/object-store.test-support.ts";
import type { ObjectStoreOptions } from "../packages/server/src/lib/upload/object-store.ts";
import { S3ObjectStore } from "../packages/server/src/lib/upload/s3-object-store.ts";
import { Radosgw, skipWithoutRadosgw } from "./support/radosgw.ts";

describe("S3ObjectStore at radosgw", { skip: skipWithoutRadosgw() }, () => {
  let radosgw: Radosgw;
  let client: S3Client;

  before(async () => {
    radosgw = await Radosgw.start();
    client = radosgw.createClient();
    await client.send(new CreateBucketCommand({ Bucket: "recordings" }));
  });
  after(async () => {
    client.destroy();
    await radosgw.stop();
  });

  function options(): ObjectStoreOptions {
    const { url: serviceUrl, credentials } = radosgw;
    return {
      provider: "aws",
      bucket: "recordings",
      region: "us-east-1",
      serviceUrl,
      forcePathStyle: true,
      credentials,
    };
  }

  async function read(Key: string): Promise<SeenObject> {
    const object = await client.send(new GetObjectCommand({ Bucket: "recordings", Key }));
    const bytes = await object.Body?.transformToByteArray();
    return { bytes: bytes ?? new Uint8Array(), contentType: object.ContentType ?? "", metadata: object.Metadata ?? {} };
  }

  async function write(Key: string, { bytes, contentType, metadata }: SeenObject): Promise<void> {
    const object = { Bucket: "recordings", Key, Body: bytes, ContentType: contentType, Metadata: { ...metadata } };
    await client.send(new PutObjectCommand(object));
  }

  testObjectStore(async (): Promise<Bucket> => ({ options: options(), read, write }));

  it("is unreachable while the gateway is away, and works with the same store once it is back", async () => {
    const folder = await SourceFolder.open();
    const store = new S3ObjectStore(options());
    const source = await folder.add("received/outage.bin", randomBytes(50_000));
    await radosgw.stopGateway();
    await assert.rejects(store.put(source), { code: "UPLOAD_UNREACHABLE" });
    await radosgw.startGateway();
    await store.put(source);
    assert.equal(sha256Of((await read(source.key)).bytes), source.sha256);
    store.close();
    await folder.remove();
  });
});
