import { formatDeviceMessage, formatFrame, formatHandshake } from "@eet/protocol";
import { type CaseRandom, mutateBytes } from "./byte-mutator.ts";
import { mutateConversation, rawFrame, upgradeRequest } from "./raw-websocket.ts";

const adpcm = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const pcm = { codec: "pcm16", sampleRateHz: 16_000, channels: 2, frameSampleCount: 0 } as const;
const fragment = rawFrame(2, new Uint8Array(3), { isFinal: false });
/** The handshake first. */
const frames: readonly Buffer[] = [
  rawFrame(2, formatHandshake({ streamId: 1, format: adpcm, timestampMs: 0n })),
  rawFrame(2, formatHandshake({ streamId: 2, format: pcm, timestampMs: 1_700_000_000_000n })),
  ...[0, 1, 2, 0xffff_ffff].map((seq) => rawFrame(2, formatFrame("adpcm", seq, new Uint8Array(164)))),
  rawFrame(2, formatFrame("pcm16", 0, new Uint8Array(640))),
  rawFrame(2, formatDeviceMessage({ kind: "resume", session: 5n, oldestSeq: 0, nibbleOrder: "low" })),
  rawFrame(2, formatDeviceMessage({ kind: "anchor", seq: 1, captureMs: 1, captureUs: 1, droppedFrameCount: 2 })),
  rawFrame(2, formatDeviceMessage({ kind: "finish", nextSeq: 3 })),
  rawFrame(1, Buffer.from('{"type":"fleet","id":1,"hwids":["honest-0"]}')),
  rawFrame(1, Buffer.from("text")),
  ...[rawFrame(8, Buffer.of(3, 0xe8)), rawFrame(9, Buffer.from("ping")), rawFrame(10, new Uint8Array(125))],
  ...[
    rawFrame(9, new Uint8Array(126)),
    rawFrame(3, new Uint8Array(1)),
    rawFrame(2, new Uint8Array(5), { reserved: 0x40 }),
  ],
  ...[fragment, rawFrame(0, new Uint8Array(3), { isFinal: false }), rawFrame(0, new Uint8Array(3))],
  rawFrame(2, new Uint8Array(40), { isMasked: false }),
  rawFrame(2, new Uint8Array(9), { declaredBytes: 100n * 2n ** 20n }),
];

/** Makes what somebody sends on a connection. */
export type Traffic = (random: CaseRandom) => Buffer;

/**
 * What comes to a server that asks for nothing.
 *
 * @param requests - as no client sends them
 */
export function openTraffic(requests: readonly Buffer[]): Traffic {
  const upgrades = [
    upgradeRequest("/ws/fuzz"),
    upgradeRequest("/ws/fuzz-acked", "Sec-WebSocket-Protocol: eet.v1+ack"),
    upgradeRequest("/ws", "Sec-WebSocket-Protocol: eet.v1", "Sec-WebSocket-Extensions: permessage-deflate"),
    upgradeRequest("/ws/echo"),
    upgradeRequest("/api/v1/live"),
  ];
  return (random) => {
    if (!random.chance(1 / 3)) return mutateConversation(upgrades, frames, random);
    return mutateBytes(random.pick(requests), random, requests, 32_768);
  };
}

/** What is good at a server with tokens. */
export interface GoodSecrets {
  /** Of the devices `fuzz*`. */
  readonly device: string;
  /** Of people and programs. */
  readonly people: readonly string[];
  /** Name and value. */
  readonly cookies: readonly string[];
}

const basic = (text: string) => `Authorization: Basic ${Buffer.from(text).toString("base64")}`;
const offer = (secret: string, ...more: readonly string[]) => {
  const bearer = `eet.bearer.${Buffer.from(secret).toString("base64url")}`;
  return `Sec-WebSocket-Protocol: ${["eet.v1+ack", bearer, ...more].join(", ")}`;
};

/** Secrets as they are, wrong, half, doubled. */
function listSecrets(good: string): readonly string[] {
  const half = good.slice(0, good.length >> 1);
  const wrong = `${good.slice(0, -1)}${good.endsWith("A") ? "B" : "A"}`;
  return [good, good, good, wrong, half, `${good}${good}`, `${good} ${good}`, good.toUpperCase(), `${good}\0`, "", "x"];
}

/** Headers by which somebody shows, or tries to show, who they are. */
interface Proofs {
  readonly ofDevices: readonly string[];
  readonly ofPeople: readonly string[];
  readonly doubtful: readonly string[];
  readonly offers: readonly string[];
}

function listProofs({ device, people, cookies }: GoodSecrets): Proofs {
  const doubtful = [device, ...people].flatMap((good) => [
    ...listSecrets(good).flatMap((secret) => [`Authorization: Bearer ${secret}`, basic(`fuzz:${secret}`)]),
    ...[`Authorization: Bearer ${good}\r\nAuthorization: Bearer ${good}`, `Authorization: ${good}`, basic(good)],
    ...[`authorization:bearer  ${good} `, `Authorization: Bearer ${good}, Bearer x`, basic(`AA:BB:${good}`)],
  ]);
  const doubtfulCookies = cookies.flatMap((cookie) => [
    ...[cookie.slice(0, -5), `${cookie}; ${cookie}`, `a=b;${cookie};c`, `${cookie}=`, `x${cookie}`],
    ...[cookie.replace(/=.*/, "="), cookie.replace("=", " = "), `${cookie.replace(/=.*/, "=x")}; ${cookie}`],
  ]);
  return {
    ofDevices: [`Authorization: Bearer ${device}`, basic(`fuzz:${device}`), basic(`:${device}`), offer(device)],
    ofPeople: [
      ...people.map((token) => `Authorization: Bearer ${token}`),
      ...cookies.map((cookie) => `Cookie: ${cookie}`),
    ],
    doubtful: [...doubtful, ...doubtfulCookies.map((text) => `Cookie: ${text}`)],
    offers: [
      ...listSecrets(device).flatMap((secret) => [offer(secret), offer(secret, "eet.bearer.!", "eet.v1")]),
      ...[offer(device, offer(device)), `${offer(device)}\r\n${offer("x")}`, "Sec-WebSocket-Protocol: eet.bearer."],
    ],
  };
}

/** Requests by which people and programs log in, and what only those may who have. */
function listAccessRequests({ people }: GoodSecrets): readonly string[] {
  const bodies = [...people, "eet_a_wrong"].map((token) => JSON.stringify({ token }));
  const post = (path: string, body: string, method = "POST") =>
    `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
  return [
    ...[...bodies, '{"token":5}', "{}", '{"token":""}'].map((body) => post("/api/v1/login", body)),
    ...['{"code":"x"}', `{"code":"${"a".repeat(32)}"}`].map((body) => post("/api/v1/setup", body)),
    ...["/access", "/tokens", "/devices", "/log-level", "/oidc/login?next=//evil.example"].map((path) =>
      get(`/api/v1${path}`),
    ),
    ...["/api/v1/oidc/callback?code=a&state=b", "/metrics", "/healthz", "/"].map(get),
    post("/api/v1/tokens", '{"hwid":"fuzz-new","name":"n"}'),
    post("/api/v1/tokens/d-000000000000", "{}", "DELETE"),
    post("/api/v1/devices/fuzz", '{"name":"f"}', "PATCH"),
    post("/echo", "hello"),
  ];
}

/** A request with one more header. */
function withHeader(request: Buffer, header: string): Buffer {
  const end = request.indexOf("\r\n");
  if (end < 0) return request;
  return Buffer.concat([request.subarray(0, end), Buffer.from(`\r\n${header}`, "latin1"), request.subarray(end)]);
}

/**
 * What comes to a server with tokens: at the authentication, and behind it.
 *
 * @param requests - as no client sends them
 */
export function guardedTraffic(requests: readonly Buffer[], good: GoodSecrets): Traffic {
  const { ofDevices, ofPeople, doubtful, offers } = listProofs(good);
  const paths = ["/ws/fuzz", "/ws/fuzz-acked", "/ws/other", "/ws", "/ws/echo", "/api/v1/live"];
  const urlPaths = [good.device, good.device.slice(5), "", `${good.device}&token=x`].map(
    (token) => `/ws/fuzz?token=${token}`,
  );
  const access = listAccessRequests(good).map((text) => Buffer.from(text));
  return (random) => {
    const kind = random.below(10);
    if (kind < 3) {
      const path = random.pick(["/ws/fuzz", "/ws/fuzz-acked", ...paths]);
      const more = kind === 0 ? "Sec-WebSocket-Protocol: eet.v1+ack" : "X-Fuzz: 1";
      return mutateConversation([upgradeRequest(path, random.pick(ofDevices), more)], frames, random);
    }
    if (kind < 6) {
      const path = random.pick(random.chance(0.1) ? urlPaths : paths);
      const proof = random.pick([offers, doubtful, ofPeople][kind - 3] ?? offers);
      return mutateConversation([upgradeRequest(path, proof)], frames, random);
    }
    const proof = random.pick(kind < 8 ? ofPeople : doubtful);
    const request = withHeader(random.pick(kind === 7 ? requests : access), proof);
    return random.chance(0.5) ? request : mutateBytes(request, random, [...access, Buffer.from(proof)], 32_768);
  };
}
