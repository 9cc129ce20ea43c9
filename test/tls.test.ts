// TLS on real sockets, with certificates of a real authority: one port for wss and https, certificates that are replaced
// while it runs, a further port without TLS.
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, rename, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request as openPlainRequest } from "node:http";
import { request as openRequest } from "node:https";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { connect as connectTls, type SecureVersion } from "node:tls";
import { formatHandshake } from "@eet/protocol";
import { diagnose, type Finding, openTokenBook, silentLog, systemClock } from "@eet/server";
import { WebSocket } from "ws";
import { Authority, type TlsFlags, writeServerFiles } from "./support/certificates.ts";
import { OpenServer } from "./support/open-server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const handshake = formatHandshake({ streamId: 7, format, timestampMs: 1_700_000_000_000n });

let folder: TemporaryFolder;
let authority: Authority;
let flags: TlsFlags;
before(async () => {
  folder = await makeTemporaryFolder();
  authority = await Authority.make("EET test");
  flags = await writeServerFiles(folder.path, await authority.server());
});
after(() => folder[Symbol.asyncDispose]());

const at = (name: string) => join(folder.path, name);

/** Asks over TLS. */
async function ask(server: OpenServer, path: string, init: { readonly method?: string; readonly body?: object } = {}) {
  const headers = { "content-type": "application/json" };
  const { port } = server;
  const request = openRequest({ host: "127.0.0.1", port, path, ca: authority.pem, method: init.method, headers });
  request.end(init.body && JSON.stringify(init.body));
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode, body: (await json(response)) as Readonly<Record<string, unknown>> };
}

/** Asks without TLS. */
async function askPlain(port: number, path: string) {
  const request = openPlainRequest({ host: "127.0.0.1", port, path });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode, body: (await json(response)) as Readonly<Record<string, unknown>> };
}

/** @returns the status of an upgrade request: 101 when it is taken */
async function upgrade(url: string): Promise<number | undefined> {
  const socket = new WebSocket(url, { ca: authority.pem });
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  socket.on("unexpected-response", (_request, response) => resolve(response.statusCode));
  socket.on("open", () => resolve(101));
  socket.on("error", () => resolve(undefined));
  const status = await promise;
  socket.terminate();
  return status;
}

/** The serial of the certificate that a server shows to a new connection. */
async function shownSerial({ port }: OpenServer): Promise<string> {
  const socket = connectTls({ host: "127.0.0.1", port, ca: authority.pem });
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber.toLowerCase();
}

describe("a server with a certificate", () => {
  let server: OpenServer;
  before(async () => {
    server = await OpenServer.open(join(folder.path, "one"), { ...flags, "rotate-s": "0.5" });
  });
  after(() => server.close());

  it("takes devices, the page's viewers and requests on one port, over TLS alone", async () => {
    assert.equal(server.plainPort, undefined, "without TLS nothing is there unless it is asked for");
    assert.equal((await ask(server, "/healthz")).status, 200);
    const device = new WebSocket(`wss://127.0.0.1:${server.port}/ws/kitchen`, { ca: authority.pem });
    await once(device, "open");
    device.send(handshake);
    assert.equal(await upgrade(`wss://127.0.0.1:${server.port}/api/v1/live`), 101);
    assert.equal(await upgrade(`wss://localhost:${server.port}/ws/echo`), 101);
    device.close(1000);
    await once(device, "close");
    assert.equal(await upgrade(`ws://127.0.0.1:${server.port}/ws/kitchen`), undefined);
    await server.line("TLS handshake failed");
    const [failure] = server.lines.filter(({ msg }) => msg === "TLS handshake failed");
    assert.match(String(failure?.["fix"]), /wss:\/\/.*--plain-port/);
  });

  it("answers to the names of its certificate, and to no other", async () => {
    const ask = async (host: string) => {
      const request = openRequest({
        host: "127.0.0.1",
        port: server.port,
        path: "/healthz",
        headers: { host },
        servername: "localhost",
        ca: authority.pem,
      });
      request.end();
      const [response] = (await once(request, "response")) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    assert.deepEqual(
      await Promise.all(["eet.example.org", "eet.example.org:443", "evil.example"].map(ask)),
      [200, 200, 421],
    );
  });

  it("speaks TLS 1.2 and 1.3, and nothing older", async () => {
    const speak = async (version: SecureVersion) => {
      const socket = connectTls({
        ...{ host: "127.0.0.1", port: server.port, ca: authority.pem, minVersion: version, maxVersion: version },
        ciphers: "DEFAULT@SECLEVEL=0",
      });
      const spoken = await once(socket, "secureConnect").then(
        () => socket.getProtocol(),
        () => undefined,
      );
      socket.destroy();
      return spoken;
    };
    assert.deepEqual(await Promise.all((["TLSv1.1", "TLSv1.2", "TLSv1.3"] as const).map(speak)), [
      undefined,
      "TLSv1.2",
      "TLSv1.3",
    ]);
  });

  it("is looked at by eet doctor, with its certificate", async () => {
    await chmod(flags["tls-key"], 0o644);
    const findings: Finding[] = [];
    const given = { ...flags, port: String(server.port) };
    for await (const finding of diagnose({ folder: join(folder.path, "one"), flags: given, environment: {} })) {
      if (finding.check === "TLS" || finding.check === "port") findings.push(finding);
    }
    assert.deepEqual(
      findings.map(({ check, status }) => `${check} ${status}`),
      ["TLS warning", "port ok"],
    );
    assert.match(findings[0]?.message ?? "", /^every user of this machine may read the key/);
    assert.match(findings[1]?.message ?? "", /^an EET server .*runs at/);
  });

  it("plays its own devices to itself", async () => {
    const made = await ask(server, "/api/v1/simulated-devices", { method: "POST", body: { kind: "silent" } });
    assert.equal(made.status, 201);
    await server.line("segment closed");
    assert.equal((await ask(server, "/api/v1/devices/demo-silent")).status, 200);
  });
});

describe("a server whose certificate is replaced", () => {
  it("shows the new one to new connections, keeps old ones, and goes on with the old one while the new is broken", async () => {
    await using own = await makeTemporaryFolder();
    const first = await authority.server();
    const files = await writeServerFiles(own.path, first);
    await using server = await OpenServer.open(own.path, files);
    const device = new WebSocket(`wss://127.0.0.1:${server.port}/ws/kitchen`, { ca: authority.pem });
    await once(device, "open");
    device.send(handshake);
    assert.equal(await shownSerial(server), serialOf(first));

    // As tools write it: beside the old one, then in its place.
    const second = await authority.server();
    await writeServerFiles(own.path, second);
    await server.line("certificates taken over");
    assert.equal(await shownSerial(server), serialOf(second));

    const third = await authority.server();
    await writeFile(`${files["tls-cert"]}.new`, third.cert);
    await rename(`${files["tls-cert"]}.new`, files["tls-cert"]);
    await server.line("new certificate not taken over");
    const failure = server.lines.find(({ msg }) => msg.startsWith("new certificate not taken over"));
    assert.match(String(failure?.["error"]), /Server:TlsKey: .*server\.key: it is the key of another certificate/);
    assert.match(String(failure?.["fix"]), /eet doctor/);
    assert.equal(await shownSerial(server), serialOf(second));
    assert.equal(device.readyState, WebSocket.OPEN, "who is connected stays so");

    await writeFile(files["tls-key"], third.key);
    await server.until("the third is shown", () => server.lines.filter(isTakenOver).length === 2);
    assert.equal(await shownSerial(server), serialOf(third));

    const fourth = await authority.server();
    await writeServerFiles(own.path, fourth);
    await server.reloadCertificates();
    assert.equal(await shownSerial(server), serialOf(fourth), "at once where it is told to look");
    device.terminate();
  });
});

describe("a server with files that it cannot use", () => {
  const refused = async (change: Readonly<Record<string, string>>, message: RegExp) => {
    const opened = OpenServer.open(join(folder.path, "never"), { ...flags, ...change });
    await assert.rejects(opened, { code: "TLS_UNUSABLE", message });
  };

  it("does not start, and names the file and what is wrong with it", async () => {
    const other = await authority.server();
    await writeFile(at("other.key"), other.key);
    await writeFile(at("chain.pem"), authority.pem + other.cert);
    await writeFile(at("empty.pem"), "");
    await refused({ "tls-cert": at("none.pem") }, /^Server:TlsCert: .*none\.pem: there is no such file$/);
    await refused({ "tls-key": folder.path }, /^Server:TlsKey: .*: it is a folder$/);
    await refused({ "tls-key": at("other.key") }, /^Server:TlsKey: .*other\.key: it is the key of another certificate/);
    await refused({ "tls-cert": at("empty.pem") }, /TlsCert: .*empty\.pem: it holds no certificate in PEM form/);
    await refused({ "tls-key": flags["tls-cert"] }, /TlsKey: .*server\.pem: it holds no private key in PEM form/);
    await refused(
      { "tls-cert": at("chain.pem"), "tls-key": at("other.key") },
      /TlsCert: .*chain\.pem: the certificate of the key has to stand first/,
    );
    const clients = { "tls-clients": "optional", "tls-client-ca": flags["tls-cert"] };
    await refused(clients, /^Server:TlsClientCa: .*"CN=localhost" is no authority/);
  });

  it("starts with a certificate that is past its time, and says so with what to do", async () => {
    await using own = await makeTemporaryFolder();
    const files = await writeServerFiles(own.path, await authority.server({ fromD: -80, untilD: -0.5 }));
    await using server = await OpenServer.open(own.path, files);
    const [line] = server.lines.filter(({ msg }) => msg.startsWith("TLS: "));
    assert.match(line?.msg ?? "", /^TLS: the certificate .* ended at /);
    assert.match(String(line?.["fix"]), /certbot renew/);
  });
});

describe("the port without TLS", () => {
  it("takes devices and nothing else where the network reaches it, and there only with tokens", async () => {
    const path = join(folder.path, "three");
    const plain = { ...flags, "plain-host": "0.0.0.0", "plain-port": "0" };
    await assert.rejects(OpenServer.open(path, plain), {
      code: "ACCESS_OPEN",
      message: /^--plain-host 0\.0\.0\.0 lets/,
    });
    const book = openTokenBook(join(path, "data"), { clock: systemClock, log: silentLog });
    const { secret } = book.create({ kind: "device", name: "", hwidPattern: "kitchen" });
    book.close();
    await using server = await OpenServer.open(path, plain);
    const port = server.plainPort ?? 0;
    assert.notEqual(port, server.port);
    assert.equal((await askPlain(port, "/healthz")).status, 200);
    for (const target of ["/", "/api/v1/devices", "/api/v1/login", "/metrics", "/login", "/healthz/../metrics"]) {
      const { status, body } = await askPlain(port, target);
      assert.deepEqual([status, body["code"]], [403, "TLS_REQUIRED"], target);
    }
    assert.equal(await upgrade(`ws://127.0.0.1:${port}/api/v1/live`), 403);
    assert.equal(await upgrade(`ws://127.0.0.1:${port}/ws/kitchen`), 401);
    const device = new WebSocket(`ws://127.0.0.1:${port}/ws/kitchen`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    await once(device, "open");
    device.close(1000);
    await once(device, "close");
  });

  it("has page and API too where only this machine reaches it", async () => {
    await using server = await OpenServer.open(join(folder.path, "four"), { ...flags, "plain-port": "0" });
    const port = server.plainPort ?? 0;
    assert.equal((await askPlain(port, "/api/v1/devices")).status, 200);
    assert.equal(await upgrade(`ws://127.0.0.1:${port}/api/v1/live`), 101);
    const device = new WebSocket(`ws://127.0.0.1:${port}/ws/kitchen`);
    await once(device, "open");
    await server.close();
    assert.notEqual(device.readyState, WebSocket.OPEN, "a stop ends its connections, too");
  });
});

const isTakenOver = ({ msg }: { readonly msg: string }) => msg === "certificates taken over";

/** As Node tells it. */
function serialOf({ serial }: { readonly serial: string }): string {
  return serial.replace(/^00/, "");
}
