// A page of another site must neither read nor change anything here, nor record.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, request as openRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { EetServer, readSettings, silentLog } from "@eet/server";
import { WebSocket } from "ws";

let folder: string;
let server: EetServer;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "eet-hosts-"));
  const flags = { port: "0", data: join(folder, "data"), "allowed-hosts": "eet.example.org,*.lan" };
  const { settings } = await readSettings(folder, { flags, environment: {} });
  server = await EetServer.open({ settings, log: silentLog, version: "1" });
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** Asks with headers that `fetch` does not let one set. */
async function ask(path: string, headers: Readonly<Record<string, string>>, method = "GET") {
  const request = openRequest({ host: "127.0.0.1", port: server.address.port, path, method, headers });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response) };
}

/** @returns the status of an upgrade request: 101 when it is taken */
async function upgrade(path: string, headers: Readonly<Record<string, string>>) {
  const socket = new WebSocket(`ws://127.0.0.1:${server.address.port}${path}`, { headers });
  const { promise, resolve } = Promise.withResolvers<{ status: number | undefined; body: string }>();
  socket.on("open", () => resolve({ status: 101, body: "" }));
  socket.on("unexpected-response", async (_request, response) =>
    resolve({ status: response.statusCode, body: await text(response) }),
  );
  socket.on("error", () => {});
  const result = await promise;
  socket.terminate();
  return result;
}

const paths = ["/", "/healthz", "/metrics", "/api/v1/devices", "/api/openapi.json", "/api/docs/", "/nothing", "/echo"];

describe("a request by a name of another", () => {
  it("is refused whatever it asks for, with what to set", async () => {
    for (const path of paths) {
      const { status, body } = await ask(path, { host: "evil.example:5096" });
      assert.equal(status, 421, path);
      const problem = JSON.parse(body);
      assert.equal(problem.code, "HOST_REFUSED");
      assert.match(problem.fix, /Server:AllowedHosts/);
      assert.match(problem.detail, /"evil\.example:5096"/);
    }
    assert.equal((await ask("/api/v1/retention/run", { host: "evil.example" }, "POST")).status, 421);
  });

  it("cannot follow what is received", async () => {
    const { status, body } = await upgrade("/api/v1/live", { host: "evil.example", origin: "http://evil.example" });
    assert.equal(status, 421);
    assert.equal(JSON.parse(body).code, "HOST_REFUSED");
  });
});

describe("a request by a name of this server", () => {
  it("is answered", async () => {
    for (const host of ["localhost", "127.0.0.1:5096", "[::1]:5096", "eet.example.org", "pi.lan:5096"]) {
      assert.equal((await ask("/api/v1/devices", { host })).status, 200, host);
      assert.equal((await upgrade("/api/v1/live", { host, origin: `http://${host}` })).status, 101, host);
    }
  });
});

describe("a device", () => {
  it("may name the server as it likes, as long as it is no browser [P-3]", async () => {
    for (const origin of [undefined, "file://", "https://github.com/gilmaimon/ArduinoWebsockets"]) {
      const headers = { host: "recorder.local:5096", ...(origin !== undefined && { origin }) };
      assert.equal((await upgrade("/ws/mic", headers)).status, 101, origin);
    }
  });

  it("is refused in a page of another site", async () => {
    for (const origin of ["https://evil.example", "null", "http://6.6.6.6"]) {
      for (const path of ["/ws/mic", "/ws", "/ws/echo"]) {
        const { status, body } = await upgrade(path, { origin });
        assert.equal(status, 403, `${origin} ${path}`);
        assert.equal(JSON.parse(body).code, "ORIGIN_REFUSED");
      }
    }
    assert.equal((await upgrade("/ws/mic", { host: "evil.example", origin: "http://evil.example" })).status, 403);
  });

  it("is taken in a page of this machine or of an allowed host", async () => {
    for (const origin of ["http://localhost:5173", `http://127.0.0.1:${server.address.port}`, "https://pi.lan"]) {
      assert.equal((await upgrade("/ws/mic", { origin })).status, 101, origin);
    }
  });
});
