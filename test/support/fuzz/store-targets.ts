import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { Readable } from "node:stream";
import { UploadError } from "../../../packages/server/src/lib/kernel/errors.ts";
import { readBody } from "../../../packages/server/src/lib/upload/object-body.ts";
import { S3ObjectStore } from "../../../packages/server/src/lib/upload/s3-object-store.ts";
import { attemptAsync, type FuzzTarget, textTarget } from "./fuzz-target.ts";

const xmlHead = '<?xml version="1.0" encoding="UTF-8"?>';
const errors = ["NoSuchKey", "AccessDenied", "NoSuchBucket", "ExpiredToken", "InvalidRange"].map(
  (code) => `${xmlHead}<Error><Code>${code}</Code><Message>m</Message><RequestId>r</RequestId></Error>`,
);

/** An answer of a store as it stands on the wire. */
function answer(status: string, body: string, headers: readonly string[] = []): string {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return [`HTTP/1.1 ${status}`, length, 'ETag: "d41d8cd98f00b204e9800998ecf8427e"', ...headers, "", body].join("\r\n");
}

const answers: readonly string[] = [
  answer("200 OK", "hello", ["Content-Range: bytes 0-4/5", "x-amz-meta-sha256: abc"]),
  answer("206 Partial Content", "hello", ["Content-Range: bytes 0-4/10"]),
  answer("204 No Content", ""),
  ...errors.map((body) => answer("404 Not Found", body, ["Content-Type: application/xml"])),
  answer("403 Forbidden", errors[1] ?? "", ["Content-Type: application/xml"]),
  answer("301 Moved", `${xmlHead}<Error><Code>PermanentRedirect</Code><Endpoint>e</Endpoint></Error>`),
];

/** A store that answers whatever it is told to, on a free port of the loopback. */
async function startStore(): Promise<{ readonly url: string; reply: string }> {
  const store = { url: "", reply: "" };
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(Buffer.from(store.reply, "latin1")));
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the store has no port");
  store.url = `http://127.0.0.1:${address.port}`;
  return store;
}

const bodyTarget = textTarget({
  name: "readBody: Content-Range and length of an object",
  weight: 30,
  seeds: ["bytes 0-4/10", "bytes 0-4/*", "bytes 0-4/1e3", "bytes */10", "bytes 0-4/99999999999999999999"],
  maxBytes: 60,
  check: async (text) => {
    const given = { Body: Readable.from([Buffer.from("hello")]), ContentLength: 5, ContentRange: text };
    const read = await attemptAsync(() => readBody(given, "it", { start: 0, end: 5 }, 100), UploadError);
    if (read !== undefined) assert.ok(Number.isInteger(read.objectBytes) && read.bytes.byteLength === 5);
  },
});

/** What reads the answers of an object store: status, headers and XML. */
export async function createStoreTargets(): Promise<readonly FuzzTarget[]> {
  const store = await startStore();
  const objects = new S3ObjectStore({
    ...{ provider: "aws", bucket: "b", region: "us-east-1", serviceUrl: store.url, forcePathStyle: true },
    credentials: { kind: "static", accessKeyId: "a", secretAccessKey: "s" },
  });
  const storeTarget = textTarget({
    name: "S3ObjectStore: answers of a store",
    weight: 0.3,
    seeds: answers,
    check: async (text) => {
      store.reply = text;
      const range = { start: 0, end: 5 };
      const read = await attemptAsync(() => objects.get("k", range, 1_000), UploadError);
      if (read !== undefined) assert.equal(read.bytes.byteLength, 5);
      await attemptAsync(() => objects.delete("k"), UploadError);
    },
  });
  return [bodyTarget, storeTarget];
}
