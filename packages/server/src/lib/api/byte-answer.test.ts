import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import Fastify from "fastify";
import { type ByteContent, sendBytes } from "./byte-answer.ts";
import { sendProblem, toServerError } from "./error-answers.ts";

const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
const etag = '"abc"';
let disposedCount = 0;
let readCount = 0;

const content: ByteContent = {
  ...{ sizeBytes: bytes.length, contentType: "audio/wav", etag, fileName: "a.wav" },
  read: ({ start, end }) => {
    readCount += 1;
    return Readable.from([bytes.subarray(start, end)]);
  },
  dispose: () => {
    disposedCount += 1;
  },
};

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const app = Fastify();
app.setErrorHandler((error, request, reply) => sendProblem(reply, toServerError(error as never, request, silent)));
app.get("/file", (request, reply) => sendBytes(request, reply, content));
app.get("/empty", (request, reply) => sendBytes(request, reply, { ...content, sizeBytes: 0 }));
let url: string;
before(async () => {
  url = await app.listen({ port: 0, host: "127.0.0.1" });
});
after(() => app.close());

async function get(headers: Record<string, string> = {}, path = "/file", method = "GET") {
  const response = await fetch(`${url}${path}`, { method, headers });
  const { status } = response;
  const header = (name: string) => response.headers.get(name);
  return { status, header, body: Buffer.from(await response.arrayBuffer()) };
}

describe("sendBytes", () => {
  it("sends the whole with its length, validator and name", async () => {
    const { status, header, body } = await get();
    assert.equal(status, 200);
    assert.ok(body.equals(bytes));
    assert.equal(header("content-length"), "1000");
    assert.equal(header("etag"), etag);
    assert.equal(header("accept-ranges"), "bytes");
    assert.equal(header("content-type"), "audio/wav");
    assert.equal(header("content-disposition"), 'attachment; filename="a.wav"');
  });

  it("sends bounded, open and suffix ranges [RFC 9110, 14]", async () => {
    for (const [range, start, end] of [
      ["bytes=0-0", 0, 1],
      ["bytes=10-19", 10, 20],
      ["bytes=990-", 990, 1000],
      ["bytes=-10", 990, 1000],
      ["bytes=990-5000", 990, 1000],
      ["bytes=-5000", 0, 1000],
    ] as const) {
      const { status, header, body } = await get({ range });
      assert.equal(status, 206, range);
      assert.equal(header("content-range"), `bytes ${start}-${end - 1}/1000`);
      assert.equal(header("content-length"), String(end - start));
      assert.ok(body.equals(bytes.subarray(start, end)));
    }
  });

  it("sends the whole for several ranges, other units and malformed ones [RFC 9110, 14.2]", async () => {
    for (const range of ["bytes=0-1,5-6", "items=0-1", "bytes=9-3", "bytes=x"]) {
      const { status, body } = await get({ range });
      assert.deepEqual([status, body.length], [200, 1000], range);
    }
  });

  it("refuses a range behind the end with the length [RFC 9110, 15.5.17]", async () => {
    for (const [range, path, size] of [
      ["bytes=1000-", "/file", 1000],
      ["bytes=-0", "/file", 1000],
      ["bytes=0-", "/empty", 0],
    ] as const) {
      const { status, header, body } = await get({ range }, path);
      assert.equal(status, 416, range);
      assert.equal(header("content-range"), `bytes */${size}`);
      assert.equal(JSON.parse(body.toString()).code, "BYTES_NOT_SATISFIABLE");
      assert.equal(header("etag"), null);
    }
  });

  it("answers 304 to whoever has it already, before it looks at Range [RFC 9110, 13.2.2]", async () => {
    const before = readCount;
    for (const header of [etag, `W/${etag}`, '"other", "abc"', "*"]) {
      const { status, header: of, body } = await get({ "if-none-match": header, range: "bytes=0-1" });
      assert.deepEqual([status, body.length, of("etag")], [304, 0, etag], header);
    }
    assert.equal((await get({ "if-none-match": '"other"' })).status, 200);
    assert.equal(readCount, before + 1);
  });

  it("goes on only with what If-Range names, strongly [RFC 9110, 13.1.5]", async () => {
    assert.equal((await get({ range: "bytes=5-9", "if-range": etag })).status, 206);
    for (const validator of ['"old"', `W/${etag}`, "Sun, 22 Nov 2026 10:00:00 GMT"]) {
      const { status, body } = await get({ range: "bytes=5-9", "if-range": validator });
      assert.deepEqual([status, body.length], [200, 1000], validator);
    }
  });

  it("answers HEAD with the same head, without reading, and lets go", async () => {
    const before = [readCount, disposedCount];
    const { status, header, body } = await get({}, "/file", "HEAD");
    assert.deepEqual([status, header("content-length"), header("etag"), body.length], [200, "1000", etag, 0]);
    assert.deepEqual([readCount, disposedCount], [before[0], (before[1] ?? 0) + 1]);
  });

  it("sends what is empty", async () => {
    const { status, header, body } = await get({}, "/empty");
    assert.deepEqual([status, header("content-length"), body.length], [200, "0", 0]);
  });
});
