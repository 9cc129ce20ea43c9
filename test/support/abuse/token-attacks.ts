import { setTimeout as passed } from "node:timers/promises";
import { formatHandshake } from "@eet/protocol";
import { rawFrame, upgradeRequest } from "../fuzz/raw-websocket.ts";
import { type Attack, client, request } from "./attacks.ts";

/** How long an attack that only waits goes on. */
const holdMs = 2_500;

const format = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
const handshake = rawFrame(2, formatHandshake({ streamId: 9, format, timestampMs: 0n }));
/** As much as a message may hold. */
const bigMessage = rawFrame(2, new Uint8Array(2 ** 20));
/** Looks like a secret, of which none is. */
const wrongToken = (index: number) => `eet_d_${String(index).padStart(43, "x")}`;
const base64 = (text: string) => Buffer.from(text).toString("base64");
/** The beginning of a ClientHello of 512 bytes. */
const helloBegin = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]);
const changes = [
  ...["DELETE /api/v1/devices/bench-0/segments", "POST /api/v1/tokens", "DELETE /api/v1/tokens/d-000000000000"],
  ...["PATCH /api/v1/devices/bench-0", "POST /api/v1/retention/run", "PUT /api/v1/log-level", "DELETE /api/v1/nothing"],
];

/** What somebody may do to a server that asks for tokens, by name. */
export const tokenAttacks: Readonly<Record<string, Attack>> = {
  "wrong tokens": async (attacker) => {
    const bytesOf = (index: number) => {
      // 40 networks; each guesses more often than an address may.
      const from = client(`192.0.2.${index % 40}`);
      const secret = wrongToken(index);
      const authorization =
        index % 2 === 0 ? `Authorization: Bearer ${secret}` : `Authorization: Basic ${base64(`bench-0:${secret}`)}`;
      return index % 3 === 0
        ? request("GET /api/v1/devices", from, authorization, "Connection: close")
        : upgradeRequest(`/ws/bench-${index % 200}`, "Sec-WebSocket-Protocol: eet.v1+ack", from, authorization);
    };
    await attacker.openMany(1_200, bytesOf);
    await attacker.ended();
  },
  "changes without a token": async (attacker) => {
    const bytesOf = (index: number) => {
      const line = changes[index % changes.length] ?? "";
      const body = ["Content-Type: application/json", "Content-Length: 2", "Connection: close"];
      return Buffer.concat([request(line, client("192.0.2.200"), ...body), Buffer.from("{}")]);
    };
    await attacker.openMany(1_200, bytesOf);
    await attacker.ended();
  },
  "wrong subprotocols": async (attacker) => {
    const bytesOf = (index: number) => {
      const offer = `Sec-WebSocket-Protocol: eet.v1+ack, eet.bearer.${Buffer.from(wrongToken(index)).toString("base64url")}`;
      const upgrade = upgradeRequest(`/ws/bench-${index % 200}`, offer, client(`198.51.100.${index % 200}`));
      // Some send on as if they were let in.
      return Buffer.concat([upgrade, handshake, ...(index % 20 === 0 ? [bigMessage] : [])]);
    };
    await attacker.openMany(1_000, bytesOf, 50);
    await attacker.ended();
  },
  "idle TLS handshakes": async (attacker) => {
    const firsts = [undefined, helloBegin, helloBegin.subarray(0, 3)];
    await attacker.openMany(600, (index) => firsts[index % firsts.length]);
    await passed(holdMs);
  },
  "followers that come and go": async (attacker, { tokens }) => {
    for (let round = 0; round < 10; round += 1) {
      const authorization = `Authorization: Bearer ${tokens[round % tokens.length]}`;
      const bytes = request("GET /api/v1/events/stream", authorization, "Accept: text/event-stream");
      await attacker.answered(await attacker.openMany(100, () => bytes));
      await attacker.leave();
    }
  },
};

/** Those of {@link tokenAttacks} that go to the port where TLS is spoken. */
export const tlsAttacks: ReadonlySet<string> = new Set(["idle TLS handshakes"]);
