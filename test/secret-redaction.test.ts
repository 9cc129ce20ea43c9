// Secrets of every kind, brought in every way, right and wrong: none is found in what the server logs, answers and keeps.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer, request as openRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { formatFrame, formatHandshake } from "@eet/protocol";
import { WebSocket } from "ws";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";
import { untilEvent } from "./support/until-event.ts";

const format = { codec: "pcm16", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
/** Of the settings. */
const given = {
  webhookSecret: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
  webhookUrlToken: "token-in-the-address-of-the-webhook",
  accessKeyId: "AKIDREDACTIONTEST123",
  secretAccessKey: "secret-access-key-0123456789",
  sessionToken: "session-token-0123456789",
  clientSecret: "oidc-client-secret-0123456789",
};
/** Nobody has these; somebody mistyped them. */
const wrong = {
  device: "eet_d_wrong-token-of-a-device-0123456789",
  person: "eet_a_wrong-token-of-a-person-0123456789",
};

describe("a secret", () => {
  let folder: TemporaryFolder;
  let server: ServerProcess;
  let peer: Server;
  /** That the server made, by what they are. */
  const made = new Map<string, string>();
  const answers: string[] = [];
  let setUpCode = "";
  before(async () => {
    folder = await makeTemporaryFolder();
    peer = await openEchoingPeer();
    const at = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`;
    server = await ServerProcess.start({
      folder: folder.path,
      flags: ["--token-in-url", "--log-level", "trace", "--s3-enabled", "--s3-bucket", "audio", "--s3-service-url", at],
      environment: {
        EET_WEBHOOK_URL: `${at}/hook?token=${given.webhookUrlToken}`,
        EET_WEBHOOK_SECRET: given.webhookSecret,
        EET_OIDC_ISSUER: at,
        EET_OIDC_CLIENT_ID: "eet",
        EET_OIDC_ROLES: "staff=viewer",
        EET_OIDC_CLIENT_SECRET: given.clientSecret,
        AWS_ACCESS_KEY_ID: given.accessKeyId,
        AWS_SECRET_ACCESS_KEY: given.secretAccessKey,
        AWS_SESSION_TOKEN: given.sessionToken,
      },
    });
    await setUp();
    await useEverything();
    assert.equal(await server.stop(), 0, server.errors);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    peer.close();
    await folder[Symbol.asyncDispose]();
  });

  const origin = () => `http://127.0.0.1:${server.port}`;

  /** Asks as a browser or program, and keeps what is answered. @returns the answer's body */
  async function ask(path: string, headers: Readonly<Record<string, string>> = {}, body?: unknown): Promise<string> {
    const method = body === undefined ? "GET" : "POST";
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const request = openRequest(`${origin()}${path}`, { method, headers: { ...type, ...headers } });
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(request, "response");
    const answer = await text(response);
    const cookie = String(response.headers["set-cookie"] ?? "");
    if (/eet_session=([^;]+)/.test(cookie))
      made.set(`cookie ${made.size}`, /eet_session=([^;]+)/.exec(cookie)?.[1] ?? "");
    answers.push(`${JSON.stringify({ ...response.headers, "set-cookie": "" })}\n${answer}`);
    return answer;
  }

  /** Asks for what is answered with a secret, which is meant. */
  async function make(path: string, headers: Readonly<Record<string, string>>, body: unknown): Promise<string> {
    const { secret } = JSON.parse(await ask(path, headers, body)) as { readonly secret: string };
    answers.pop();
    made.set(`${path} ${made.size}`, secret);
    return secret;
  }

  async function setUp(): Promise<void> {
    const line = await server.line((candidate) => typeof candidate["setUp"] === "string");
    setUpCode = new URL(String(line["setUp"])).hash.slice("#setup=".length);
    await ask("/api/v1/setup", {}, { code: "a-wrong-code-of-the-set-up-link" });
    const admin = { authorization: `Bearer ${await make("/api/v1/setup", {}, { code: setUpCode })}` };
    await ask("/api/v1/setup", {}, { code: setUpCode });
    made.set("device", await make("/api/v1/tokens", admin, { hwid: "attic", name: "attic" }));
    made.set("viewer", await make("/api/v1/tokens", admin, { role: "viewer" }));
    const { tokens } = JSON.parse(await ask("/api/v1/tokens", admin)) as {
      tokens: { id: string; hwid: string | null }[];
    };
    const ofDevice = tokens.find(({ hwid }) => hwid !== null)?.id ?? "";
    await make(`/api/v1/tokens/${ofDevice}/rotate`, admin, { overlap_h: 1 });
  }

  /** Brings each token in each way to what takes it, and to what does not. */
  async function useEverything(): Promise<void> {
    const device = made.get("device") ?? "";
    const viewer = made.get("viewer") ?? "";
    await record(device);
    for (const secret of [device, viewer, wrong.device, wrong.person]) {
      const bearer = { authorization: `Bearer ${secret}` };
      const basic = { authorization: `Basic ${Buffer.from(`attic:${secret}`).toString("base64")}` };
      const query = `?token=${secret}`;
      for (const path of ["/api/v1/devices", "/api/v1/nothing", "/nothing", "/metrics", "/healthz", "/ws/attic"]) {
        await ask(path, bearer);
        await ask(path, basic);
        await ask(`${path}${query}`);
        await ask(path, { cookie: `eet_session=${secret}` });
      }
      await ask("/api/v1/login", {}, { token: secret });
      await ask(`/api/v1/login${query}`, {}, { token: [secret] });
      await ask(`/api/v1/oidc/callback?code=${secret}&state=${secret}`, { cookie: `eet_oidc=${secret}` });
      await ask(`/api/v1/tokens/${secret}`, { ...bearer, origin: "https://evil.example" }, {});
      for (const path of ["/ws/attic", "/ws/kitchen", "/ws", "/ws/echo", "/ws/a%zz", "/api/v1/live"]) {
        await connect(path, bearer);
        await connect(path, basic);
        await connect(`${path}${query}`, {});
        await connect(path, {}, ["eet.v1", `eet.bearer.${Buffer.from(secret).toString("base64url")}`]);
      }
    }
    await ask("/api/v1/oidc/login");
    const seen = { authorization: `Bearer ${viewer}` };
    for (const path of ["/metrics", "/api/v1/events?limit=1000", "/api/v1/uploads", "/api/v1/deliveries"]) {
      await ask(path, seen);
    }
    await ask("/api/v1/storage", seen);
  }

  /** Records a second, whose upload and whose webhooks fail. */
  async function record(secret: string): Promise<void> {
    const socket = new WebSocket(`${server.url}/attic?token=${secret}`);
    await once(socket, "open");
    socket.send(formatHandshake({ streamId: 1, format, timestampMs: BigInt(Date.now()) }));
    for (let seq = 0; seq < 50; seq++) socket.send(formatFrame("pcm16", seq, Buffer.alloc(640, seq)));
    socket.close(1000);
    await once(socket, "close");
    const headers = { authorization: `Bearer ${made.get("viewer")}` };
    await untilEvent(origin(), "segment.closed", "attic", undefined, headers);
    await server.line(({ msg }) => msg.startsWith("the object store fails"));
    await server.line(({ msg }) => /webhook|delivery/.test(msg));
  }

  async function connect(
    path: string,
    headers: Readonly<Record<string, string>>,
    protocols: string[] = [],
  ): Promise<void> {
    const socket = new WebSocket(`${server.url.replace(/\/ws$/, "")}${path}`, protocols, { headers });
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on("open", () => {
      socket.once("pong", () => resolve());
      socket.ping();
    });
    socket.on("unexpected-response", async (_request, response) => {
      answers.push(`${JSON.stringify(response.headers)}\n${await text(response)}`);
      resolve();
    });
    socket.on("close", () => resolve());
    socket.on("error", () => {});
    await promise;
    socket.terminate();
  }

  /** Each secret as it is, and as it travels. */
  function listSecrets(): readonly (readonly [name: string, text: string])[] {
    const all = [...Object.entries(given), ...Object.entries(wrong), ...made];
    return all.flatMap(([name, secret]) => [
      [name, secret] as const,
      [`${name} in base64url`, Buffer.from(secret).toString("base64url")] as const,
      [`${name} behind a user`, Buffer.from(`attic:${secret}`).toString("base64").replaceAll("=", "")] as const,
    ]);
  }
  const findIn = (where: string) => listSecrets().flatMap(([name, secret]) => (where.includes(secret) ? [name] : []));

  it("is in no line of the log, whatever it says, but for the one set-up link", () => {
    // Ten a minute of each code are told, the rest is counted.
    const refused = server.lines.filter(({ msg }) => msg === "connection refused" || msg === "WebSocket refused");
    assert.ok(refused.length >= 10, `${refused.length} refusals are told`);
    const log = `${server.lines.map((line) => JSON.stringify(line)).join("\n")}\n${server.errors}`;
    assert.deepEqual(findIn(log), []);
    assert.equal(log.split(setUpCode).length, 2);
    for (const name of ["device", "viewer"]) assert.equal(made.get(name)?.length, 49);
  });

  it("is in no answer: errors, events, metrics, deliveries, uploads, lists of tokens", () => {
    assert.ok(answers.length > 150);
    assert.deepEqual(findIn(answers.join("\n")), []);
    assert.ok(!answers.join("\n").includes(setUpCode));
  });

  it("is in no file that the server keeps, the audit log and its databases among them", async () => {
    const names = await readdir(join(folder.path, "data"), { recursive: true, withFileTypes: true });
    const paths = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    assert.ok(paths.some((path) => path.endsWith("audit.jsonl")) && paths.some((path) => path.endsWith("access.db")));
    for (const path of paths) {
      const content = await readFile(path, "latin1");
      assert.deepEqual(findIn(content), [], path);
      assert.ok(!content.includes(setUpCode), path);
    }
  });
});

/** Stands for an object store, a receiver and a provider that refuse, and tell in their answers all that came. */
async function openEchoingPeer(): Promise<Server> {
  const server = createServer((request, response) => {
    const told = `${request.method} ${request.url} ${JSON.stringify(request.headers)}`.replaceAll(/[<>&]/g, "");
    const { accessKeyId } = given;
    const xml = `<Error><Code>InvalidAccessKeyId</Code><Message>${accessKeyId} ${told}</Message><AWSAccessKeyId>${accessKeyId}</AWSAccessKeyId></Error>`;
    request.resume();
    response.writeHead(403, { "content-type": "application/xml", "x-told": told.slice(0, 500) }).end(xml);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
