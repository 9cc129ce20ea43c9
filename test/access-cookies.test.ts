// How the cookie of a login is kept from what is not encrypted, and by which scheme a page counts as the server's own.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request as openPlainRequest } from "node:http";
import { request as openTlsRequest } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { subprotocols } from "@eet/protocol";
import { openTokenBook, silentLog, systemClock } from "@eet/server";
import { WebSocket } from "ws";
import { Authority, writeServerFiles } from "./support/certificates.ts";
import { OpenServer } from "./support/open-server.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

type Headers = Readonly<Record<string, string>>;

const stack = new AsyncDisposableStack();
let authority: Authority;
/** Of an administrator, by the name of the server. */
const secrets = new Map<string, string>();
/** Behind a proxy that ends TLS and that nobody named. */
let behind: OpenServer;
/** Speaks TLS itself. */
let tls: OpenServer;
/** In clear text, and known by no address. */
let plain: OpenServer;
before(async () => {
  const folder = stack.use(await makeTemporaryFolder()).path;
  authority = await Authority.make("EET test");
  const files = await writeServerFiles(folder, await authority.server());
  const open = async (name: string, flags: Headers) => {
    const book = openTokenBook(join(folder, name, "data"), { clock: systemClock, log: silentLog });
    const made = book.create({ kind: "api", name: "ann", role: "admin" });
    book.close();
    secrets.set(name, made.secret);
    return stack.use(await OpenServer.open(join(folder, name), flags));
  };
  behind = await open("behind", { "public-url": "https://eet.example.org" });
  tls = await open("tls", { ...files });
  plain = await open("plain", {});
});
after(() => stack.disposeAsync());

async function ask(server: OpenServer, path: string, headers: Headers = {}, body?: object) {
  const isTls = server === tls;
  const method = body === undefined ? "GET" : "POST";
  const json: Headers = body === undefined ? {} : { "content-type": "application/json" };
  const options = { host: "127.0.0.1", port: server.port, path, method, headers: { ...json, ...headers } };
  const request = isTls ? openTlsRequest({ ...options, ca: authority.pem }) : openPlainRequest(options);
  request.end(body && JSON.stringify(body));
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, answer: await text(response) };
}

/** The lines by which a login sets its cookie. */
async function logIn(server: OpenServer, name: string, headers: Headers = {}): Promise<readonly string[]> {
  const { status, headers: answered } = await ask(server, "/api/v1/login", headers, { token: secrets.get(name) });
  assert.equal(status, 204);
  return answered["set-cookie"] ?? [];
}

const nameOf = async (server: OpenServer, cookie: string) =>
  (JSON.parse((await ask(server, "/api/v1/access", { cookie })).answer) as { name: string | null }).name;

const secure = /^__Host-eet_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=604800; Secure$/;
const open = /^eet_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=604800$/;

describe("the cookie of a login", () => {
  it("goes over TLS alone, to no other host and path, where the page comes by TLS", async () => {
    for (const [server, name] of [
      [behind, "behind"],
      [tls, "tls"],
    ] as const) {
      const [line = "", ...others] = await logIn(server, name);
      assert.match(line, secure);
      assert.deepEqual(others, []);
      assert.equal(await nameOf(server, line.split(";")[0] ?? ""), "ann");
    }
    const [line = ""] = await logIn(behind, "behind", { host: "eet.example.org", origin: "https://eet.example.org" });
    assert.match(line, secure);
  });

  it("is one that a browser keeps where the page comes in clear text", async () => {
    assert.match((await logIn(plain, "plain"))[0] ?? "", open);
    const origin = `http://127.0.0.1:${behind.port}`;
    assert.match((await logIn(behind, "behind", { origin }))[0] ?? "", open);
  });

  it("counts before one without the prefix, which anything else on this host may have set", async () => {
    const [line = ""] = await logIn(tls, "tls");
    const cookie = line.split(";")[0] ?? "";
    assert.equal(await nameOf(tls, `eet_session=other; ${cookie}`), "ann");
    assert.equal(await nameOf(tls, cookie.replace("__Host-", "")), "ann", "of an earlier version");
    assert.equal(await nameOf(tls, `${cookie.replace("__Host-", "")}; __Host-eet_session=other`), null);
  });

  it("is taken back under both names", async () => {
    const [line = ""] = await logIn(tls, "tls");
    const cookie = line.split(";")[0] ?? "";
    const { headers } = await ask(tls, "/api/v1/logout", { cookie }, {});
    assert.deepEqual(headers["set-cookie"], [
      "__Host-eet_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure",
      "eet_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure",
    ]);
    assert.equal(await nameOf(tls, cookie), null);
  });
});

describe("answers", () => {
  it("tell browsers to come by TLS from now on, where the server is found by it, and only there", async () => {
    for (const path of ["/", "/api/v1/access", "/api/v1/devices", "/nothing"]) {
      for (const server of [behind, tls]) {
        assert.equal((await ask(server, path)).headers["strict-transport-security"], "max-age=2592000", path);
      }
      assert.equal((await ask(plain, path)).headers["strict-transport-security"], undefined, path);
    }
  });
});

describe("a page in clear text", () => {
  const refused = async (server: OpenServer, headers: Headers) => {
    const { status, answer } = await ask(server, "/api/v1/logout", headers, {});
    return status === 403 && answer.includes("ORIGIN_REFUSED");
  };

  it("of the same name changes nothing on a server that is found by TLS", async () => {
    const host = "eet.example.org";
    assert.ok(await refused(behind, { host, origin: `http://${host}` }));
    assert.ok(!(await refused(behind, { host, origin: `https://${host}` })));
    assert.ok(await refused(tls, { host, origin: `http://${host}` }));
    assert.ok(!(await refused(tls, { host, origin: `https://${host}` })));
    assert.ok(!(await refused(plain, { host: "localhost", origin: "https://localhost" })), "a proxy may end TLS");
  });

  it("of the same name records by nobody's login there", async () => {
    const [line = ""] = await logIn(tls, "tls");
    const connect = async (origin: string) => {
      const socket = new WebSocket(`wss://127.0.0.1:${tls.port}/ws/mic`, [subprotocols.v1Ack], {
        ...{ ca: authority.pem, headers: { host: "eet.example.org", origin, cookie: line.split(";")[0] } },
      });
      const { promise, resolve } = Promise.withResolvers<number | undefined>();
      socket.on("unexpected-response", (_request: unknown, response: IncomingMessage) => resolve(response.statusCode));
      socket.on("open", () => resolve(101));
      socket.on("error", () => resolve(undefined));
      const status = await promise;
      socket.terminate();
      return status;
    };
    assert.equal(await connect("http://eet.example.org"), 401);
    assert.equal(await connect("https://eet.example.org"), 101);
  });
});
