// People and programs: how rights are asked for, logins, the set-up link, the audit log. test/access-rights.test.ts tells of each right.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { openTokenBook, roles, silentLog, systemClock, type TokenBook } from "@eet/server";
import { WebSocket } from "ws";
import { ApiServer } from "./support/api-server.ts";
import { OpenServer } from "./support/open-server.ts";

let folder: string;
let server: OpenServer;
let book: TokenBook;
let url: string;
const secrets: Record<string, string> = {};
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-roles-"));
  book = openTokenBook(join(folder, "data"), { clock: systemClock, log: silentLog });
  for (const role of roles) secrets[role] = book.create({ kind: "api", name: `a ${role}`, role }).secret;
  secrets["device"] = book.create({ kind: "device", name: "", hwidPattern: "*" }).secret;
  server = await OpenServer.open(folder, {});
  url = `http://127.0.0.1:${server.port}`;
});
after(async () => {
  book.close();
  await server.close();
  await rm(folder, { recursive: true });
});

describe("roles", () => {
  it("are asked for by 401, with what to send, before the body is read", async () => {
    const response = await fetch(`${url}/api/v1/devices`);
    assert.equal(response.headers.get("www-authenticate"), "Bearer");
    const { code, fix } = (await response.json()) as { code: string; fix: string };
    assert.equal(code, "CREDENTIALS_MISSING");
    assert.match(fix, /Authorization: Bearer/);
  });

  it("of a viewer or better are shown by /healthz how the server fares, others that it is alive", async () => {
    const fieldsFor = async (secret: string | undefined) => {
      const headers: Readonly<Record<string, string>> =
        secret === undefined ? {} : { authorization: `Bearer ${secret}` };
      return Object.keys((await (await fetch(`${url}/healthz`, { headers })).json()) as object);
    };
    for (const secret of [undefined, "eet_a_wrong", secrets["device"]]) {
      assert.deepEqual(await fieldsFor(secret), ["status"]);
    }
    for (const role of roles) {
      const fields = await fieldsFor(secrets[role]);
      for (const name of ["version", "connections", "disk", "uploads"]) assert.ok(fields.includes(name), name);
    }
  });

  it("let those who are to log in see the page", async () => {
    assert.notEqual((await fetch(url)).status, 401);
  });
});

describe("a login", () => {
  const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${url}/api/v1${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  async function logIn(origin = url): Promise<{ readonly cookie: string; readonly flags: string }> {
    const token = book.create({ kind: "api", name: "ann", role: "operator" }).secret;
    for (let tries = 0; ; tries++) {
      const response = await post("/login", { token }, { origin, host: new URL(origin).host });
      const [cookie = "", ...flags] = (response.headers.get("set-cookie") ?? "").split("; ");
      if (response.status === 204) return { cookie, flags: flags.join("; ") };
      // What another process made is known within a quarter of a second.
      assert.ok(tries < 8, `the login was answered with ${response.status}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  it("sets a cookie that no script reads and no other site sends, with the role of its token", async () => {
    const { cookie, flags } = await logIn();
    assert.match(cookie, /^eet_session=[A-Za-z0-9_-]{43}$/);
    assert.equal(flags, "Path=/; HttpOnly; SameSite=Strict; Max-Age=604800");
    const facts = (await (await fetch(`${url}/api/v1/access`, { headers: { cookie } })).json()) as object;
    const { token_id: tokenId, ...shown } = facts as { readonly token_id: string };
    assert.match(tokenId, /^a-[0-9a-f]{12}$/);
    assert.deepEqual(shown, {
      ...{ mode: "protected", name: "ann", role: "operator", is_session: true, setup_open: false, oidc: null },
    });
    assert.equal((await fetch(`${url}/api/v1/devices`, { headers: { cookie } })).status, 200);
    assert.equal((await fetch(`${url}/api/v1/tokens`, { headers: { cookie } })).status, 403);
  });

  it("sends its cookie over TLS only, where the page came by TLS", async () => {
    assert.match((await logIn(url.replace("http:", "https:"))).flags, /; SameSite=Strict; Max-Age=604800; Secure$/);
  });

  it("changes nothing for a page of another site that has the cookie sent", async () => {
    const { cookie } = await logIn();
    const response = await post("/retention/run", {}, { cookie, origin: "https://evil.example" });
    assert.equal(response.status, 403);
  });

  it("ends with the logout, and with its token: what runs is cut off within a second", async () => {
    const first = await logIn();
    assert.equal((await post("/logout", {}, { cookie: first.cookie })).status, 204);
    assert.equal((await fetch(`${url}/api/v1/devices`, { headers: { cookie: first.cookie } })).status, 401);
    const { cookie } = await logIn();
    const stream = await fetch(`${url}/api/v1/events/stream`, { headers: { cookie } });
    const viewer = new WebSocket(`${url.replace("http", "ws")}/api/v1/live`, { headers: { cookie } });
    await once(viewer, "open");
    const started = performance.now();
    book.revoke(book.list().at(-1)?.id ?? "");
    const reader = stream.body?.getReader();
    const streamEnd = (async () => {
      while (!((await reader?.read())?.done ?? true));
    })();
    await Promise.all([assert.rejects(streamEnd), once(viewer, "close")]);
    assert.ok(performance.now() - started < 1_000);
    assert.equal((await fetch(`${url}/api/v1/devices`, { headers: { cookie } })).status, 401);
  });

  it("fails with a wrong token and with that of a device, ten times a minute", async () => {
    const codes = [];
    for (const token of [secrets["device"], ...Array.from({ length: 12 }, () => "eet_a_wrong")]) {
      codes.push(((await (await post("/login", { token })).json()) as { code: string }).code);
    }
    assert.deepEqual(new Set(codes), new Set(["TOKEN_INVALID", "LOGIN_LIMIT"]));
    const late = await post("/login", { token: secrets["admin"] });
    assert.equal(late.status, 429);
    assert.ok(Number(late.headers.get("retry-after")) > 0);
  });

  it("and every change stand in the audit log, without a secret", async () => {
    const make = () =>
      fetch(`${url}/api/v1/tokens`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${secrets["admin"]}` },
        body: JSON.stringify({ hwid: "attic", name: "attic" }),
      });
    // A request is noted behind its answer; that the second token was made stands behind that on the disk.
    for (const request of [make, make]) await (await request()).text();
    const path = join(folder, "data", "audit", "audit.jsonl");
    const text = await readFile(path, "utf8");
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const acts = new Set(lines.map(({ act }) => act));
    for (const act of ["login", "login.failed", "logout", "request", "token.created"]) assert.ok(acts.has(act), act);
    const made = lines.find(({ act }) => act === "token.created");
    assert.deepEqual([made.who, made.role, made.address], ["a admin", "admin", "127.0.0.1"]);
    for (const secret of Object.values(secrets)) {
      assert.ok(!`${text}${JSON.stringify(server.lines)}`.includes(secret));
    }
  });
});

describe("the set-up link", () => {
  let other: string;
  afterEach(() => rm(other, { recursive: true }));

  it("is told at level warn as long as it leads anywhere, as it is nowhere else", async () => {
    other = await mkdtemp(join(tmpdir(), "eet-setup-"));
    const told: unknown[] = [];
    const note = (fields: Readonly<Record<string, unknown>>) => told.push(...Object.keys(fields));
    const log = { ...silentLog, level: "warn", warn: note, error: note };
    const setUps = async () => {
      await using _ = await ApiServer.open(other, {}, {}, { log });
      return told.splice(0).filter((name) => name === "setUp").length;
    };
    assert.equal(await setUps(), 1, "open to this machine");
    const made = openTokenBook(join(other, "data"), { clock: systemClock, log: silentLog });
    made.create({ kind: "device", name: "", hwidPattern: "*" });
    assert.equal(await setUps(), 1, "without an administrator");
    made.create({ kind: "api", name: "ann", role: "admin" });
    made.close();
    assert.equal(await setUps(), 0);
  });

  it("of the log makes the first administrator, once", async () => {
    other = await mkdtemp(join(tmpdir(), "eet-setup-"));
    await using fresh = await OpenServer.open(other, {});
    const line = fresh.lines.find(({ msg }) => msg.startsWith("open to this machine alone"));
    const link = new URL(String(line?.["setUp"]));
    assert.equal(`${link.origin}${link.pathname}`, `http://127.0.0.1:${fresh.port}/login`);
    const code = link.hash.slice("#setup=".length);
    const setUp = (given: string) =>
      fetch(`${link.origin}/api/v1/setup`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ code: given }),
      });
    assert.equal((await setUp("guess")).status, 403);
    const response = await setUp(code);
    assert.equal(response.status, 201);
    const { secret } = (await response.json()) as { secret: string };
    const [cookie = ""] = (response.headers.get("set-cookie") ?? "").split(";");
    const ask = (headers: Readonly<Record<string, string>>) =>
      fetch(`${link.origin}/api/v1/tokens`, { headers }).then(({ status }) => status);
    assert.deepEqual(
      await Promise.all([ask({}), ask({ cookie }), ask({ authorization: `Bearer ${secret}` })]),
      [401, 200, 200],
    );
    assert.equal((await setUp(code)).status, 403);
  });
});
