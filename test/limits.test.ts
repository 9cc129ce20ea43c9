// The limits of a real server, by their settings: named errors, and rows in /metrics.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json, text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { openTokenBook, silentLog, systemClock } from "@eet/server";
import { WebSocket } from "ws";
import { ApiServer } from "./support/api-server.ts";

const flags = {
  "trusted-proxies": "127.0.0.1",
  "insecure-open": "true",
  "max-connections-per-address": "2",
  "max-viewers-per-address": "1",
  "max-event-streams": "2",
  "max-api-requests-per-s": "1",
  "max-header-bytes": "4096",
  "headers-timeout-s": "0.5",
  "max-body-bytes": "1024",
  "max-json-depth": "5",
  "max-echo-bytes": "2048",
};

let folder: string;
let server: ApiServer;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-limits-"));
  server = await ApiServer.open(folder, flags);
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

type Headers = Readonly<Record<string, string>>;

const from = (address: string): Headers => ({ "x-forwarded-for": address });

async function ask(path: string, init?: RequestInit): Promise<string> {
  const response = await server.fetch(path, init);
  const body = await response.text();
  return response.ok ? String(response.status) : `${response.status} ${JSON.parse(body).code}`;
}

let lookCount = 0;

/** Who met a limit, since the start. */
async function metric(series: string): Promise<number> {
  // Each look from an address of its own: none is one too many.
  lookCount += 1;
  const headers = from(`198.51.100.${lookCount}`);
  const lines = (await (await server.fetch("/metrics", { headers })).text()).split("\n");
  return Number(lines.find((line) => line.startsWith(`${series} `))?.split(" ")[1]);
}

const refusals = (limit: string) => metric(`eet_limit_refusals_total{limit="${limit}"}`);

/** What an upgrade is answered with; one that is granted stays open until the test ends. */
async function upgrade(path: string, headers: Headers, open: WebSocket[]): Promise<string> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}${path}`, { headers });
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.on("unexpected-response", async (_request: unknown, response: IncomingMessage) => {
    resolve(`${response.statusCode} ${((await json(response)) as { code: string }).code}`);
  });
  socket.on("open", () => resolve("101"));
  socket.on("error", () => {});
  open.push(socket);
  return await promise;
}

async function close(open: readonly WebSocket[]): Promise<void> {
  for (const socket of open) socket.terminate();
}

/** Sends bytes, and reads what comes until the end. */
async function exchange(bytes: string): Promise<string> {
  const socket: Socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.on("error", () => {});
  socket.write(bytes);
  return await text(socket);
}

describe("limits of a request", () => {
  it("answers slow headers with 408 and ends the connection, and one that says nothing too", async () => {
    const slow = await exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    assert.match(slow, /^HTTP\/1.1 408 /);
    assert.match(slow, /"code":"REQUEST_TIMEOUT"/);
    assert.match(await exchange(""), /^HTTP\/1.1 408 |^$/);
    assert.ok((await refusals("REQUEST_TIMEOUT")) >= 1);
  });

  it("refuses headers that are too large with 431", async () => {
    const answer = await exchange(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Large: ${"x".repeat(5_000)}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1.1 431 /);
    assert.match(answer, /"code":"HEADERS_TOO_LARGE"/);
    assert.match(answer, /^content-security-policy: default-src 'none'/m);
    assert.equal(await refusals("HEADERS_TOO_LARGE"), 1);
  });

  it("refuses bodies that are too large, or too deep, and those of the echo", async () => {
    const post = (body: string) => ({ method: "POST", body, headers: { "content-type": "application/json" } });
    assert.equal(await ask("/api/v1/login", post(`{"token":"${"x".repeat(1_024)}"}`)), "413 BODY_TOO_LARGE");
    assert.equal(await ask("/api/v1/login", post(`${"[".repeat(500)}`)), "400 JSON_TOO_DEEP");
    assert.equal(await ask("/api/v1/login", post(`${"[".repeat(5)}${"]".repeat(5)}`)), "400 PARAMETER_INVALID");
    assert.equal(await ask("/echo", { method: "POST", body: "x".repeat(2_048) }), "200");
    assert.equal(await ask("/echo", { method: "POST", body: "x".repeat(2_049) }), "413 BODY_TOO_LARGE");
    assert.deepEqual([await refusals("BODY_TOO_LARGE"), await refusals("JSON_TOO_DEEP")], [2, 1]);
  });

  it("refuses a client that asks too often with 429, tells when to come back, and counts no file of the page", async () => {
    const headers = from("192.0.2.10");
    for (let count = 9; count >= 0; count -= 1) {
      const response = await server.fetch("/api/v1/devices", { headers });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("ratelimit-limit"), "10");
      assert.equal(response.headers.get("ratelimit-remaining"), String(count));
    }
    const refused = await server.fetch("/api/v1/devices", { headers });
    assert.equal(refused.status, 429);
    const { code } = (await refused.json()) as { code: string };
    assert.equal(code, "API_RATE_LIMIT");
    const waitS = Number(refused.headers.get("retry-after"));
    assert.ok(waitS >= 1 && waitS <= 10 && refused.headers.get("ratelimit-remaining") === "0");
    assert.equal(await ask("/healthz", { headers }), "200");
    assert.equal(await ask("/api/v1/devices", { headers: from("192.0.2.11") }), "200");
    assert.equal(await refusals("API_RATE_LIMIT"), 1);
  });
});

describe("limits of those who stay", () => {
  it("lets as many devices of an address in as may, and all of this machine", async () => {
    const open: WebSocket[] = [];
    const address = from("192.0.2.20");
    assert.equal(await upgrade("/ws/a", address, open), "101");
    assert.equal(await upgrade("/ws/b", address, open), "101");
    assert.equal(await upgrade("/ws/c", address, open), "429 ADDRESS_LIMIT");
    for (const hwid of ["d", "e", "f"]) assert.equal(await upgrade(`/ws/${hwid}`, {}, open), "101");
    assert.equal(await refusals("ADDRESS_LIMIT"), 1);
    assert.equal(await metric('eet_limit_used{limit="ADDRESS_LIMIT"}'), 2);
    assert.equal(await metric('eet_limit_allowed{limit="ADDRESS_LIMIT"}'), 2);
    await close(open);
  });

  it("lets as many viewers of an address in as may", async () => {
    const open: WebSocket[] = [];
    const address = from("192.0.2.21");
    assert.equal(await upgrade("/api/v1/live", address, open), "101");
    assert.equal(await upgrade("/api/v1/live", address, open), "429 VIEWER_ADDRESS_LIMIT");
    assert.equal(await upgrade("/api/v1/live", from("192.0.2.22"), open), "101");
    await close(open);
  });

  it("lets as many follow the events as may, of an address and in all", async () => {
    const ends = [new AbortController(), new AbortController()];
    const follow = (headers: Headers, end?: AbortController) =>
      server.fetch("/api/v1/events/stream", { headers, signal: end?.signal ?? null });
    assert.equal((await follow(from("192.0.2.30"), ends[0])).status, 200);
    assert.equal(await ask("/api/v1/events/stream", { headers: from("192.0.2.30") }), "429 VIEWER_ADDRESS_LIMIT");
    assert.equal((await follow({}, ends[1])).status, 200);
    assert.equal(await ask("/api/v1/events/stream"), "503 EVENT_STREAM_LIMIT");
    assert.equal(await metric('eet_limit_used{limit="EVENT_STREAM_LIMIT"}'), 2);
    for (const end of ends) end.abort();
  });
});

describe("answers", () => {
  it("tell browsers to run, to show in frames and to use nothing", async () => {
    for (const path of ["/api/v1/devices", "/healthz", "/nothing", "/metrics"]) {
      const { headers } = await server.fetch(path);
      assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none'.*frame-ancestors 'none'/, path);
      assert.equal(headers.get("x-content-type-options"), "nosniff", path);
      assert.equal(headers.get("x-frame-options"), "DENY", path);
      assert.equal(headers.get("referrer-policy"), "no-referrer", path);
      assert.match(headers.get("permissions-policy") ?? "", /microphone=\(\)/, path);
    }
    const docs = (await server.fetch("/api/docs/")).headers.get("content-security-policy");
    assert.match(docs ?? "", /script-src 'self'/);
  });
});

describe("limits of a server that asks for tokens", () => {
  it("counts requests by token, and waits of who guesses by its own setting", async () => {
    const data = join(folder, "tokens");
    const book = openTokenBook(join(data, "data"), { clock: systemClock, log: silentLog });
    const make = (name: string) => book.create({ kind: "api", name, role: "viewer" }).secret;
    const [first, second] = [make("first"), make("second")];
    book.close();
    await using guarded = await ApiServer.open(data, { "max-api-requests-per-s": "1", "max-failed-logins": "2" });
    const statusFor = async (secret: string) => {
      return (await guarded.fetch("/api/v1/devices", { headers: { authorization: `Bearer ${secret}` } })).status;
    };
    for (let count = 0; count < 10; count += 1) assert.equal(await statusFor(first), 200);
    assert.equal(await statusFor(first), 429);
    assert.equal(await statusFor(second), 200);
    const wrong = `eet_a_${"x".repeat(43)}`;
    assert.deepEqual([await statusFor(wrong), await statusFor(wrong), await statusFor(wrong)], [401, 401, 429]);
    assert.equal(await statusFor(second), 200);
  });
});

describe("limits of a server that is open to its machine alone", () => {
  it("count no request from there, and close TCP connections that are too many", async () => {
    await using small = await ApiServer.open(join(folder, "small"), {
      ...{ "max-connections": "1", "max-sockets": "16", "max-api-requests-per-s": "1" },
    });
    for (let count = 0; count < 20; count += 1) {
      const response = await small.fetch("/api/v1/devices");
      await response.body?.cancel();
      assert.equal(response.status, 200);
    }
    const port = Number(new URL(small.url).port);
    const sockets = Array.from({ length: 20 }, () => connect(port, "127.0.0.1"));
    for (const socket of sockets) socket.on("error", () => {});
    const [dropped] = await Promise.race(sockets.map(async (socket) => [await once(socket, "close")]));
    assert.ok(dropped !== undefined);
    for (const socket of sockets) socket.destroy();
    await Promise.all(sockets.map((socket) => (socket.closed ? undefined : once(socket, "close"))));
    // Those that were let in are counted out once their end has come.
    let metrics = "";
    while (!metrics.includes("eet_limit_refusals_total")) {
      metrics = await small.fetch("/metrics").then(
        (response) => response.text(),
        () => "",
      );
    }
    assert.match(metrics, /^eet_limit_refusals_total\{limit="SOCKET_LIMIT"\} [1-9]/m);
  });
});
