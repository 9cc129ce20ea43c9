import { setTimeout as passed } from "node:timers/promises";
import { formatFrame, formatHandshake } from "@eet/protocol";
import { rawFrame, upgradeRequest } from "../fuzz/raw-websocket.ts";
import type { Attacker } from "./attacker.ts";

/** How long an attack that only waits goes on. */
const holdMs = 2_500;
/** Of what a server does not read. */
const maxUnsentBytes = 1_000_000;

const format = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const handshake = rawFrame(2, formatHandshake({ streamId: 9, format, timestampMs: 0n }));
const frameOf = (seq: number) => formatFrame("adpcm", seq, new Uint8Array(164));
const frame = (seq: number) => rawFrame(2, frameOf(seq));
/** Each body comes from a client of its own: none may ask often enough for all. */
const patch = (body: string, address: string) => {
  const headers = ["Content-Type: application/json", `Content-Length: ${body.length}`, client(address)];
  return Buffer.concat([request("PATCH /api/v1/devices/bench-0", ...headers), Buffer.from(body)]);
};
const upgrade = (hwid: string, ...headers: readonly string[]) =>
  upgradeRequest(`/ws/${hwid}`, "Sec-WebSocket-Protocol: eet.v1+ack", ...headers);
/** A device that has shaken hands. */
const device = (hwid: string, ...more: readonly Buffer[]) => Buffer.concat([upgrade(hwid), handshake, ...more]);
/** A message in WebSocket frames of one byte. */
const crumbs = (message: Uint8Array) =>
  Array.from(message, (byte, at) =>
    rawFrame(at === 0 ? 2 : 0, Uint8Array.of(byte), { isFinal: at === message.length - 1 }),
  );

/** What attackers have. */
export interface AttackMeans {
  /** For the attack that only opens sockets. */
  readonly socketCount: number;
  /** Tokens of viewers, of whom somebody has taken them; none where the server asks for none. */
  readonly tokens: readonly string[];
}

/** What somebody does to a server. */
export type Attack = (attacker: Attacker, means: AttackMeans) => Promise<void>;

/** A request without a body. */
export function request(line: string, ...headers: readonly string[]): Buffer {
  return Buffer.from([`${line} HTTP/1.1`, "Host: 127.0.0.1", ...headers, "", ""].join("\r\n"), "latin1");
}

/** What a proxy adds of a client that is not of this machine. */
export function client(address: string): string {
  return `X-Forwarded-For: ${address}`;
}

/** What somebody may do to a server that asks for nothing, by name. */
export const attacks: Readonly<Record<string, Attack>> = {
  "slow headers": async (attacker) => {
    const sockets = await attacker.openMany(300, () => Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nX-"));
    const dribble = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write("a");
    }, 200);
    await attacker.ended();
    clearInterval(dribble);
  },
  "idle handshakes": async (attacker) => {
    await attacker.openMany(900, (index) => upgradeRequest(`/ws/idle-${index}`));
    await passed(holdMs);
  },
  "idle sockets": async (attacker, { socketCount }) => {
    await attacker.openMany(socketCount, () => undefined, 200);
    await passed(holdMs);
  },
  "ping flood": async (attacker) => {
    const pings = Buffer.concat(Array.from({ length: 3_000 }, () => rawFrame(9, Buffer.from("x"))));
    await attacker.openMany(20, (index) => device(`ping-${index}`, pings));
    await attacker.ended();
  },
  "fragments of one byte": async (attacker) => {
    const piece = rawFrame(0, new Uint8Array(1), { isFinal: false });
    const pieces = Array.from({ length: 3_000 }, () => piece);
    const first = rawFrame(2, new Uint8Array(1), { isFinal: false });
    await attacker.openMany(20, (index) => device(`fragment-${index}`, first, ...pieces));
    await attacker.ended();
  },
  "frames of 100 MiB": async (attacker) => {
    const declared = rawFrame(2, new Uint8Array(1_000), { declaredBytes: 100n * 2n ** 20n });
    await attacker.openMany(100, (index) => device(`huge-${index}`, declared));
    await attacker.ended();
  },
  "offers of compression": async (attacker) => {
    const offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    const compressed = rawFrame(2, new Uint8Array(500), { reserved: 0x40 });
    const bytes = Buffer.concat([upgradeRequest("/ws/deflate", offer), handshake, compressed]);
    await attacker.openMany(60, () => bytes, 10);
    await attacker.ended();
  },
  "half-open peers": async (attacker) => {
    const sockets = await attacker.openMany(300, (index) => device(`half-${index}`, frame(0)));
    for (const socket of sockets) socket.pause();
    await passed(holdMs);
  },
  "storm of connections": async (attacker) => {
    for (let round = 0; round < 6; round += 1) {
      const sockets = await attacker.openMany(
        150,
        (index) => device(index % 2 === 0 ? "storm" : `storm-${round}-${index}`, frame(0)),
        150,
      );
      if (round % 3 !== 2) continue;
      await attacker.answered(sockets);
      await attacker.leave();
    }
  },
  "path tricks": async (attacker) => {
    const ways = ["..", "%2e%2e%2f%2e%2e", "..%2f..%2fetc%2fpasswd", "a%00b", "x".repeat(3_000), "....//"];
    const sockets = await attacker.openMany(300, (index) => {
      const way = ways[index % ways.length] ?? "";
      return index % 2 === 0
        ? upgradeRequest(`/ws/${way}`)
        : request(`GET /api/v1/devices/${way}/audio`, "Connection: close");
    });
    await attacker.answered(sockets);
  },
  "injected headers": async (attacker) => {
    const tricks = ["%0d%0aX-Injected:%201", "\rX-Injected: 1", "%E5%98%8A%E5%98%8DX-Injected:1"];
    await attacker.openMany(200, (index) => {
      const trick = tricks[index % tricks.length];
      const name = `Sec-WebSocket-Protocol: eet.v1${index % 2 === 0 ? trick : ""}`;
      return index % 4 === 0
        ? upgradeRequest(`/ws/inject${trick}`, name)
        : request(`GET /api/v1/segments?cursor=${trick}`, "Connection: close");
    });
    await attacker.openMany(50, () => request("GET /", `X-Long: ${"x".repeat(40_000)}`));
    await attacker.ended();
  },
  "oversized JSON": async (attacker) => {
    const bodies = [`{"name":"${"x".repeat(1_000_000)}"}`, `{"name":${"[".repeat(20_000)}${"]".repeat(20_000)}}`];
    for (const [index, body] of bodies.entries()) {
      const bytes = patch(body, `203.0.113.${20 + index}`);
      await attacker.answered(await attacker.openMany(100, () => bytes, 10));
    }
  },
  "JSON of many names and values": async (attacker) => {
    const names = Array.from({ length: 4_500 }, (_, index) => `"k${index}":1`);
    const bodies = [`{${names.join(",")}}`, `{"tags":[${"1,".repeat(30_000)}1]}`];
    for (const [index, body] of bodies.entries()) {
      const bytes = patch(body, `203.0.113.${30 + index}`);
      await attacker.answered(await attacker.openMany(50, () => bytes, 10));
    }
  },
  "more requests than a client may send": async (attacker) => {
    const bytes = request("GET /api/v1/devices", client("203.0.113.8"), "Connection: close");
    await attacker.openMany(600, () => bytes, 50);
    await attacker.ended();
  },
  "a fleet behind one address": async (attacker) => {
    const from = client("203.0.113.7");
    const bytesOf = (index: number) => Buffer.concat([upgrade(`fleet-${index}`, from), handshake, frame(0)]);
    await attacker.answered(await attacker.openMany(200, bytesOf));
  },
  "crumbs without end": async (attacker) => {
    const sockets = await attacker.openMany(2, (index) => device(`crumbs-${index}`));
    await attacker.answered(sockets);
    // 15 000 frames; the server drops what comes again.
    const bytes = Buffer.concat(Array.from({ length: 85 }, (_, seq) => Buffer.concat(crumbs(frameOf(seq)))));
    for (const endMs = performance.now() + 2 * holdMs; performance.now() < endMs; await passed(100)) {
      for (const socket of sockets) if (socket.writableLength < maxUnsentBytes) socket.write(bytes);
    }
  },
  "messages that never end": async (attacker) => {
    const sockets = await attacker.openMany(80, (index) => device(`begun-${index}`), 20);
    await attacker.answered(sockets);
    const begun = rawFrame(2, new Uint8Array(900_000), { declaredBytes: 1_000_000n });
    for (const socket of sockets) socket.write(begun);
    await attacker.someEnded(sockets);
  },
  "followers that do not read": async (attacker) => {
    const sockets = await attacker.openMany(200, () =>
      request("GET /api/v1/events/stream", "Accept: text/event-stream"),
    );
    await attacker.answered(sockets);
    for (const socket of sockets) socket.pause();
    await passed(1_000);
  },
  "devices far faster than time": async (attacker) => {
    const frames = Buffer.concat(Array.from({ length: 5_000 }, (_, seq) => frame(seq)));
    await attacker.openMany(10, (index) => device(`fast-${index}`, frames));
    await passed(holdMs);
  },
};
