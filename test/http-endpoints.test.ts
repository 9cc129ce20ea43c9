import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { EetServer, readSettings, silentLog } from "@eet/server";
import { WebSocket } from "ws";
import { parseRawAnswer, sendRaw } from "./support/raw-requests.ts";

const maxEchoBytes = 1024 * 1024;

async function openServer(folder: string, flags: Readonly<Record<string, string>> = {}): Promise<EetServer> {
  const environment = { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret" };
  const given = { flags: { port: "0", data: join(folder, "data"), ...flags }, environment };
  const { settings } = await readSettings(folder, given);
  return EetServer.open({ settings, log: silentLog, version: "1.2.3" });
}

let folder: string;
let server: EetServer;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-http-"));
  server = await openServer(folder);
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

function request(path: string, init?: RequestInit): Promise<Response> {
  return fetch(`http://127.0.0.1:${server.address.port}${path}`, init);
}

/** The body of an error answer, after the checks that hold for every one. */
async function problemOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  assert.match(response.headers.get("content-type") ?? "", /^application\/problem\+json\b/);
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  const problem = JSON.parse(await response.text());
  assert.deepEqual(Object.keys(problem), ["type", "title", "status", "detail", "code", "fix"]);
  assert.equal(problem.status, response.status);
  return problem;
}

describe("GET /healthz", () => {
  it("tells how the server fares", async () => {
    const response = await request("/healthz");
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type") ?? "", /^application\/json\b/);
    assert.equal(response.headers.get("cache-control"), "no-store");
    const { uptimeS, disk, status, ...rest } = JSON.parse(await response.text());
    assert.deepEqual(rest, {
      version: "1.2.3",
      access: "local",
      connections: 0,
      sessions: 0,
      finishing: 0,
      unfinished: 0,
      uploads: null,
    });
    assert.ok(Number.isInteger(uptimeS) && uptimeS >= 0);
    assert.ok(disk.freeBytes > 0);
    assert.equal(status, disk.state === "ok" ? "ok" : "degraded");
  });

  it("counts the devices that are connected", async () => {
    const device = new WebSocket(`ws://127.0.0.1:${server.address.port}/ws/kitchen`);
    await once(device, "open");
    assert.equal(JSON.parse(await (await request("/healthz")).text()).connections, 1);
    device.terminate();
    await once(device, "close");
  });

  it("tells of uploads when they are on", async (t) => {
    const other = join(folder, "uploading");
    const s3 = { "s3-enabled": "true", "s3-bucket": "audio", "s3-service-url": "http://127.0.0.1:9" };
    const uploading = await openServer(other, s3);
    t.after(() => uploading.close());
    const response = await fetch(`http://127.0.0.1:${uploading.address.port}/healthz`);
    assert.deepEqual(JSON.parse(await response.text()).uploads, { pending: 0, uploading: 0, stored: 0, failed: 0 });
  });

  it("answers HEAD with the same head", async () => {
    const response = await request("/healthz", { method: "HEAD" });
    assert.deepEqual([response.status, response.headers.get("cache-control")], [200, "no-store"]);
    assert.equal(await response.text(), "");
  });
});

describe("POST /echo", () => {
  const post = (body: Uint8Array<ArrayBuffer> | undefined, type?: string) =>
    request("/echo", {
      method: "POST",
      ...(body !== undefined && { body }),
      ...(type !== undefined && { headers: { "content-type": type } }),
    });

  it("returns any bytes with their Content-Type, not to be sniffed [P-1.8]", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, value) => value);
    for (const type of ["application/octet-stream", "audio/wav", "text/html; charset=latin1", "application/json"]) {
      const response = await post(bytes, type);
      assert.equal(response.status, 200, type);
      assert.equal(response.headers.get("content-type"), type);
      assert.equal(response.headers.get("x-content-type-options"), "nosniff");
      assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes);
    }
  });

  it("takes a body without a type, and none", async () => {
    for (const body of [Uint8Array.of(0, 255), undefined]) {
      const response = await post(body);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), "application/octet-stream");
      assert.deepEqual(new Uint8Array(await response.arrayBuffer()), body ?? new Uint8Array());
    }
  });

  it("takes exactly 1 MiB [P-1.8]", async () => {
    const bytes = new Uint8Array(maxEchoBytes).fill(0xa5);
    const response = await post(bytes, "application/octet-stream");
    assert.equal(response.status, 200);
    assert.ok(Buffer.from(bytes).equals(Buffer.from(await response.arrayBuffer())));
  });

  it("refuses a byte more, whether the length is announced or not [P-1.8]", async () => {
    const bytes = new Uint8Array(maxEchoBytes + 1);
    const chunked = { method: "POST", duplex: "half", body: new Blob([bytes]).stream() } as const;
    for (const response of [await post(bytes), await request("/echo", chunked)]) {
      assert.equal(response.status, 413);
      const { code, detail } = await problemOf(response);
      assert.deepEqual([code, detail], ["BODY_TOO_LARGE", "the body is larger than 1048576 bytes"]);
    }
  });

  it("refuses a Content-Type that is none", async () => {
    const response = await post(Uint8Array.of(1), "sound");
    assert.equal(response.status, 400);
    const { code, detail } = await problemOf(response);
    assert.deepEqual([code, detail], ["BAD_REQUEST", 'the Content-Type "sound" is not a media type such as audio/wav']);
  });
});

describe("other paths", () => {
  it("are not found, said in a way that programs read", async () => {
    for (const [method, path] of [
      ["GET", "/wsx"],
      ["POST", "/nothing"],
      ["DELETE", "/data/received"],
    ] as const) {
      const response = await request(path, { method });
      assert.equal(response.status, 404, `${method} ${path}`);
      const { code, detail } = await problemOf(response);
      assert.deepEqual([code, detail], ["NOT_FOUND", `${method} ${path} is not an endpoint`]);
    }
  });

  it("that are known take the methods that 405 tells", async () => {
    for (const [method, path, allowed] of [
      ["GET", "/echo", "POST"],
      ["PUT", "/echo", "POST"],
      ["POST", "/healthz", "GET, HEAD"],
      ["OPTIONS", "/healthz", "GET, HEAD"],
    ] as const) {
      const response = await request(path, { method });
      assert.deepEqual([response.status, response.headers.get("allow")], [405, allowed], `${method} ${path}`);
      const { code, detail } = await problemOf(response);
      assert.deepEqual([code, detail], ["METHOD_NOT_ALLOWED", `${path} does not take ${method}; allowed: ${allowed}`]);
    }
  });

  it("of WebSockets ask for an upgrade, without repeating the query, which may hold a token", async () => {
    for (const path of ["/ws", "/ws/kitchen", "/ws/echo", "/ws?token=secret", "/api/v1/live"]) {
      const response = await request(path);
      assert.equal(response.status, 426, path);
      assert.equal(response.headers.get("upgrade"), "websocket");
      const { code, detail } = await problemOf(response);
      assert.equal(code, "UPGRADE_REQUIRED");
      assert.equal(detail, `GET ${path.split("?")[0]} came without a WebSocket upgrade`);
    }
  });

  it("that cannot be decoded are malformed", async () => {
    const response = await request("/ws/%zz?token=secret");
    assert.equal(response.status, 400);
    const { code, detail } = await problemOf(response);
    assert.deepEqual([code, detail], ["BAD_REQUEST", "/ws/%zz is not a valid path: each % needs two hex digits"]);
  });

  it("are answered to HEAD without a body", async () => {
    const response = await request("/nothing", { method: "HEAD" });
    assert.deepEqual([response.status, await response.text()], [404, ""]);
  });
});

describe("what is no HTTP", () => {
  /** Status, code and detail of the answer, which is a problem. */
  const problemTo = async (text: string) => {
    const { status, type, body } = parseRawAnswer(await sendRaw(server.address.port, text)) ?? assert.fail("no answer");
    assert.equal(type, "application/problem+json");
    const problem = JSON.parse(body);
    assert.equal(problem.status, status);
    return [status, problem.code, problem.detail];
  };

  it("is answered with problem details, and then the connection ends", async () => {
    const malformed = [400, "BAD_REQUEST", "the request cannot be read as HTTP/1.1"];
    assert.deepEqual(await problemTo("hello\r\n\r\n"), malformed);
    assert.deepEqual(await problemTo("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"), malformed);
    const noHost = [400, "BAD_REQUEST", "the request has no Host header, which HTTP/1.1 requires"];
    assert.deepEqual(await problemTo("GET /healthz HTTP/1.1\r\n\r\n"), noHost);
    const long = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`;
    assert.deepEqual(await problemTo(long), [431, "HEADERS_TOO_LARGE", "path and headers exceed 16384 bytes"]);
  });

  it("is no expectation that nobody knows", async () => {
    const text = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: tea\r\n\r\n";
    assert.equal(parseRawAnswer(await sendRaw(server.address.port, text))?.status, 200);
  });
});
