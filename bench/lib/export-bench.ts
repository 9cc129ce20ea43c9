import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { wavHeaderBytes } from "@eet/audio";
import { ServerProcess } from "../../test/support/server-process.ts";
import { goals } from "../goals.ts";
import { makeBenchFolder } from "./bench-folder.ts";
import { drain } from "./byte-drain.ts";
import { CatServer } from "./cat-server.ts";
import { type BenchResult, summaryOf } from "./figure.ts";
import { leaveSegments, leftHwid, leftSession } from "./left-segments.ts";
import { readProcessUsage } from "./process-usage.ts";
import { speechRateHz } from "./speech.ts";

const segmentS = 10;

export interface ExportBenchOptions {
  /** Length of the range. */
  readonly minutes: number;
  readonly roundCount: number;
}

/**
 * A range as WAV from the segments on disk, against `cat` of the same bytes from one file: both write into a TCP socket of the
 * loopback that the same reader empties, in turn, from the page cache. Sound when the WAV has the length of the range.
 */
export async function benchExport({ minutes, roundCount }: ExportBenchOptions): Promise<BenchResult> {
  await using folder = await makeBenchFolder();
  leaveSegments({ folder: folder.path, segmentCount: (minutes * 60) / segmentS, seconds: segmentS, of: "session" });
  await using server = await ServerProcess.start({ folder: folder.path });
  await server.recovered();
  const sampleCount = minutes * 60 * speechRateHz;
  const path = `/api/v1/devices/${leftHwid}/audio?session=${leftSession}&from_sample=0&to_sample=${sampleCount}`;
  const filePath = join(folder.path, "range.wav");
  const isSound = await save(`http://127.0.0.1:${server.port}${path}`, filePath, sampleCount);
  await using cat = await CatServer.start(filePath);
  // The first round of each is not counted: pages are read, code is compiled.
  await drain(cat.port, undefined);
  await drain(server.port, path);
  const before = readProcessUsage(server.pid);
  const rounds = await takeTurns(
    roundCount,
    () => rateOf(server.port, path),
    () => rateOf(cat.port, undefined),
  );
  const after = readProcessUsage(server.pid);
  const megabytes = (sampleCount * 2 * roundCount) / 1e6;
  const title = `export of ${minutes} min`;
  return {
    isSound,
    figures: [
      { name: `${title}: eet`, ...summaryOf(rounds.map(([own]) => own)), unit: "MB/s", better: "more" },
      { name: `${title}: cat`, ...summaryOf(rounds.map(([, cats]) => cats)), unit: "MB/s", better: "none" },
      {
        name: `${title}: eet against cat`,
        ...summaryOf(rounds.map(([own, cats]) => own / cats)),
        ...{ unit: "x", better: "more", goal: goals.exportAgainstCat },
      },
      { name: `${title}: CPU per MB`, value: (after.cpuMs - before.cpuMs) / megabytes, unit: "ms", better: "less" },
    ],
  };
}

async function takeTurns(
  roundCount: number,
  own: () => Promise<number>,
  other: () => Promise<number>,
): Promise<readonly (readonly [number, number])[]> {
  const rounds: [number, number][] = [];
  for (let round = 0; round < roundCount; round += 1) {
    if (round % 2 === 0) rounds.push([await own(), await other()]);
    else {
      const others = await other();
      rounds.push([await own(), others]);
    }
  }
  return rounds;
}

/** @returns MB/s */
async function rateOf(port: number, path: string | undefined): Promise<number> {
  const { byteCount, ms } = await drain(port, path);
  return byteCount / 1e6 / (ms / 1000);
}

/** @returns whether it is a WAV of that length */
async function save(url: string, path: string, sampleCount: number): Promise<boolean> {
  const answer = await fetch(url);
  if (!answer.ok || answer.body === null) throw new Error(`${url} answers ${answer.status}: ${await answer.text()}`);
  let [byteCount, head] = [0, new Uint8Array()];
  const body = Readable.fromWeb(answer.body).on("data", (bytes: Uint8Array) => {
    if (byteCount === 0) head = bytes.slice(0, wavHeaderBytes);
    byteCount += bytes.byteLength;
  });
  await pipeline(body, createWriteStream(path));
  const dataBytes = new DataView(head.buffer).getUint32(wavHeaderBytes - 4, true);
  return dataBytes === sampleCount * 2 && byteCount >= wavHeaderBytes + dataBytes;
}
