import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { S3Stub } from "./support/s3-stub.ts";
import { crc32Text, readPayload, verifySignature, type WireRequest } from "./support/s3-stub-signature.ts";

// The examples of "Signature Calculations for the Authorization Header", Amazon S3 API Reference.
const published = {
  credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
  region: "us-east-1",
  timeMs: Date.UTC(2013, 4, 24),
  emptySha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
};

function publishedRequest(
  request: Pick<WireRequest, "method" | "url"> & { readonly headers?: Record<string, string>; readonly body?: string },
  signature: string,
): WireRequest {
  const body = Buffer.from(request.body ?? "");
  const headers: Record<string, string> = {
    host: "examplebucket.s3.amazonaws.com",
    "x-amz-date": "20130524T000000Z",
    "x-amz-content-sha256": createHash("sha256").update(body).digest("hex"),
    ...request.headers,
  };
  const credential = `${published.credentials.accessKeyId}/20130524/us-east-1/s3/aws4_request`;
  const signedHeaders = Object.keys(headers).sort().join(";");
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential},SignedHeaders=${signedHeaders},Signature=${signature}`;
  return { ...request, body, headers: { ...headers, authorization } };
}

function verifyPublished(request: WireRequest): void {
  verifySignature(request, published.credentials, published.region, published.timeMs);
}

describe("verifySignature", () => {
  const get = { method: "GET", url: "/test.txt", headers: { range: "bytes=0-9" } };
  const getSignature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";

  it("takes the published example of GET", () => verifyPublished(publishedRequest(get, getSignature)));

  it("takes the published example of PUT with a path to escape", () => {
    const headers = { date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" };
    const put = { method: "PUT", url: "/test$file.text", headers, body: "Welcome to Amazon S3." };
    verifyPublished(publishedRequest(put, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
  });

  it("takes the published example of a query", () => {
    const list = { method: "GET", url: "/?max-keys=2&prefix=J" };
    verifyPublished(publishedRequest(list, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
    const lifecycle = { method: "GET", url: "/?lifecycle" };
    verifyPublished(publishedRequest(lifecycle, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  });

  it("refuses whatever was changed after signing", () => {
    const signed = publishedRequest(get, getSignature);
    const mismatch = { code: "SignatureDoesNotMatch", status: 403 };
    assert.throws(() => verifyPublished({ ...signed, method: "DELETE" }), mismatch);
    assert.throws(() => verifyPublished({ ...signed, url: "/test.txt?acl" }), mismatch);
    assert.throws(() => verifyPublished({ ...signed, headers: { ...signed.headers, range: "bytes=0-8" } }), mismatch);
  });

  it("refuses headers of S3 that are not signed", () => {
    const signed = publishedRequest(get, getSignature);
    const headers = { ...signed.headers, "x-amz-acl": "public-read" };
    assert.throws(() => verifyPublished({ ...signed, headers }), { code: "AccessDenied" });
  });

  it("refuses another key, region and time", () => {
    const signed = publishedRequest(get, getSignature);
    const { credentials, region, timeMs } = published;
    const otherKey = { ...credentials, accessKeyId: "OTHER" };
    assert.throws(() => verifySignature(signed, otherKey, region, timeMs), { code: "InvalidAccessKeyId" });
    assert.throws(() => verifySignature(signed, credentials, "eu-west-1", timeMs), {
      code: "AuthorizationHeaderMalformed",
    });
    assert.throws(() => verifySignature(signed, credentials, region, timeMs + 3_600_000), {
      code: "RequestTimeTooSkewed",
    });
  });
});

describe("readPayload", () => {
  function chunked(trailer: string): WireRequest {
    const headers = {
      "content-encoding": "aws-chunked",
      "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      "x-amz-decoded-content-length": "9",
      "x-amz-trailer": "x-amz-checksum-crc32",
    };
    const body = Buffer.from(`5\r\n12345\r\n4\r\n6789\r\n0\r\n${trailer}\r\n\r\n`);
    return { method: "PUT", url: "/b/k", headers, body };
  }

  it("decodes chunks and takes the right CRC32 in the trailer", () => {
    // CRC-32 of "123456789" is the algorithm's published check value.
    const trailer = Buffer.from("cbf43926", "hex").toString("base64");
    const { bytes, crc32Place } = readPayload(chunked(`x-amz-checksum-crc32:${trailer}`));
    assert.deepEqual([bytes.toString(), crc32Place], ["123456789", "trailer"]);
  });

  it("refuses a wrong or missing trailer", () => {
    const wrong = crc32Text(Buffer.from("123456780"));
    assert.throws(() => readPayload(chunked(`x-amz-checksum-crc32:${wrong}`)), { code: "BadDigest" });
    assert.throws(() => readPayload(chunked("")), { code: "MalformedTrailerError" });
  });

  it("refuses a signed payload that was changed", () => {
    const headers = { "x-amz-content-sha256": published.emptySha256 };
    const request = { method: "PUT", url: "/b/k", headers, body: Buffer.from("x") };
    assert.throws(() => readPayload(request), { code: "XAmzContentSHA256Mismatch" });
  });
});

describe("S3Stub", () => {
  let stub: S3Stub;
  let client: S3Client;

  before(async () => {
    stub = await S3Stub.start();
    const { url: endpoint, region, credentials } = stub;
    client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  });
  after(async () => {
    client.destroy();
    await stub.stop();
  });

  it("verifies the CRC32 trailer of a body that the SDK streams", async () => {
    const bytes = randomBytes(300_000);
    const Body = Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)]);
    await client.send(new PutObjectCommand({ Bucket: stub.bucket, Key: "a/b", Body, ContentLength: bytes.length }));
    const stored = stub.objects.get("a/b");
    assert.ok(stored?.bytes.equals(bytes));
    assert.deepEqual([stored?.crc32Place, stored?.crc32], ["trailer", crc32Text(bytes)]);
  });

  it("lists what begins with a prefix", async () => {
    await client.send(new PutObjectCommand({ Bucket: stub.bucket, Key: "c/d", Body: "x" }));
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: stub.bucket, Prefix: "c/" }));
    assert.deepEqual(
      Contents?.map(({ Key }) => Key),
      ["c/d"],
    );
  });
});
