// What is written first: each message is appended to its file and, decoded, to its WAV as it comes. Nothing is synced.
import { open } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { formatWavHeader } from "@eet/audio";
import { limits, parseHandshake, type StreamFormat } from "@eet/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { decodeFrame } from "./plain-frame.ts";

const folder = process.argv[2] ?? ".";
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
const closed: Promise<void>[] = [];
let lastId = 0;

server.on("connection", (socket) => closed.push(record(socket, join(folder, String(++lastId)))));
server.on("listening", () => process.send?.((server.address() as AddressInfo).port));
process.on("message", async () => {
  for (const socket of server.clients) socket.terminate();
  await Promise.all(closed);
  server.close();
  process.send?.(0);
});

async function record(socket: WebSocket, path: string): Promise<void> {
  const files = Promise.all([open(`${path}.bin`, "w"), open(`${path}.wav`, "w")]);
  let format: StreamFormat | undefined;
  let sampleCount = 0;
  const header = () => formatWavHeader({ sampleRateHz: 16_000, channels: 1, ...format, sampleCount });
  let written: Promise<unknown> = files.then(([, wav]) => wav.write(header()));
  socket.on("message", (message: Buffer) => {
    if (format === undefined) {
      ({ format } = parseHandshake(message));
      return;
    }
    const samples = decodeFrame(message.subarray(limits.frameHeaderBytes), format.codec);
    sampleCount += samples.byteLength / 2;
    written = written.then(async () => {
      const [bin, wav] = await files;
      await Promise.all([bin.write(message), wav.write(samples)]);
    });
  });
  await new Promise((resolve) => socket.on("close", resolve));
  await written;
  const [bin, wav] = await files;
  await wav.write(header(), 0, undefined, 0);
  await Promise.all([bin.close(), wav.close()]);
}
