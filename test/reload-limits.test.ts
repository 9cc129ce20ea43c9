// Limits that a running server takes over by SIGHUP.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { json, text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { formatHandshake } from "@eet/protocol";
import { WebSocket } from "ws";
import { ServerProcess } from "./support/server-process.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

/** Clients are told apart by the word of a proxy; what is said here holds throughout. */
const fixed = { TrustedProxies: "127.0.0.1", InsecureOpen: true, MaxBodyBytes: 2_048 };
const narrow = {
  ...{ MaxConnections: 40, MaxConnectionsPerDevice: 1, MaxConnectionsPerAddress: 10, MaxHandshakes: 20 },
  ...{ MaxSockets: 50, MaxQueuedMb: 60, MaxExports: 2, MaxPictures: 3, MaxEventStreams: 1 },
  ...{ MaxViewers: 1, MaxViewersPerAddress: 1, MaxFailedLogins: 1, MaxJsonDepth: 4, MaxApiRequestsPerS: 1 },
};
const wide = {
  ...{ MaxConnections: 41, MaxConnectionsPerDevice: 2, MaxConnectionsPerAddress: 11, MaxHandshakes: 21 },
  ...{ MaxSockets: 51, MaxQueuedMb: 61, MaxExports: 3, MaxPictures: 4, MaxEventStreams: 2 },
  ...{ MaxViewers: 2, MaxViewersPerAddress: 2, MaxFailedLogins: 2, MaxJsonDepth: 5, MaxApiRequestsPerS: 0 },
};
const format = { codec: "pcm16", sampleRateHz: 8_000, channels: 1, frameSampleCount: 160 } as const;
const handshake = formatHandshake({ streamId: 1, format, timestampMs: 0n });
const allowedBy = (limits: typeof narrow) => ({
  SOCKET_LIMIT: limits.MaxConnections + limits.MaxSockets,
  CONNECTION_LIMIT: limits.MaxConnections,
  DEVICE_LIMIT: limits.MaxConnectionsPerDevice,
  ADDRESS_LIMIT: limits.MaxConnectionsPerAddress,
  HANDSHAKE_LIMIT: limits.MaxHandshakes,
  OVERLOADED: limits.MaxQueuedMb * 1e6,
  EXPORT_LIMIT: limits.MaxExports,
  PICTURE_LIMIT: limits.MaxPictures,
  EVENT_STREAM_LIMIT: limits.MaxEventStreams,
  VIEWER_LIMIT: limits.MaxViewers,
  VIEWER_ADDRESS_LIMIT: limits.MaxViewersPerAddress,
});

describe("a server whose limits are changed by SIGHUP", () => {
  const open = new AsyncDisposableStack();
  let folder: string;
  let server: ServerProcess;
  const write = (settings: object) =>
    writeFile(join(folder, "appsettings.json"), JSON.stringify({ Server: { ...fixed, ...settings } }));
  /** @returns the settings that the log says it has taken over */
  const reload = async (settings: object): Promise<unknown> => {
    await write(settings);
    const reloaded = server.nextLine(({ msg }) => msg.startsWith("settings reloaded"));
    server.signal("SIGHUP");
    return (await reloaded)["changed"];
  };
  before(async () => {
    folder = open.use(await makeTemporaryFolder()).path;
    await write(narrow);
    server = open.use(await ServerProcess.start({ folder, flags: ["--no-wav"] }));
  });
  after(() => open.disposeAsync());

  const ask = (path: string, address: string, body?: string) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, {
      headers: { "x-forwarded-for": address, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { method: "POST", body }),
    });
  const codeOf = async (response: Response) => {
    const body = await response.text();
    return response.ok ? String(response.status) : (JSON.parse(body) as { code: string }).code;
  };
  /** By limit, as the metrics have it. */
  const allowed = async () => {
    const lines = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    const found = [...lines.matchAll(/^eet_limit_allowed\{limit="(\w+)"\} (\d+)$/gm)];
    return Object.fromEntries(found.map(([, limit, count]) => [limit, Number(count)]));
  };
  const upgrade = async (path: string, address = "192.0.2.1") => {
    const headers = { "x-forwarded-for": address };
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { headers });
    open.defer(() => socket.terminate());
    const { promise, resolve } = Promise.withResolvers<string>();
    socket.on("unexpected-response", async (_request: unknown, response: IncomingMessage) =>
      resolve(((await json(response)) as { code: string }).code),
    );
    socket.on("open", () => resolve("101"));
    socket.on("error", () => {});
    return { socket, answer: await promise };
  };

  it("goes by the new ones at once, tells which it has taken over, and leaves to a restart what is fixed at the start", async () => {
    const deep = `${"[".repeat(5)}${"]".repeat(5)}`;
    const guess = async (address: string) => codeOf(await ask("/api/v1/login", address, '{"token":"wrong"}'));
    assert.deepEqual(await allowed(), allowedBy(narrow));
    const first = await upgrade("/ws/mic");
    assert.equal(first.answer, "101");
    first.socket.send(handshake);
    assert.equal((await upgrade("/ws/mic")).answer, "DEVICE_LIMIT");
    assert.equal((await upgrade("/api/v1/live")).answer, "101");
    assert.equal((await upgrade("/api/v1/live", "192.0.2.2")).answer, "VIEWER_LIMIT");
    const following = await ask("/api/v1/events/stream", "192.0.2.1");
    open.defer(() => following.body?.cancel());
    assert.equal(await codeOf(await ask("/api/v1/events/stream", "192.0.2.1")), "EVENT_STREAM_LIMIT");
    assert.equal(await codeOf(await ask("/api/v1/login", "192.0.2.3", deep)), "JSON_TOO_DEEP");
    assert.equal((await ask("/api/v1/devices", "192.0.2.4")).headers.get("ratelimit-limit"), "10");

    const waits = server.nextLine(({ msg }) => msg.startsWith("settings changed that take effect"));
    const changed = await reload({ ...wide, MaxBodyBytes: 4_096, FlushMs: 2_000 });
    assert.deepEqual(
      new Set(changed as string[]),
      new Set(Object.keys(wide).map((name) => `Server:${name}`)),
      "those taken over",
    );
    assert.deepEqual(
      new Set((await waits)["settings"] as string[]),
      new Set(["Server:MaxBodyBytes", "Server:FlushMs"]),
    );

    assert.deepEqual(await allowed(), allowedBy(wide));
    const second = await upgrade("/ws/mic");
    assert.equal(second.answer, "101");
    second.socket.send(handshake);
    assert.equal((await upgrade("/api/v1/live", "192.0.2.2")).answer, "101");
    const further = await ask("/api/v1/events/stream", "192.0.2.1");
    open.defer(() => further.body?.cancel());
    assert.equal(further.status, 200);
    assert.equal(await codeOf(await ask("/api/v1/login", "192.0.2.3", deep)), "PARAMETER_INVALID");
    assert.equal((await ask("/api/v1/devices", "192.0.2.4")).headers.get("ratelimit-limit"), null, "any number");
    const large = await ask("/api/v1/login", "192.0.2.5", `{"token":"${"x".repeat(3_000)}"}`);
    assert.equal(await codeOf(large), "BODY_TOO_LARGE", "as at the start");

    await reload({ ...narrow, MaxFailedLogins: 2 });
    assert.equal((await upgrade("/ws/mic")).answer, "DEVICE_LIMIT");
    second.socket.ping();
    await once(second.socket, "pong");
    assert.equal(second.socket.readyState, WebSocket.OPEN, "who is connected stays");
    assert.equal((await ask("/api/v1/devices", "192.0.2.4")).headers.get("ratelimit-limit"), "10");
    assert.deepEqual(await Promise.all([guess("192.0.2.6"), guess("192.0.2.6")]), ["TOKEN_INVALID", "TOKEN_INVALID"]);
    assert.equal(await guess("192.0.2.6"), "LOGIN_LIMIT");
    await reload(wide);
    assert.equal(await guess("192.0.2.6"), "LOGIN_LIMIT");
    await reload({ ...wide, MaxFailedLogins: 3 });
    assert.equal(await guess("192.0.2.6"), "TOKEN_INVALID");
  });

  it("gives those who are slow the new times", async () => {
    await reload({ HeadersTimeoutS: 0.2, KeepAliveTimeoutS: 0.2 });
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    assert.match(await text(socket), /^HTTP\/1.1 408 .*REQUEST_TIMEOUT/s, "instead of 15 s");
    const idle = connect(server.port, "127.0.0.1");
    idle.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert.match(await text(idle), /^HTTP\/1.1 200 /, "ended by the server, instead of after 72 s");
  });
});
