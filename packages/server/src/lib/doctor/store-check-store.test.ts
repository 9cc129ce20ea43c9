import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { S3Stub } from "../../../../../test/support/s3-stub.ts";
import { S3ObjectStore } from "../upload/s3-object-store.ts";
import { checkStore } from "./store-check-store.ts";

describe("checkStore", () => {
  it("tells which right for files in parts is missing, the rest being there", async (t) => {
    const stub = await S3Stub.start();
    const store = new S3ObjectStore({
      ...{ provider: "aws", bucket: stub.bucket, region: stub.region, serviceUrl: stub.url, forcePathStyle: true },
      credentials: { kind: "static", ...stub.credentials },
    });
    t.after(async () => {
      store.close();
      await stub.stop();
    });
    const check = async () => {
      const findings = await checkStore({ store, name: "s3://recordings", prefix: "received" });
      const { status, message, fix } = findings.at(-1) ?? assert.fail();
      assert.ok(findings.slice(0, -1).every((finding) => finding.status === "ok"));
      return `${status}: ${message} > ${fix}`;
    };
    assert.match(await check(), /^ok: .* in parts.* \(multipart\)/);
    assert.equal(stub.openUploadCount, 0);
    stub.deniedParts.add("abort");
    assert.match(await check(), /^warning: .* drops no file in parts, .*: .*403.* > Allow s3:AbortMultipartUpload/);
    assert.equal(stub.openUploadCount, 1);
    stub.deniedParts.add("begin");
    assert.match(await check(), /^warning: .* begins no file in parts: .*403.* > Allow s3:PutObject for multipart/);
  });
});
