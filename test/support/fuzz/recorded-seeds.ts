import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { formatFrame, formatHandshake, type StreamFormat } from "@eet/protocol";
import { WebSocket } from "ws";
import { listFiles } from "../recordings.ts";
import { ServerProcess } from "../server-process.ts";

/** A file as a server wrote it. */
export interface SeedFile {
  /** Below the data folder. */
  readonly path: string;
  readonly bytes: Buffer;
}

const formats: readonly StreamFormat[] = [
  { codec: "pcm16", sampleRateHz: 4_000, channels: 1, frameSampleCount: 20 },
  { codec: "pcm16", sampleRateHz: 4_000, channels: 2, frameSampleCount: 0 },
  { codec: "adpcm", sampleRateHz: 4_000, channels: 1, frameSampleCount: 41 },
  { codec: "adpcm", sampleRateHz: 4_000, channels: 2, frameSampleCount: 40 },
];
/** Half a second each: two segments are closed and one is left open. */
const frameCount = 260;

/** Payload of a frame, different for each seq. */
function payloadOf({ codec, channels, frameSampleCount }: StreamFormat, seq: number): Uint8Array {
  if (codec === "pcm16") return new Uint8Array((frameSampleCount || 20) * 2 * channels).fill(seq);
  return new Uint8Array(4 + ((frameSampleCount * channels) >> 1)).fill(seq & 63, 4);
}

/**
 * Has a server record devices of all formats into a folder, and ends it as a crash would: there are closed segments with
 * all their files, and open ones with a frame log.
 */
export async function recordSeeds(folder: string): Promise<void> {
  const flags = ["--rotate-s", "0.5", "--flush-ms", "50"];
  const server = await ServerProcess.start({ folder, flags });
  await using _server = server;
  const sockets = formats.map((format, index) => {
    const socket = new WebSocket(`${server.url}/seed-${index}`, { perMessageDeflate: false });
    socket.on("open", () => {
      socket.send(formatHandshake({ streamId: index, format, timestampMs: 0n }));
      for (let seq = 0; seq < frameCount; seq += 1) {
        // A short gap.
        if (seq !== 30) socket.send(formatFrame(format.codec, seq, payloadOf(format, seq)));
      }
    });
    return socket;
  });
  for (const index of formats.keys()) {
    await server.line((line) => line.msg === "segment closed" && line["hwid"] === `seed-${index}`);
  }
  await server.kill();
  for (const socket of sockets) socket.terminate();
}

/** The files of a folder that {@link recordSeeds} has filled, in order. */
export async function readSeeds(folder: string): Promise<readonly SeedFile[]> {
  const data = join(folder, "data");
  const kept = /\.(?:log|overview|bin|bin\.part|wav|json)$/;
  const paths = (await listFiles(data)).filter((path) => kept.test(path) && basename(path) !== "reserve.bin");
  return Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(join(data, path)) })));
}
