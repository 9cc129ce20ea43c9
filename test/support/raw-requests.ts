import { connect } from "node:net";
import fc from "fast-check";

/** Longest wait for an answer to what may not be a whole request. */
const patienceMs = 150;
const maxAnswerMs = 10_000;
/** An answer that has no end, or a long one, is left here. */
const maxAnswerBytes = 256 * 1024;

const v1 = "/api/v1";
const paths = [
  ...["/", "/healthz", "/readyz", "/echo", "/metrics", "/api/openapi.json", "/api/docs", "/nothing", "*", ""],
  ...["/ws", "/ws/fuzz", "/ws/echo", `${v1}/live`, `${v1}/devices`, `${v1}/devices/honest`, `${v1}/devices/~`],
  ...["timeline", "sessions", "audio", "peaks", "spectrogram", "pins", "segments"].map((name) => {
    return `${v1}/devices/honest/${name}`;
  }),
  ...[`${v1}/sessions`, `${v1}/sessions/abc`, `${v1}/segments`, `${v1}/segments/1`, `${v1}/segments/1/files/bin`],
  ...[`${v1}/pins/1`, `${v1}/events`, `${v1}/deliveries`, `${v1}/dead-letters`, `${v1}/dead-letters/replay`],
  ...[`${v1}/deliveries/replay`, `${v1}/retention/preview`, `${v1}/uploads`, `${v1}/storage`, `${v1}/devices/%zz`],
  ...[`${v1}/devices/${"x".repeat(300)}`, `${v1}/devices/..%2f..%2fetc`, "http://evil.example/api/v1/devices"],
  ...["//api/v1/devices", `${v1}/devices/a%00b`, `/${"a/".repeat(200)}`, `/${"x".repeat(17_000)}`],
];
const names = [
  "from",
  "to",
  "limit",
  "cursor",
  "session",
  "from_sample",
  "width",
  "format",
  "stream",
  "types",
  "__proto__",
];
const values = [
  ...[
    "-5m",
    "now",
    "2026-03-01",
    "0",
    "1",
    "-1",
    "1e9",
    "0x10",
    "999999999999999999999",
    "~",
    "%00",
    "%ff",
    "%",
    "a=b&c",
  ],
  ...["png", "flac", "[]", "{}", "", "zzz", "%E2%80%A8", "x".repeat(2_000), "null", "true"],
];
const soundHeaders = [
  ...["Content-Type: application/json", "Content-Type: application/json; charset=utf-7", "Content-Type: a/b/c"],
  ...[
    "Range: bytes=0-0",
    "Range: bytes=9-1",
    "Range: bytes=0-1,2-3",
    "Range: lines=1",
    "If-Range: x",
    "If-None-Match: *",
  ],
  ...["Accept: text/event-stream", "Accept: application/octet-stream", "Last-Event-ID: -1", "Last-Event-ID: 1e3"],
  ...[
    "Origin: null",
    "Origin: http://evil.example",
    "Sec-Fetch-Site: cross-site",
    "Expect: 100-continue",
    "Expect: tea",
  ],
  ...["Connection: close", "Cookie: a=b", "Content-Length: 0", "Upgrade: h2c"],
];
const brokenHeaders = [
  ...["Content-Length: 5", "Content-Length: -1", "Content-Length: 5, 5", "Content-Length: 99999999999999999999"],
  ...["Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: x", "Content-Type: "],
  ...["Connection: upgrade", "Upgrade: websocket", "Host: a", "Host: [::1", "Host:"],
  ...["Bad Header: x", ": x", "X", "X:\u0001", " folded", "\u0000: y", `X-Long: ${"x".repeat(20_000)}`],
  ...["Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 99"],
];
const bodies = [
  ...[
    "",
    "hello",
    "{}",
    '{"name":"x"}',
    '{"tags":["a"]}',
    '{"__proto__":{"a":1}}',
    "[",
    "null",
    '"\\ud800"',
    "\u0000\u00ff",
  ],
  ...["5\r\nhello\r\n0\r\n\r\n", "zz\r\n", "5;ext=1\r\nhel", "FFFFFFFFFFFFFFFF\r\n", "0\r\nTrailer: x\r\n\r\n"],
  ...["GET / HTTP/1.1\r\n\r\n", "[".repeat(50_000), `{"name":"${"x".repeat(70_000)}"}`],
];

const query = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values)), { maxLength: 3 });
const target = fc.tuple(fc.constantFrom(...paths), query).map(([path, pairs]) => {
  return pairs.length === 0 ? path : `${path}?${pairs.map((pair) => pair.join("=")).join("&")}`;
});
const method = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("GET", "POST", "PATCH", "DELETE", "HEAD") },
  fc.constantFrom("PUT", "OPTIONS", "TRACE", "PROPFIND", "PRI", "get", "", "G\u0000T", "CONNECT", "BREW"),
);
const version = fc.oneof(
  { weight: 8, arbitrary: fc.constant("HTTP/1.1") },
  fc.constantFrom("HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1 x", "HTTX/1.1", ""),
);
const host = fc.oneof({ weight: 6, arbitrary: fc.constant(["Host: 127.0.0.1"]) }, fc.constant([]));
const request = fc
  .record({
    ...{ method, target, version, host, body: fc.constantFrom(...bodies) },
    fields: fc.array(fc.constantFrom(...soundHeaders), { maxLength: 3 }),
    broken: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      fc.constantFrom(...brokenHeaders.map((line) => [line])),
    ),
    isFramed: fc.boolean(),
    lineEnd: fc.oneof({ weight: 12, arbitrary: fc.constant("\r\n") }, fc.constantFrom("\n", "\r")),
  })
  .map(({ method, target, version, host, fields, broken, isFramed, body, lineEnd }) => {
    const frame = isFramed ? [`Content-Length: ${Buffer.byteLength(body, "latin1")}`] : [];
    const line = `${method} ${target} ${version}`;
    return [line, ...host, ...fields, ...broken, ...frame, "", body].join(lineEnd);
  });

/** Requests as no client sends them: lines, headers and bodies in and out of order, cut off, twice, or no HTTP at all. */
export const rawRequest: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: request },
  fc.tuple(request, fc.double({ min: 0, max: 1, noNaN: true })).map(([text, share]) => {
    return text.slice(0, Math.floor(text.length * share));
  }),
  fc.tuple(request, request).map((both) => both.join("")),
  fc.string({ unit: "binary", maxLength: 200 }),
);

/** What came back: the bytes of all answers, as latin1. */
export async function sendRaw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  // The server may drop the line in the midst of what is being sent.
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const chunks: Buffer[] = [];
  let byteCount = 0;
  // What is no whole request is answered when it ends.
  const end = () => socket.end();
  const patience = setTimeout(end, patienceMs);
  const limit = setTimeout(() => socket.destroy(), maxAnswerMs);
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    byteCount += chunk.length;
    clearTimeout(patience);
    if (byteCount > maxAnswerBytes || chunk.includes("event-stream")) socket.destroy();
    else end();
  });
  socket.write(Buffer.from(text, "latin1"));
  await closed;
  clearTimeout(patience);
  clearTimeout(limit);
  return Buffer.concat(chunks).toString("latin1");
}

/** An answer's status, media type and the beginning of its body. */
export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** The first answer that is not an interim one; `undefined` when the server said nothing. */
export function parseRawAnswer(text: string): RawAnswer | undefined {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? Number.NaN);
  if (text === "") return undefined;
  if (status === 100) return parseRawAnswer(rest.join("\r\n\r\n"));
  const type = /^content-type: *([^;\r]*)/im.exec(head)?.[1] ?? "";
  const body = rest.join("\r\n\r\n");
  // To HEAD there is none: what follows is the next answer.
  return { status, type, body: body.startsWith("HTTP/1.1 ") ? "" : body };
}
