// The page as a device by its login, and the devices that the server plays itself: who is let in without a token of a device.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { json } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { formatHandshake, subprotocols } from "@eet/protocol";
import { openTokenBook, type Role, silentLog, systemClock, type TokenBook } from "@eet/server";
import { WebSocket } from "ws";
import { OpenServer } from "./support/open-server.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";
import { untilEvent } from "./support/until-event.ts";

const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const handshake = formatHandshake({ streamId: 7, format, timestampMs: 1_700_000_000_000n });

type Headers = Readonly<Record<string, string>>;

function post(origin: string, path: string, body: unknown, headers: Headers = {}): Promise<Response> {
  return fetch(`${origin}/api/v1${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** `in`, the code of the CLOSE, or the error of the refused upgrade. */
async function connect(url: string, headers: Headers): Promise<string> {
  const socket = new WebSocket(url, [subprotocols.v1Ack], { headers });
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.on("unexpected-response", async (_request: unknown, response: IncomingMessage) => {
    resolve(((await json(response)) as { code: string }).code);
  });
  socket.on("open", () => {
    socket.once("close", (code) => resolve(String(code)));
    // What is admitted answers this, what is refused has sent its CLOSE before.
    socket.once("pong", () => resolve("in"));
    socket.ping();
  });
  socket.on("error", () => {});
  const answer = await promise;
  socket.terminate();
  return answer;
}

describe("the page as a device", { timeout: 60_000 }, () => {
  const stack = new AsyncDisposableStack();
  let server: OpenServer;
  let book: TokenBook;
  let origin: string;
  let audit: () => Promise<string>;
  const secrets: Partial<Record<Role, string>> = {};

  before(async () => {
    const folder = stack.use(await makeTemporaryFolder());
    book = openTokenBook(join(folder.path, "data"), { clock: systemClock, log: silentLog });
    stack.defer(() => book.close());
    for (const role of ["viewer", "operator", "admin"] as const) {
      secrets[role] = book.create({ kind: "api", name: `a ${role}`, role }).secret;
    }
    server = stack.use(await OpenServer.open(folder.path, {}));
    origin = `http://127.0.0.1:${server.port}`;
    audit = () => readFile(join(folder.path, "data/audit/audit.jsonl"), "utf8");
  });
  after(() => stack.disposeAsync());

  const logIn = async (role: Role) => {
    const response = await post(origin, "/login", { token: secrets[role] });
    return response.headers.get("set-cookie")?.split(";")[0] ?? "";
  };
  const logOut = async (cookie: string) => {
    const response = await fetch(`${origin}/api/v1/logout`, { method: "POST", headers: { cookie, origin } });
    assert.equal(response.status, 204);
  };

  it("is let in by the login of who may operate, which the audit log tells", async () => {
    for (const role of ["operator", "admin"] as const) {
      const cookie = await logIn(role);
      assert.equal(await connect(`${server.url}/mic-1`, { origin, cookie }), "in");
      // It waits for its line, which is behind those before.
      await logOut(cookie);
    }
    const lines = (await audit()).trim().split("\n");
    const acts = lines.map((line) => JSON.parse(line)).filter(({ act }) => act === "page.streams");
    assert.deepEqual(
      acts.map(({ who, role, facts }) => [who, role, facts.hwid]),
      [
        ["a operator", "operator", "mic-1"],
        ["a admin", "admin", "mic-1"],
      ],
    );
  });

  it("is told by a CLOSE that a viewer may not, and that a login has ended", async () => {
    assert.equal(await connect(`${server.url}/mic-1`, { origin, cookie: await logIn("viewer") }), "4403");
    assert.equal(await connect(`${server.url}/mic-1`, { origin, cookie: "eet_session=nothing" }), "4401");
  });

  it("is of this server itself: the cookie does not count from anywhere else, nor from programs", async () => {
    const cookie = await logIn("admin");
    for (const headers of [
      {},
      { origin: `http://127.0.0.1:${server.port + 1}` },
      { origin: `http://localhost:${server.port}` },
      { origin: "http://127.0.0.1" },
      { origin, "sec-fetch-site": "same-site" },
      { origin, "sec-fetch-site": "cross-site" },
    ]) {
      assert.equal(await connect(`${server.url}/mic-1`, { cookie, ...headers }), "CREDENTIALS_MISSING");
    }
    const foreign = { cookie, origin: "http://evil.example", host: "evil.example" };
    assert.equal(await connect(`${server.url}/mic-1`, foreign), "ORIGIN_REFUSED");
  });

  it("is judged by a token where it brings one", async () => {
    const asAdmin = { authorization: `Bearer ${secrets.admin}` };
    const { secret } = (await (await post(origin, "/tokens", { hwid: "mic-*" }, asAdmin)).json()) as { secret: string };
    const bearer = { authorization: `Bearer ${secret}`, origin, cookie: await logIn("viewer") };
    assert.equal(await connect(`${server.url}/mic-2`, bearer), "in");
    assert.equal(await connect(`${server.url}/kitchen`, { ...bearer, cookie: await logIn("admin") }), "HWID_REFUSED");
  });

  it("ends with its login", async () => {
    const cookie = await logIn("operator");
    const socket = new WebSocket(`${server.url}/mic-3`, [subprotocols.v1Ack], { headers: { origin, cookie } });
    await once(socket, "open");
    socket.send(handshake);
    const closed = once(socket, "close") as Promise<[number]>;
    await logOut(cookie);
    assert.equal((await closed)[0], 4401);
  });
});

describe("devices that the server plays itself", { timeout: 60_000 }, () => {
  it("go on in one session when the first token is made, and are let in from then on", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await OpenServer.open(folder.path, { "rotate-s": "1" });
    const origin = `http://127.0.0.1:${server.port}`;
    const start = (kind: string, headers: Headers) => post(origin, "/simulated-devices", { kind }, headers);
    const readSessions = async (hwid: string, headers: Headers) => {
      const response = await fetch(`${origin}/api/v1/devices/${hwid}/sessions`, { headers });
      return ((await response.json()) as { sessions: { samples: number }[] }).sessions;
    };
    assert.equal((await start("birds", {})).status, 201);
    await untilEvent(origin, "segment.closed", "demo-birds");
    const { secret } = (await (await post(origin, "/tokens", { role: "admin" })).json()) as { secret: string };
    const headers = { authorization: `Bearer ${secret}` };
    assert.equal((await fetch(`${origin}/api/v1/devices`)).status, 401);
    const [before] = await readSessions("demo-birds", headers);
    assert.equal((await start("machine", headers)).status, 201);
    await untilEvent(origin, "segment.closed", "demo-machine", undefined, headers);
    // Four segments of a second: a connection that was cut would have ended by then.
    const isLonger = async () => {
      const [now, ...others] = await readSessions("demo-birds", headers);
      assert.equal(others.length, 0);
      return (now?.samples ?? 0) >= (before?.samples ?? 0) + 4 * 16_000;
    };
    await untilEvent(origin, "segment.closed", "demo-birds", isLonger, headers);
  });
});

describe("the demo", { timeout: 60_000 }, () => {
  it("delivers all of its devices when the first token is made at its page", async () => {
    await using folder = await makeTemporaryFolder();
    const cli = fileURLToPath(new URL("../packages/cli/src/main.ts", import.meta.url));
    const child = spawn(process.execPath, [cli, "demo", "--seconds", "3", "--no-open"], {
      cwd: folder.path,
      env: { PATH: process.env["PATH"] },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "close");
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      const [, page] = /^See and hear them: (\S+)\/$/.exec(line) ?? [];
      if (page !== undefined) assert.equal((await post(page, "/tokens", { role: "admin" })).status, 201);
    }
    assert.deepEqual(await exited, [0, null], lines.join("\n"));
  });
});
