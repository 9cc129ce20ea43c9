// A server behind nginx and Caddy, as the examples in deploy/proxies have them.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request as openRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createSession } from "@eet/client";
import { openTokenBook, silentLog, systemClock } from "@eet/server";
import { WebSocket } from "ws";
import { Authority, writeServerFiles } from "./support/certificates.ts";
import { OpenServer } from "./support/open-server.ts";
import { type ProxyName, ReverseProxy } from "./support/reverse-proxy.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";
import { skipWithout } from "./support/tools.ts";

const host = "eet.example.org";
const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
/** Of the loopback too, but no proxy that the server knows. */
const clientAddress = "127.0.0.2";
const readRootFile = (path: string) => readFile(fileURLToPath(new URL(`../${path}`, import.meta.url)), "utf8");
const toLoopback: LookupFunction = (_name, options, done) => {
  if (options.all) done(null, [{ address: "127.0.0.1", family: 4 }]);
  else done(null, "127.0.0.1", 4);
};

/** A server behind a proxy, with a token of an administrator and one of a device; closed with `open`. */
async function openScene(open: AsyncDisposableStack, name: ProxyName) {
  const folder = open.use(await makeTemporaryFolder()).path;
  const authority = await Authority.make("EET test");
  const files = await writeServerFiles(folder, await authority.server());
  const book = openTokenBook(join(folder, "data"), { clock: systemClock, log: silentLog });
  const admin = book.create({ kind: "api", name: "ann", role: "admin" }).secret;
  const device = book.create({ kind: "device", name: "all", hwidPattern: "*" }).secret;
  book.close();
  const flags = { "trusted-proxies": "127.0.0.1", "allowed-hosts": host, "rotate-s": "0.5" };
  const server = open.use(await OpenServer.open(folder, flags));
  const paths = { cert: files["tls-cert"], key: files["tls-key"] };
  const proxy = open.use(await ReverseProxy.start(name, { folder, port: server.port, ...paths }));
  return { folder, ca: authority.pem, admin, device, server, proxy };
}

type Headers = Readonly<Record<string, string>>;

for (const [name, tool] of [
  ["nginx", "/usr/sbin/nginx"],
  ["caddy", "caddy"],
] as const)
  describe(`a server behind ${name}`, { skip: skipWithout(tool) }, () => {
    const open = new AsyncDisposableStack();
    let scene: Awaited<ReturnType<typeof openScene>>;
    let cookie = "";
    before(async () => {
      scene = await openScene(open, name);
    });
    after(() => open.disposeAsync());

    /** As a browser asks for the name, by an address of its own. */
    const tlsOptions = () => ({ ca: scene.ca, lookup: toLoopback, localAddress: clientAddress, servername: host });
    const send = async (path: string, headers: Headers = {}, body?: object): Promise<IncomingMessage> => {
      const request = openRequest(`https://${host}:${scene.proxy.port}${path}`, {
        ...{ ...tlsOptions(), agent: false, method: body === undefined ? "GET" : "POST" },
        headers: { ...(body && { "content-type": "application/json" }), cookie, ...headers },
      });
      request.end(body && JSON.stringify(body));
      const [response] = (await once(request, "response")) as [IncomingMessage];
      return response;
    };
    const read = async (path: string, headers?: Headers) => {
      const response = await send(path, headers);
      return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
    };
    /** @returns the status of an upgrade request: 101 when it is taken */
    const upgrade = async (path: string, headers: Headers): Promise<number | undefined> => {
      const url = `wss://${host}:${scene.proxy.port}${path}`;
      const socket = new WebSocket(url, { ...tlsOptions(), headers: { cookie, ...headers } });
      const { promise, resolve } = Promise.withResolvers<number | undefined>();
      socket.on("unexpected-response", (_request: unknown, response: IncomingMessage) => resolve(response.statusCode));
      socket.on("open", () => resolve(101));
      socket.on("error", () => resolve(undefined));
      const status = await promise;
      socket.terminate();
      return status;
    };

    it("gives the page, and logs people in by their own address, whatever they say of it", async () => {
      const { status, headers } = await read("/");
      assert.deepEqual([status, headers["content-type"]?.split(";")[0]], [200, "text/html"]);
      const login = await send("/api/v1/login", { "x-forwarded-for": "203.0.113.9" }, { token: scene.admin });
      login.resume();
      assert.equal(login.statusCode, 204);
      const [set = ""] = login.headers["set-cookie"] ?? [];
      assert.match(set, /; Secure/);
      cookie = set.split(";")[0] ?? "";
      const audit = (await readFile(join(scene.folder, "data/audit/audit.jsonl"), "utf8")).trim().split("\n");
      assert.equal(JSON.parse(audit.at(-1) ?? "{}").address, clientAddress);
    });

    it("takes a device over wss with acknowledgements while its events come as they happen, and gives parts of its files", async () => {
      const events = await send("/api/v1/events/stream");
      assert.match(String(events.headers["content-type"]), /^text\/event-stream/);
      open.defer(() => void events.destroy());
      let text = "";
      const told = new Promise<void>((resolve) => {
        events.on("data", (chunk) => {
          text += chunk;
          if (/event: session\.started\n.*"hwid":"kitchen"/.test(text)) resolve();
        });
      });
      const url = `wss://127.0.0.1:${scene.proxy.port}/ws`;
      const session = createSession({ url, hwid: "kitchen", format, token: scene.device, tls: { ca: scene.ca } });
      await session.write(Int16Array.from({ length: 16_000 }, (_, index) => index));
      // The device still sends: nothing between holds back what is told of it.
      await told;
      const { kind, delivery, unacknowledgedFrameCount } = await session.finish();
      assert.deepEqual([kind, delivery, unacknowledgedFrameCount], ["complete", "acked", 0]);
      await scene.server.closedSegments(2);

      const { segments } = JSON.parse(String((await read("/api/v1/segments?hwid=kitchen")).body));
      const { id } = segments[0];
      const path = `/api/v1/segments/${id}/files/bin`;
      const whole = await read(path);
      const part = await read(path, { range: "bytes=1000-1999" });
      assert.deepEqual([whole.status, part.status], [200, 206]);
      assert.equal(part.headers["content-range"], `bytes 1000-1999/${whole.body.length}`);
      assert.ok(part.body.equals(whole.body.subarray(1_000, 2_000)));
    });

    it("lets its own page look at what is live, and no other one", async () => {
      // A browser names the port where it is not that of https.
      const own = `https://${host}`;
      assert.equal(await upgrade("/api/v1/live", { origin: own, host }), 101);
      assert.equal(await upgrade("/api/v1/live", { origin: "https://evil.example", host }), 403);
    });

    it("trusts the proxy without a warning, and ends connections of whom it does not let in", async () => {
      assert.equal(await upgrade("/ws/kitchen", { authorization: "Bearer wrong" }), 401);
      const [refused] = scene.server.lines.filter(({ msg }) => msg === "connection refused");
      assert.match(String(refused?.["remote"]), /^127\.0\.0\.2 by 127\.0\.0\.1:\d+$/);
      assert.ok(!scene.server.lines.some(({ msg }) => msg.startsWith("X-Forwarded-* is ignored")));
    });
  });

describe("docs/operations.md", () => {
  it("shows the examples of deploy/proxies as they are", async () => {
    const page = await readRootFile("docs/operations.md");
    for (const name of ["nginx.conf", "Caddyfile"])
      assert.ok(page.includes(`\n${await readRootFile(`deploy/proxies/${name}`)}\`\`\``), name);
  });
});
