// Behind a proxy: who is believed about the client, and what follows from it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type IncomingMessage, request as openRequest } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { openTokenBook, silentLog, systemClock } from "@eet/server";
import { WebSocket } from "ws";
import { OpenServer } from "./support/open-server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

let folder: TemporaryFolder;
before(async () => {
  folder = await makeTemporaryFolder();
});
after(() => folder[Symbol.asyncDispose]());

type Headers = Readonly<Record<string, string>>;

/** As a proxy on this machine asks, for a client. */
async function ask(server: OpenServer, path: string, headers: Headers, body?: object) {
  const request = openRequest({
    ...{ host: "127.0.0.1", port: server.port, path, method: body === undefined ? "GET" : "POST" },
    headers: { ...(body && { "content-type": "application/json" }), ...headers },
  });
  request.end(body && JSON.stringify(body));
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const answer = await text(response);
  const { code } = answer.startsWith("{") ? (JSON.parse(answer) as { readonly code?: string }) : {};
  return { status: response.statusCode, code, cookie: response.headers["set-cookie"]?.[0] ?? "" };
}

async function upgrade(server: OpenServer, path: string, headers: Headers): Promise<number | undefined> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { headers });
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  socket.on("unexpected-response", (_request, response) => resolve(response.statusCode));
  socket.on("open", () => resolve(101));
  socket.on("error", () => {});
  const status = await promise;
  socket.terminate();
  return status;
}

/** Opens a server with an administrator. */
async function open(name: string, flags: Headers): Promise<{ readonly server: OpenServer; readonly secret: string }> {
  const path = join(folder.path, name);
  const book = openTokenBook(join(path, "data"), { clock: systemClock, log: silentLog });
  const { secret } = book.create({ kind: "api", name: "ann", role: "admin" });
  book.close();
  return { server: await OpenServer.open(path, { "allowed-hosts": "eet.example.org", ...flags }), secret };
}

async function readAudit(name: string): Promise<readonly { readonly act: string; readonly address?: string }[]> {
  const lines = (await readFile(join(folder.path, name, "data", "audit", "audit.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as { readonly act: string; readonly address?: string });
}

const forwarded = (client: string): Headers => ({
  ...{ host: "127.0.0.1:5096", "x-forwarded-for": client, "x-forwarded-proto": "https" },
  "x-forwarded-host": "eet.example.org",
});

describe("a server behind a proxy that it trusts", () => {
  let server: OpenServer;
  let secret: string;
  before(async () => {
    ({ server, secret } = await open("trusting", { "trusted-proxies": "10.0.0.0/8, 127.0.0.1" }));
  });
  after(() => server.close());

  it("counts wrong credentials by the client, not by the proxy", async () => {
    const wrong = (client: string) => ask(server, "/api/v1/login", forwarded(client), { token: "wrong" });
    const codes: (string | undefined)[] = [];
    for (let count = 0; count < 11; count += 1) codes.push((await wrong("203.0.113.7")).code);
    assert.equal(codes.at(-1), "LOGIN_LIMIT");
    assert.equal((await wrong("203.0.113.8")).code, "TOKEN_INVALID", "another client");
    assert.equal(
      (await wrong("198.51.100.1, 203.0.113.7")).code,
      "LOGIN_LIMIT",
      "what the client itself wrote is not believed",
    );
    assert.equal((await wrong("203.0.113.7, 10.1.2.3")).code, "LOGIN_LIMIT", "over two proxies");
  });

  it("leaves out the port of a client, and counts by the proxy where it names no address", async () => {
    const fail = async (client: string) =>
      (await ask(server, "/api/v1/login", forwarded(client), { token: "wrong" })).code;
    for (let count = 0; count < 10; count += 1) await fail(`203.0.113.20:${50_000 + count}`);
    assert.equal(await fail("203.0.113.20"), "LOGIN_LIMIT");
    for (const client of ["[2001:4860::20]:443", "[2001:4860::20]"]) await fail(client);
    const audit = await readAudit("trusting");
    assert.deepEqual(
      audit.slice(-2).map(({ address }) => address),
      ["2001:4860::20", "2001:4860::20"],
    );
    await fail("203..4");
    assert.equal((await readAudit("trusting")).at(-1)?.address, "127.0.0.1");
  });

  it("sets Secure where the client came by TLS, and notes the client's address", async () => {
    const login = await ask(server, "/api/v1/login", forwarded("203.0.113.9"), { token: secret });
    assert.equal(login.status, 204);
    assert.match(login.cookie, /; Secure/);
    const { act, address } = (await readAudit("trusting")).at(-1) ?? {};
    assert.deepEqual([act, address], ["login", "203.0.113.9"]);
    const plain = { ...forwarded("203.0.113.9"), "x-forwarded-proto": "http" };
    assert.doesNotMatch((await ask(server, "/api/v1/login", plain, { token: secret })).cookie, /Secure/);
  });

  it("takes host and origin as the client has them", async () => {
    const headers = { ...forwarded("203.0.113.9"), authorization: `Bearer ${secret}` };
    assert.equal((await ask(server, "/api/v1/devices", headers)).status, 200);
    const rebound = { ...headers, "x-forwarded-host": "evil.example" };
    assert.equal((await ask(server, "/api/v1/devices", rebound)).code, "HOST_REFUSED");
    const own = { ...headers, origin: "https://eet.example.org" };
    assert.equal(await upgrade(server, "/api/v1/live", own), 101);
    assert.equal(await upgrade(server, "/api/v1/live", { ...own, origin: "https://evil.example" }), 403);
  });

  it("tells the client's address in the log", async () => {
    assert.equal(await upgrade(server, "/ws/kitchen", forwarded("203.0.113.10")), 401);
    const line = server.lines.find(({ msg }) => msg === "connection refused");
    assert.match(String(line?.["remote"]), /^203\.0\.113\.10 by 127\.0\.0\.1:\d+$/);
  });
});

describe("a server that trusts no proxy, or another one", () => {
  it("believes nothing of what is said about the client, and says once what to do", async () => {
    const { server, secret } = await open("doubting", { "trusted-proxies": "192.0.2.1" });
    await using _closing = server;
    const login = await ask(server, "/api/v1/login", forwarded("203.0.113.9"), { token: secret });
    assert.equal(login.status, 204);
    assert.doesNotMatch(login.cookie, /Secure/);
    assert.equal((await readAudit("doubting")).at(-1)?.address, "127.0.0.1");
    const rebound = { host: "evil.example", "x-forwarded-host": "eet.example.org" };
    assert.equal((await ask(server, "/healthz", rebound)).code, "HOST_REFUSED");
    const codes: (string | undefined)[] = [];
    for (let count = 0; count < 11; count += 1) {
      codes.push((await ask(server, "/api/v1/login", forwarded(`203.0.113.${count}`), { token: "wrong" })).code);
    }
    assert.equal(codes.at(-1), "LOGIN_LIMIT", "one client, whatever it claims");
    const told = server.lines.filter(({ msg }) => msg.startsWith("X-Forwarded-* is ignored"));
    assert.equal(told.length, 1);
    assert.match(String(told[0]?.["fix"]), /--trusted-proxies/);
  });

  it("does not start without tokens where a proxy brings the network to it", async () => {
    const opened = OpenServer.open(join(folder.path, "open"), { "trusted-proxies": "127.0.0.1" });
    await assert.rejects(opened, { code: "ACCESS_OPEN", message: /^--trusted-proxies 127\.0\.0\.1 lets the network/ });
  });
});

describe("a server that is open because only its machine reaches it", () => {
  const proxied: Headers = { "x-forwarded-for": "203.0.113.9" };
  let server: OpenServer;
  before(async () => {
    server = await OpenServer.open(join(folder.path, "local"), {});
  });
  after(() => server.close());

  it("answers nothing of what a proxy brings that nobody named, and says what to do", async () => {
    for (const headers of [
      proxied,
      { "x-forwarded-proto": "https" },
      { forwarded: "for=203.0.113.9" },
      { "x-real-ip": "203.0.113.9" },
    ]) {
      for (const path of ["/api/v1/devices", "/", "/healthz", "/metrics"]) {
        const { status, code } = await ask(server, path, headers);
        assert.deepEqual([status, code], [403, "PROXY_UNKNOWN"], `${path} ${JSON.stringify(headers)}`);
      }
    }
    assert.equal((await ask(server, "/api/v1/tokens", proxied, { role: "admin" })).code, "PROXY_UNKNOWN");
    for (const path of ["/api/v1/live", "/ws/kitchen", "/ws/echo"]) {
      assert.equal(await upgrade(server, path, proxied), 403, path);
    }
    const told = server.lines.filter(({ msg }) => msg.startsWith("a proxy that nobody named"));
    assert.equal(told.length, 1);
    assert.match(String(told[0]?.["fix"]), /--trusted-proxies.*eet token create/);
  });

  it("answers its own machine", async () => {
    assert.equal((await ask(server, "/api/v1/devices", {})).status, 200);
    assert.equal(await upgrade(server, "/ws/kitchen", {}), 101);
  });

  it("answers what the proxy brings once it asks for tokens, or where --insecure-open insists", async () => {
    const { server: guarded, secret } = await open("unnamed", {});
    await using _guarded = guarded;
    const headers = { ...proxied, authorization: `Bearer ${secret}` };
    assert.equal((await ask(guarded, "/api/v1/devices", headers)).status, 200);
    assert.equal((await ask(guarded, "/api/v1/devices", proxied)).code, "CREDENTIALS_MISSING");
    await using insistent = await OpenServer.open(join(folder.path, "insistent"), { "insecure-open": "true" });
    assert.equal((await ask(insistent, "/api/v1/devices", proxied)).status, 200);
    assert.ok(insistent.lines.some(({ msg }) => msg.startsWith("INSECURE: everybody")));
  });
});
