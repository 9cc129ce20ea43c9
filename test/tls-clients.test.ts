// Devices by their certificates: whom they let in, how refusals are told, how soon a revocation counts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request as openRequest } from "node:https";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import { formatHandshake } from "@eet/protocol";
import { openTokenBook, silentLog, systemClock, type TokenBook } from "@eet/server";
import { type ClientOptions, WebSocket } from "ws";
import { Authority, type MadeCertificate, writeServerFiles } from "./support/certificates.ts";
import { OpenServer } from "./support/open-server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const handshake = formatHandshake({ streamId: 7, format, timestampMs: 1_700_000_000_000n });

let folder: TemporaryFolder;
let authority: Authority;
let kitchen: MadeCertificate;
let garden: MadeCertificate;
let flags: Readonly<Record<string, string>>;
let crlPath: string;
before(async () => {
  folder = await makeTemporaryFolder();
  authority = await Authority.make("EET devices");
  [kitchen, garden] = await Promise.all([authority.device("kitchen"), authority.device("garden")]);
  crlPath = join(folder.path, "crl.pem");
  await writeFile(join(folder.path, "ca.pem"), authority.pem);
  await writeFile(crlPath, await authority.revoke([]));
  flags = {
    ...(await writeServerFiles(folder.path, await authority.server())),
    ...{ "tls-client-ca": join(folder.path, "ca.pem"), "tls-client-crl": crlPath },
  };
});
after(() => folder[Symbol.asyncDispose]());

interface Answer {
  /** Of the upgrade: 101 when it is taken. */
  readonly status: number | undefined;
  readonly code?: string;
  readonly detail?: string;
}

/** Connects as a device. */
async function connect(
  server: OpenServer,
  path: string,
  certificate?: MadeCertificate,
  options: ClientOptions = {},
): Promise<Answer> {
  const { cert, key } = certificate ?? {};
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}${path}`, { ca: authority.pem, cert, key, ...options });
  const { promise, resolve } = Promise.withResolvers<Answer>();
  socket.on("unexpected-response", async (_request, response: IncomingMessage) => {
    const { code, detail } = (await json(response)) as { readonly code: string; readonly detail: string };
    resolve({ status: response.statusCode, code, detail });
  });
  socket.on("open", () => resolve({ status: 101 }));
  socket.on("error", () => {});
  const answer = await promise;
  socket.terminate();
  return answer;
}

async function stream(server: OpenServer, hwid: string, { cert, key }: MadeCertificate, protocols: string[] = []) {
  const url = `wss://127.0.0.1:${server.port}/ws/${hwid}`;
  const socket = new WebSocket(url, protocols, { ca: authority.pem, cert, key });
  await once(socket, "open");
  socket.send(handshake);
  return { socket, closed: once(socket, "close") as Promise<[number]> };
}

async function ask(server: OpenServer, path: string, certificate?: MadeCertificate, token?: string) {
  const { cert, key } = certificate ?? {};
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const request = openRequest({ host: "127.0.0.1", port: server.port, path, ca: authority.pem, cert, key, headers });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const { code } = (await json(response)) as { readonly code?: string };
  return { status: response.statusCode, code };
}

function openBook(path: string): TokenBook {
  return openTokenBook(join(path, "data"), { clock: systemClock, log: silentLog });
}

const bearer = (token: string): ClientOptions => ({ headers: { authorization: `Bearer ${token}` } });

describe("a certificate of a device, where it is optional", () => {
  let server: OpenServer;
  let deviceToken: string;
  before(async () => {
    const path = join(folder.path, "optional");
    const book = openBook(path);
    deviceToken = book.create({ kind: "device", name: "", hwidPattern: "attic" }).secret;
    book.close();
    server = await OpenServer.open(path, { ...flags, "tls-clients": "optional", "token-in-url": "true" });
  });
  after(() => server.close());

  it("lets in the one device that its subject names, and is asked for in 403 before the upgrade else", async () => {
    assert.deepEqual(await connect(server, "/ws/kitchen", kitchen), { status: 101 });
    assert.deepEqual(await connect(server, "/ws/echo", kitchen), { status: 101 });
    for (const path of ["/ws/garden", "/ws/kitchen-1", "/ws"]) {
      const { status, code, detail } = await connect(server, path, kitchen);
      assert.deepEqual([status, code], [403, "HWID_REFUSED"], path);
      assert.match(detail ?? "", /"kitchen".*common name/);
    }
    const mac = await authority.device("aa:bb");
    assert.deepEqual(await connect(server, "/ws/aa:bb", mac), { status: 101 }, "as paths are sanitised");
  });

  it("is not needed by who brings a token, which counts first [P-3.1]", async () => {
    assert.deepEqual(await connect(server, "/ws/attic", undefined, bearer(deviceToken)), { status: 101 });
    assert.deepEqual(await connect(server, "/ws/attic", kitchen, bearer(deviceToken)), { status: 101 });
    const refusal = await connect(server, "/ws/kitchen", kitchen, bearer(deviceToken));
    assert.deepEqual([refusal.status, refusal.code], [403, "HWID_REFUSED"]);
    const inUrl = await connect(server, `/ws/kitchen?token=${deviceToken}`, kitchen);
    assert.deepEqual(inUrl, { status: 101 }, "a token in the address comes behind it");
    assert.equal((await connect(server, "/ws/kitchen")).code, "CREDENTIALS_MISSING");
  });

  it("is refused with the reason when it is not good", async () => {
    const strangers = await Authority.make("EET devices");
    const cases: readonly (readonly [MadeCertificate, RegExp])[] = [
      [await strangers.device("kitchen"), /no authority that the server knows|CERT_SIGNATURE_FAILURE/],
      [await authority.device("kitchen", { fromD: -9, untilD: -1 }), /it is past its time/],
      [await authority.device("kitchen", { fromD: 1 }), /its time has not begun/],
      [await authority.server({ subject: "CN=kitchen" }), /it is not for clients/],
    ];
    for (const [certificate, reason] of cases) {
      const { status, code, detail } = await connect(server, "/ws/kitchen", certificate);
      assert.deepEqual([status, code], [401, "CERTIFICATE_INVALID"]);
      assert.match(detail ?? "", reason);
    }
    for (const subject of ["O=EET", "CN=kitchen, CN=garden", "O=EET, CN=../etc"]) {
      const odd = await authority.device("", { subject });
      assert.equal((await connect(server, "/ws/kitchen", odd)).code, "HWID_REFUSED", subject);
    }
  });

  it("is for devices alone: neither API nor viewers, and no page of another site", async () => {
    assert.deepEqual(await ask(server, "/api/v1/devices", kitchen), { status: 401, code: "CREDENTIALS_MISSING" });
    assert.equal((await connect(server, "/api/v1/live", kitchen)).status, 401);
    const origin = { headers: { origin: "https://studio.example" } };
    assert.equal((await connect(server, "/ws/kitchen", kitchen, origin)).code, "ORIGIN_REFUSED");
  });

  it("is looked at anew in each handshake: TLS sessions are not resumed", async () => {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const speak = async (session?: Buffer) => {
        const { cert, key } = kitchen;
        const options = { host: "127.0.0.1", port: server.port, ca: authority.pem, cert, key, session };
        const socket = connectTls({ ...options, minVersion: version, maxVersion: version });
        socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
        await once(socket, "data");
        const result = { session: socket.getSession(), isReused: socket.isSessionReused() };
        socket.destroy();
        return result;
      };
      const { session } = await speak();
      assert.equal((await speak(session)).isReused, false, version);
    }
  });

  it("ends its connections once it is revoked", async () => {
    const plain = await stream(server, "garden", garden);
    const acked = await stream(server, "garden", garden, ["eet.v1+ack"]);
    const other = await stream(server, "kitchen", kitchen);
    await writeFile(crlPath, await authority.revoke([garden]));
    const [[plainCode], [ackedCode]] = await Promise.all([plain.closed, acked.closed]);
    assert.deepEqual([plainCode, ackedCode], [1006, 4401]);
    assert.equal(other.socket.readyState, WebSocket.OPEN);
    const { status, code, detail } = await connect(server, "/ws/garden", garden);
    assert.deepEqual([status, code], [401, "CERTIFICATE_INVALID"]);
    assert.match(detail ?? "", /its authority has revoked it/);
    other.socket.terminate();
  });
});

describe("a certificate of a device that comes to its end", () => {
  it("ends its connections, too", async () => {
    let aheadMs = 0;
    const ahead = () => (Date.now() + aheadMs) as ReturnType<typeof systemClock.wallMs>;
    const clock = { wallMs: ahead, monotonicMs: () => systemClock.monotonicMs() };
    const short = await authority.device("porch", { untilD: 1 });
    await writeFile(crlPath, await authority.revoke([]));
    await using server = await OpenServer.open(
      join(folder.path, "ending"),
      { ...flags, "tls-clients": "optional" },
      clock,
    );
    const { closed } = await stream(server, "porch", short, ["eet.v1+ack"]);
    aheadMs = 2 * 86_400_000;
    // Connections are looked at with it, as they are each minute.
    await server.reloadCertificates();
    const [code] = await closed;
    assert.equal(code, 4401);
  });
});

describe("a certificate of a device, where everybody needs one", () => {
  it("is asked for by all that comes over TLS, but for the server's own devices", async () => {
    const path = join(folder.path, "required");
    const book = openBook(path);
    const { secret } = book.create({ kind: "api", name: "ann", role: "operator" });
    book.close();
    await writeFile(crlPath, await authority.revoke([garden]));
    await using server = await OpenServer.open(path, { ...flags, "tls-clients": "required", "rotate-s": "0.5" });
    assert.deepEqual(await connect(server, "/ws/kitchen", kitchen), { status: 101 });
    assert.equal((await connect(server, "/ws/kitchen", undefined, bearer(secret))).code, "CERTIFICATE_MISSING");
    assert.equal((await connect(server, "/ws/garden", garden)).code, "CERTIFICATE_INVALID");
    assert.equal((await connect(server, "/api/v1/live", undefined, bearer(secret))).code, "CERTIFICATE_MISSING");
    assert.deepEqual(await ask(server, "/healthz"), { status: 401, code: "CERTIFICATE_MISSING" });
    assert.equal((await ask(server, "/api/v1/devices", garden, secret)).code, "CERTIFICATE_INVALID");
    const ann = await authority.device("ann");
    assert.equal((await ask(server, "/api/v1/devices", ann)).code, "CREDENTIALS_MISSING");
    assert.equal((await ask(server, "/api/v1/devices", ann, secret)).status, 200);
    const body = JSON.stringify({ kind: "silent" });
    const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
    const request = openRequest({
      ...{ host: "127.0.0.1", port: server.port, path: "/api/v1/simulated-devices", method: "POST", headers },
      ...{ ca: authority.pem, cert: ann.cert, key: ann.key },
    });
    request.end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    assert.equal(response.statusCode, 201);
    response.resume();
    await server.line("segment closed");
  });
});
