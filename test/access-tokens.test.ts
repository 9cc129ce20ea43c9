// Devices by their tokens: who is let in, how refusals are told, how soon a revocation counts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type IncomingMessage, request as openRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json, text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, it } from "node:test";
import { formatHandshake } from "@eet/protocol";
import { openTokenBook, silentLog, systemClock, type TokenBook } from "@eet/server";
import { WebSocket } from "ws";
import { OpenServer } from "./support/open-server.ts";

const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const handshake = formatHandshake({ streamId: 7, format, timestampMs: 1_700_000_000_000n });

let folder: string;
/** As another process has it open. */
let book: TokenBook;
let kitchen: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-tokens-"));
  book = openTokenBook(join(folder, "data"), { clock: systemClock, log: silentLog });
});
afterEach(async () => {
  book.close();
  await rm(folder, { recursive: true });
});

type Headers = Readonly<Record<string, string>>;

interface Answer {
  /** Of the answer; 101 for an upgrade. */
  readonly status: number | undefined;
  readonly code?: string;
  readonly protocol?: string;
  /** Of the CLOSE that followed. */
  readonly close?: number;
}

/** Connects, and waits for a CLOSE where one is to come. */
async function connect(url: string, headers: Headers = {}, protocols: string[] = []): Promise<Answer> {
  const socket = new WebSocket(url, protocols, { headers });
  const { promise, resolve } = Promise.withResolvers<Answer>();
  socket.on("unexpected-response", async (_request: unknown, response: IncomingMessage) => {
    const { code } = (await json(response)) as { code: string };
    resolve({ status: response.statusCode, code });
  });
  socket.on("open", () => {
    const { protocol } = socket;
    socket.once("close", (close) => resolve({ status: 101, protocol, close }));
    // What is admitted answers this, what is refused has sent its CLOSE before.
    socket.once("pong", () => resolve({ status: 101, protocol }));
    socket.ping();
  });
  socket.on("error", () => {});
  const answer = await promise;
  socket.terminate();
  return answer;
}

const basic = (user: string, secret: string) => `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`;
const offer = (secret: string) => `eet.bearer.${Buffer.from(secret).toString("base64url")}`;
const refused = (status: number, code: string) => ({ status, code });

describe("a server without any token", () => {
  it("does not start where the network reaches it, and says how to make one or to insist", async () => {
    await assert.rejects(OpenServer.open(folder, { host: "0.0.0.0" }), {
      code: "ACCESS_OPEN",
      message: /eet token create.*--insecure-open/,
    });
  });

  it("starts there when one insists, and says so loudly", async () => {
    await using server = await OpenServer.open(folder, { host: "0.0.0.0", "insecure-open": "true" });
    await server.line("INSECURE: everybody who reaches this server may do everything");
    const url = `http://127.0.0.1:${server.port}`;
    const { access } = (await (await fetch(`${url}/healthz`)).json()) as { access: string };
    assert.equal(access, "insecure-open");
    assert.match(await (await fetch(`${url}/metrics`)).text(), /^eet_insecure_open 1$/m);
    const facts = (await (await fetch(`${url}/api/v1/access`)).json()) as { mode: string };
    assert.equal(facts.mode, "insecure-open");
  });

  it("lets its own machine do everything, and asks for tokens from the first one on", async () => {
    await using server = await OpenServer.open(folder, {});
    const url = `http://127.0.0.1:${server.port}`;
    assert.equal((await fetch(`${url}/api/v1/devices`)).status, 200);
    const device = new WebSocket(`${server.url}/kitchen`);
    await once(device, "open");
    device.send(handshake);
    const closed = once(device, "close");
    const started = performance.now();
    book.create({ kind: "api", name: "first", role: "admin" });
    await closed;
    assert.ok(performance.now() - started < 1_000);
    assert.equal((await fetch(`${url}/api/v1/devices`)).status, 401);
    assert.deepEqual(await connect(`${server.url}/kitchen`), refused(401, "CREDENTIALS_MISSING"));
  });

  it("starts on all interfaces once there is a token", async () => {
    book.create({ kind: "device", name: "", hwidPattern: "*" });
    await using server = await OpenServer.open(folder, { host: "0.0.0.0" });
    assert.deepEqual(await connect(`${server.url}/kitchen`), refused(401, "CREDENTIALS_MISSING"));
  });
});

describe("a device", () => {
  let server: OpenServer;
  beforeEach(async () => {
    kitchen = book.create({ kind: "device", name: "kitchen", hwidPattern: "kitchen-*" }).secret;
    server = await OpenServer.open(folder, {});
  });
  afterEach(() => server.close());

  it("is let in by each way to bring a token, under the ids that it is for [P-3.1]", async () => {
    const url = `${server.url}/kitchen-1`;
    const admitted = { status: 101, protocol: "" };
    assert.deepEqual(await connect(url, { authorization: `Bearer ${kitchen}` }), admitted);
    assert.deepEqual(await connect(url, { authorization: `bearer ${kitchen}` }), admitted);
    for (const user of ["kitchen-1", "kitchen:1".replace(":", "-"), ""]) {
      assert.deepEqual(await connect(url, { authorization: basic(user, kitchen) }), admitted, user);
    }
    assert.deepEqual(await connect(url, {}, ["eet.v1", offer(kitchen)]), { status: 101, protocol: "eet.v1" });
    assert.deepEqual(await connect(`${server.url}/echo`, { authorization: `Bearer ${kitchen}` }), admitted);
  });

  it("is let in at once by a token that another process has made this moment", async () => {
    for (const name of ["barn", "cellar", "gate"]) {
      const { secret } = book.create({ kind: "device", name, hwidPattern: name });
      const answer = await connect(`${server.url}/${name}`, { authorization: `Bearer ${secret}` });
      assert.deepEqual(answer, { status: 101, protocol: "" });
    }
  });

  it("is refused before the upgrade without a token, with a wrong one, under another id", async () => {
    const url = `${server.url}/kitchen-1`;
    const bearer = { authorization: `Bearer ${kitchen}` };
    const admin = book.create({ kind: "api", name: "", role: "admin" }).secret;
    assert.deepEqual(await connect(url), refused(401, "CREDENTIALS_MISSING"));
    assert.deepEqual(await connect(url, { authorization: "Digest abc" }), refused(401, "CREDENTIALS_MISSING"));
    for (const secret of ["x", kitchen.slice(0, -1), `${kitchen}A`, kitchen.toUpperCase(), kitchen.slice(6)]) {
      assert.deepEqual(await connect(url, { authorization: `Bearer ${secret}` }), refused(401, "TOKEN_INVALID"));
    }
    for (const path of ["garden", "kitchen", "", "xkitchen-1"]) {
      assert.deepEqual(await connect(`${server.url}/${path}`, bearer), refused(403, "HWID_REFUSED"), path);
    }
    assert.deepEqual(await connect(`${server.url}`, bearer), refused(403, "HWID_REFUSED"));
    assert.deepEqual(await connect(url, { authorization: basic("kitchen-2", kitchen) }), refused(403, "HWID_REFUSED"));
    await server.line("tokens are asked for");
    await assert.doesNotReject(connect(url, bearer));
    assert.notEqual((await connect(url, { authorization: `Bearer ${admin}` })).status, 101);
  });

  it("is told by a CLOSE where the token came as a subprotocol: browsers see nothing else [P-3.1]", async () => {
    const close = async (path: string, secret: string) =>
      (await connect(`${server.url}/${path}`, {}, ["eet.v1+ack", "eet.v1", offer(secret)])).close;
    assert.equal(await close("kitchen-1", "wrong"), 4401);
    assert.equal(await close("garden", kitchen), 4403);
    // With the one above these are ten in a minute.
    for (let count = 0; count < 9; count += 1) assert.equal(await close("kitchen-1", "wrong"), 4401);
    assert.equal(await close("kitchen-1", "wrong"), 4429, "to come back later");
    assert.equal(await close("kitchen-1", kitchen), undefined, "who has a good one is let in all the same");
  });

  it("is judged by the first credentials that are present [P-3.1]", async () => {
    const url = `${server.url}/kitchen-1`;
    const wrong = { authorization: "Bearer wrong" };
    assert.deepEqual(await connect(url, wrong, ["eet.v1", offer(kitchen)]), refused(401, "TOKEN_INVALID"));
    const right = { authorization: `Bearer ${kitchen}` };
    assert.equal((await connect(url, right, ["eet.v1", offer("wrong")])).close, undefined);
  });

  it("brings no token in the address unless that is on, and then it is in no log [P-3.1]", async () => {
    const path = `kitchen-1?token=${kitchen}`;
    assert.deepEqual(await connect(`${server.url}/${path}`), refused(401, "CREDENTIALS_MISSING"));
    await server.close();
    server = await OpenServer.open(folder, { "token-in-url": "true" });
    assert.deepEqual(await connect(`${server.url}/${path}`), { status: 101, protocol: "" });
    assert.deepEqual(await connect(`${server.url}/garden?token=${kitchen}`), refused(403, "HWID_REFUSED"));
    assert.deepEqual(await connect(`${server.url}/kitchen-1?token=x`), refused(401, "TOKEN_INVALID"));
    for (const target of [`/ws/${path}`, `/api/v1/devices?token=${kitchen}`, `/nothing?token=${kitchen}`]) {
      const request = openRequest({ host: "127.0.0.1", port: server.port, path: target });
      request.end();
      const [response] = (await once(request, "response")) as [IncomingMessage];
      assert.ok(!(await text(response)).includes(kitchen), target);
    }
    await server.close();
    assert.ok(!JSON.stringify(server.lines).includes(kitchen));
  });

  it("has a page of another site let in only with a token, which a page does not get by itself [P-3.2]", async () => {
    const origin = "https://studio.example";
    const url = `${server.url}/kitchen-1`;
    assert.equal((await connect(url, { origin }, ["eet.v1", offer(kitchen)])).close, undefined);
    assert.equal((await connect(url, { origin })).status, 403);
  });

  it("is cut off within a second of a revocation by another process, and of the end of its time", async () => {
    const streaming = async (secret: string, protocols: string[] = []) => {
      const socket = new WebSocket(`${server.url}/kitchen-1`, protocols, {
        headers: { authorization: `Bearer ${secret}` },
      });
      await once(socket, "open");
      socket.send(handshake);
      return { socket, closed: once(socket, "close") as Promise<[number]> };
    };
    const [first] = book.list();
    const short = book.create({ kind: "device", name: "", hwidPattern: "*", lifetimeMs: 1_500 }).secret;
    await server.line("tokens are asked for");
    const plain = await streaming(kitchen);
    const acked = await streaming(kitchen, ["eet.v1+ack"]);
    const ending = await connectWhenKnown(() => streaming(short));
    const started = performance.now();
    book.revoke(first?.id ?? "");
    const [[plainCode], [ackedCode]] = await Promise.all([plain.closed, acked.closed]);
    assert.ok(performance.now() - started < 1_000, `it took ${performance.now() - started} ms`);
    assert.deepEqual([plainCode, ackedCode], [1006, 4401]);
    await ending.closed;
    assert.deepEqual(
      await connect(`${server.url}/kitchen-1`, { authorization: `Bearer ${kitchen}` }),
      refused(401, "TOKEN_INVALID"),
    );
  });

  it("goes on with the old token for the overlap of a rotation", async () => {
    const [token] = book.list();
    const { secret } = book.rotate(token?.id ?? "", { overlapMs: 1_000 });
    const bearer = (value: string) => ({ authorization: `Bearer ${value}` });
    const url = `${server.url}/kitchen-1`;
    await connectWhenKnown(async () => assert.equal((await connect(url, bearer(secret))).status, 101));
    const socket = new WebSocket(url, { headers: bearer(kitchen) });
    await once(socket, "open");
    await once(socket, "close");
    assert.deepEqual(await connect(url, bearer(kitchen)), refused(401, "TOKEN_INVALID"));
    assert.equal((await connect(url, bearer(secret))).status, 101);
  });

  it("that guesses is told to wait, while the right token goes on counting", async () => {
    const url = `${server.url}/kitchen-1`;
    const codes = [];
    for (let guess = 0; guess < 11; guess++) codes.push((await connect(url, { authorization: "Bearer x" })).code);
    assert.deepEqual(codes, [...Array.from({ length: 10 }, () => "TOKEN_INVALID"), "LOGIN_LIMIT"]);
    assert.equal((await connect(url, { authorization: `Bearer ${kitchen}` })).status, 101);
  });
});

/** What another process made is known within a quarter of a second. */
async function connectWhenKnown<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === 8) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

describe("the tokens on the disk", () => {
  it("are hashes, with the use of each, in a file for the owner alone", async () => {
    kitchen = book.create({ kind: "device", name: "kitchen", hwidPattern: "*" }).secret;
    const server = await OpenServer.open(folder, {});
    assert.equal((await connect(`${server.url}/kitchen-1`, { authorization: `Bearer ${kitchen}` })).status, 101);
    await server.close();
    const again = openTokenBook(join(folder, "data"), { clock: systemClock, log: silentLog });
    const [token] = again.list();
    again.close();
    assert.ok(Date.now() - (token?.lastUsedMs ?? 0) < 60_000);
    const bytes = await readFile(join(folder, "data", "access.db"));
    assert.ok(!bytes.includes(kitchen) && !bytes.includes(kitchen.slice(6)));
  });
});
