import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fail, type Layers, load } from "../../../../../test/support/settings-layers.ts";
import type { S3Settings } from "./settings.ts";

function loadS3(layers: Layers): S3Settings {
  return load(layers).settings.s3;
}

describe("readS3Settings", () => {
  it("takes every variable of the S3 section", () => {
    const environment = {
      S3_ENABLED: "true",
      S3_PROVIDER: "aws",
      S3_BUCKET: "bucket",
      S3_REGION: "eu-central-1",
      S3_SERVICEURL: "https://s3.example.org",
      S3_FORCEPATHSTYLE: "true",
      S3_PREFIX: "site",
      S3_UPLOADBIN: "false",
      S3_UPLOADWAV: "false",
      S3_DELETEAFTERUPLOAD: "true",
      S3_MAXINFLIGHT: "8",
    };
    const nested = {
      S3__Enabled: "true",
      S3__Provider: "aws",
      S3__Bucket: "bucket",
      S3__Region: "eu-central-1",
      S3__ServiceUrl: "https://s3.example.org",
      S3__ForcePathStyle: "true",
      S3__Prefix: "site",
      S3__UploadBin: "false",
      S3__UploadWav: "false",
      S3__DeleteAfterUpload: "true",
      S3__MaxInFlight: "8",
    };
    const expected = {
      enabled: true,
      provider: "aws",
      bucket: "bucket",
      region: "eu-central-1",
      serviceUrl: "https://s3.example.org",
      forcePathStyle: true,
      prefix: "site",
      uploadBin: false,
      uploadWav: false,
      deleteAfterUpload: true,
      maxInFlight: 8,
      credentials: { kind: "default-chain" },
    };
    assert.deepEqual(loadS3({ environment }), expected);
    assert.deepEqual(loadS3({ dotenv: nested }), expected);
    assert.deepEqual(
      loadS3({
        file: { S3: Object.fromEntries(Object.entries(nested).map(([name, value]) => [name.slice(4), value])) },
      }),
      expected,
    );
  });

  it("takes the AWS variables", () => {
    const environment = {
      S3_ENABLED: "1",
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_SESSION_TOKEN: "token",
      AWS_BUCKET: "aws-bucket",
      AWS_REGION: "eu-west-1",
    };
    const { bucket, region, credentials } = loadS3({ environment });
    assert.deepEqual([bucket, region], ["aws-bucket", "eu-west-1"]);
    assert.deepEqual(credentials, {
      kind: "static",
      accessKeyId: "AKIAEXAMPLE",
      secretAccessKey: "secret",
      sessionToken: "token",
    });
  });

  it("takes AWS_PROFILE from .env", () => {
    assert.deepEqual(loadS3({ dotenv: { AWS_PROFILE: "recorder" } }).credentials, {
      kind: "profile",
      profile: "recorder",
    });
  });

  it("takes the Scaleway variables and leaves AWS_* unused", () => {
    const environment = {
      S3_ENABLED: "true",
      S3_PROVIDER: "scaleway",
      SCW_ACCESS_KEY: "SCWEXAMPLE",
      SCW_SECRET_KEY: "scw-secret",
      SCW_DEFAULT_ORGANIZATION_ID: "organization",
      SCW_DEFAULT_PROJECT_ID: "project",
      SCW_BUCKET: "scw-bucket",
      SCW_REGION: "nl-ams",
      SCW_SERVICE_URL: "https://s3.nl-ams.example.org",
      SCW_FORCE_PATH_STYLE: "true",
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "aws-secret",
      AWS_SESSION_TOKEN: "token",
      AWS_PROFILE: "profile",
      AWS_BUCKET: "aws-bucket",
      AWS_REGION: "eu-west-1",
    };
    const s3 = loadS3({ environment });
    assert.deepEqual(s3.credentials, { kind: "static", accessKeyId: "SCWEXAMPLE", secretAccessKey: "scw-secret" });
    assert.equal(s3.bucket, "scw-bucket");
    assert.equal(s3.region, "nl-ams");
    assert.equal(s3.serviceUrl, "https://s3.nl-ams.example.org");
    assert.equal(s3.forcePathStyle, true);
    assert.equal(s3.organizationId, "organization");
    assert.equal(s3.projectId, "project");
  });

  it("does not read SCW_* for aws, not even to check it", () => {
    const dotenv = { SCW_BUCKET: "scw-bucket", SCW_REGION: "nl-ams", SCW_FORCE_PATH_STYLE: "maybe" };
    const { bucket, region, forcePathStyle } = loadS3({ dotenv });
    assert.deepEqual([bucket, region, forcePathStyle], [undefined, undefined, false]);
  });

  it("completes region and service URL", () => {
    const scaleway = loadS3({ flags: { "s3-provider": "scaleway" } });
    assert.deepEqual([scaleway.region, scaleway.serviceUrl], ["fr-par", "https://s3.fr-par.scw.cloud"]);
    const warsaw = loadS3({ environment: { S3_PROVIDER: "scaleway", SCW_REGION: "pl-waw" } });
    assert.equal(warsaw.serviceUrl, "https://s3.pl-waw.scw.cloud");
    assert.equal(loadS3({ environment: { S3_SERVICE_URL: "http://localhost:9000" } }).region, "us-east-1");
    assert.equal(loadS3({}).region, undefined);
  });

  it("prefers S3__X over S3_X over the provider's variable within a layer", () => {
    const environment = { AWS_BUCKET: "third", S3_BUCKET: "second", S3__Bucket: "first" };
    assert.equal(loadS3({ environment }).bucket, "first");
    assert.equal(loadS3({ environment: { ...environment, S3__Bucket: undefined } }).bucket, "second");
    assert.equal(loadS3({ environment: { AWS_BUCKET: "third" } }).bucket, "third");
    assert.equal(
      loadS3({ environment: { S3_SERVICE_URL: "http://b", S3_SERVICEURL: "http://a" } }).serviceUrl,
      "http://a",
    );
  });

  it("prefers the stronger layer over the stronger name", () => {
    const { bucket } = loadS3({
      environment: { AWS_BUCKET: "from-environment" },
      file: { S3: { Bucket: "from-file" } },
    });
    assert.equal(bucket, "from-environment");
  });

  it("prefers capitals where names differ only in case", () => {
    assert.equal(loadS3({ environment: { s3_bucket: "small", S3_BUCKET: "capital" } }).bucket, "capital");
    assert.equal(loadS3({ environment: { S3_BUCKET: "capital", s3_bucket: "small" } }).bucket, "capital");
  });
});

describe("settleCredentials", () => {
  it("uses the profile or the key, whichever a stronger layer sets, and the profile when both do", () => {
    const key = { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" };
    const profile = { AWS_PROFILE: "recorder" };
    assert.equal(loadS3({ environment: key, dotenv: profile }).credentials.kind, "static");
    assert.equal(loadS3({ environment: profile, dotenv: key }).credentials.kind, "profile");
    assert.equal(loadS3({ environment: { ...key, ...profile } }).credentials.kind, "profile");
  });

  it("does not join a session token to the key of a stronger layer", () => {
    const environment = { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" };
    const dotenv = { AWS_SESSION_TOKEN: "of another key" };
    assert.throws(() => load({ dotenv, environment }), /AWS_SESSION_TOKEN/);
    const { credentials } = loadS3({ environment, dotenv: { AWS_SESSION_TOKEN: "of-another-key" } });
    assert.deepEqual(credentials, { kind: "static", accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret" });
  });
});

describe("findMissing", () => {
  it("requires the bucket while enabled, and names what sets it", () => {
    const { issues } = fail({ environment: { S3_ENABLED: "true" } });
    assert.deepEqual(
      issues.map(({ code, key }) => [code, key]),
      [["CONFIG_MISSING", "S3:Bucket"]],
    );
    for (const name of ["S3__Bucket", "S3_BUCKET", "AWS_BUCKET", "--s3-bucket", "S3:Bucket", "appsettings.json"])
      assert.ok(issues[0]?.message.includes(name), name);
    assert.match(fail({ flags: { "s3-enabled": true, "s3-provider": "scaleway" } }).message, /SCW_BUCKET/);
  });

  it("requires both halves of a key, and a key for Scaleway, while enabled", () => {
    const enabled = { S3_ENABLED: "true", S3_BUCKET: "bucket" };
    const keysOf = (environment: Record<string, string>) =>
      fail({ environment: { ...enabled, ...environment } }).issues.map(({ code, key }) => `${code} ${key}`);
    const [accessKey, secret] = ["CONFIG_MISSING S3:AccessKeyId", "CONFIG_MISSING S3:SecretAccessKey"];
    assert.deepEqual(keysOf({ AWS_ACCESS_KEY_ID: "AKIAEXAMPLE" }), [secret]);
    assert.deepEqual(keysOf({ AWS_SECRET_ACCESS_KEY: "secret" }), [accessKey]);
    assert.deepEqual(keysOf({ AWS_SESSION_TOKEN: "token" }), [accessKey, secret]);
    assert.deepEqual(keysOf({ S3_PROVIDER: "scaleway" }), [accessKey, secret]);
    assert.equal(loadS3({ environment: { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE" } }).enabled, false);
  });
});
