import { goals } from "../goals.ts";
import { eetPeer } from "../peers/eet-peer.ts";
import type { Peer } from "../peers/peer.ts";
import { nullWsPeer } from "../peers/script-peer.ts";
import { BenchDevice } from "./bench-device.ts";
import { makeBenchFolder } from "./bench-folder.ts";
import { type BenchResult, type Figure, summaryOf } from "./figure.ts";
import { loadMessages } from "./load-messages.ts";
import { writeSeq } from "./masked-message.ts";

const format = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
/** What each device sends once all are connected, to see that all of them are let in for good. */
const framesPerDevice = 10;

export interface ConnectBenchOptions {
  readonly connectionCount: number;
  /** `in turn`: each waits until the one before it is let in and has sent its handshake; `at once`: nobody waits. */
  readonly order: "in turn" | "at once";
  readonly roundCount: number;
}

/** What one round of one peer found. */
interface Connected {
  readonly ms: number;
  readonly isSound: boolean;
}

/** How long devices take to connect, against the floor. Sound when every device's frames were there afterwards. */
export async function benchConnect(options: ConnectBenchOptions): Promise<BenchResult> {
  const { connectionCount, order, roundCount } = options;
  const own: Connected[] = [];
  const floor: Connected[] = [];
  for (let round = 0; round < roundCount; round += 1) {
    // In turn, so that a machine that gets slower or faster meanwhile favours neither.
    const first = round % 2 === 0 ? own : floor;
    for (const found of [first, first === own ? floor : own]) {
      found.push(await connectAll(found === own ? eetPeer : nullWsPeer, options));
    }
  }
  const title = `connect ${connectionCount} ${order}`;
  const perDevice = (name: string, found: readonly Connected[]): Figure => {
    const ms = found.map((one) => one.ms / connectionCount);
    return { name: `${title}: a device at ${name}`, ...summaryOf(ms), unit: "ms", better: "less" };
  };
  const ratios = own.map(({ ms }, round) => ms / (floor[round]?.ms ?? Number.NaN));
  return {
    figures: [
      perDevice(eetPeer.name, own),
      perDevice(nullWsPeer.name, floor),
      {
        name: `${title}: eet against null-ws`,
        ...summaryOf(ratios),
        ...{ unit: "x", better: "less" },
        ...(order === "in turn" && { goal: goals.connectAgainstNull }),
      },
    ],
    isSound: [...own, ...floor].every(({ isSound }) => isSound),
  };
}

async function connectAll(peer: Peer, { connectionCount, order }: ConnectBenchOptions): Promise<Connected> {
  await using folder = await makeBenchFolder();
  const running = await peer.start(folder.path);
  const startMs = performance.now();
  const devices = await openAll(running.port, connectionCount, order);
  const ms = performance.now() - startMs;
  const frames = firstFrames();
  for (const device of devices) device.write(frames);
  await Promise.all(devices.map((device) => device.finish(framesPerDevice)));
  const { frameCount, problemCount } = await running.stop();
  return { ms, isSound: frameCount === connectionCount * framesPerDevice && problemCount === 0 };
}

async function openAll(port: number, count: number, order: ConnectBenchOptions["order"]): Promise<BenchDevice[]> {
  const open = (index: number) => BenchDevice.open(port, index, format);
  if (order === "at once") return Promise.all(Array.from({ length: count }, (_, index) => open(index)));
  const devices: BenchDevice[] = [];
  for (let index = 0; index < count; index += 1) devices.push(await open(index));
  return devices;
}

function firstFrames(): Buffer {
  const messages = loadMessages(format).slice(0, framesPerDevice);
  for (const [seq, message] of messages.entries()) writeSeq(message, seq);
  return Buffer.concat(messages);
}
