import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { wavHeaderBytes } from "@eet/audio";
import { ServerProcess } from "../../test/support/server-process.ts";
import { goals } from "../goals.ts";
import { makeBenchFolder } from "./bench-folder.ts";
import { type Drained, drain } from "./byte-drain.ts";
import { CatServer } from "./cat-server.ts";
import { type BenchResult, type Figure, summaryOf } from "./figure.ts";
import { leaveSegments, leftHwid, leftSession } from "./left-segments.ts";
import { timePictures } from "./picture-times.ts";
import { PeakMemory, readProcessUsage } from "./process-usage.ts";
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
 * Then pictures of the range, each by a server that has just been started.
 */
export async function benchExport({ minutes, roundCount }: ExportBenchOptions): Promise<BenchResult> {
  await using folder = await makeBenchFolder();
  leaveSegments({ folder: folder.path, segmentCount: (minutes * 60) / segmentS, seconds: segmentS, of: "session" });
  const sampleCount = minutes * 60 * speechRateHz;
  const exports = await measureExports(folder.path, sampleCount, roundCount);
  const pictures = await timePictures(folder.path, rangeOf(sampleCount));
  return {
    isSound: exports.isSound,
    figures: [
      ...exportFigures(`export of ${minutes} min`, exports, sampleCount * 2),
      ...pictures.map(
        ({ name, ms }): Figure => ({
          name: `${name} of ${minutes} min, first asked for`,
          ...{ value: ms, unit: "ms", better: "less", goal: goals.firstPictureMs },
        }),
      ),
    ],
  };
}

interface Exports {
  readonly isSound: boolean;
  readonly rounds: readonly (readonly [own: Drained, cat: Drained])[];
  /** Of the server, over the rounds. */
  readonly cpuMs: number;
  readonly growthBytes: number;
}

async function measureExports(folder: string, sampleCount: number, roundCount: number): Promise<Exports> {
  await using server = await ServerProcess.start({ folder });
  await server.recovered();
  const path = `/api/v1/devices/${leftHwid}/audio?${rangeOf(sampleCount)}`;
  const filePath = join(folder, "range.wav");
  // From before the first export on: what it takes to have exported at all counts, too.
  const peak = new PeakMemory(server.pid);
  const isSound = await save(`http://127.0.0.1:${server.port}${path}`, filePath, sampleCount);
  await using cat = await CatServer.start(filePath);
  // The first round of each is not counted: pages are read, code is compiled.
  await drain(cat.port, undefined);
  await drain(server.port, path);
  const before = readProcessUsage(server.pid);
  const rounds = await takeTurns(
    roundCount,
    () => drain(server.port, path, wavHeaderBytes),
    () => drain(cat.port, undefined, wavHeaderBytes),
  );
  const after = readProcessUsage(server.pid);
  return { isSound, rounds, cpuMs: after.cpuMs - before.cpuMs, growthBytes: peak.growthBytes() };
}

function rangeOf(sampleCount: number): string {
  return `session=${leftSession}&from_sample=0&to_sample=${sampleCount}`;
}

function exportFigures(title: string, { rounds, cpuMs, growthBytes }: Exports, rangeBytes: number): readonly Figure[] {
  const megabytes = (rangeBytes * rounds.length) / 1e6;
  const rates = rounds.map(([own, cat]) => [rateOf(own), rateOf(cat)] as const);
  return [
    { name: `${title}: eet`, ...summaryOf(rates.map(([own]) => own)), unit: "MB/s", better: "more" },
    { name: `${title}: cat`, ...summaryOf(rates.map(([, cat]) => cat)), unit: "MB/s", better: "none" },
    {
      name: `${title}: eet against cat`,
      ...summaryOf(rates.map(([own, cat]) => own / cat)),
      ...{ unit: "x", better: "more", goal: goals.exportAgainstCat },
    },
    {
      name: `${title}: until its first byte`,
      ...summaryOf(rounds.map(([own]) => own.firstByteMs)),
      ...{ unit: "ms", better: "less", goal: goals.exportFirstByteMs },
    },
    {
      name: `${title}: growth of memory`,
      ...{ value: growthBytes / 2 ** 20, unit: "MiB", better: "less", goal: goals.exportGrowthMiB },
    },
    { name: `${title}: CPU per MB`, value: cpuMs / megabytes, unit: "ms", better: "less" },
  ];
}

async function takeTurns(
  roundCount: number,
  own: () => Promise<Drained>,
  other: () => Promise<Drained>,
): Promise<Exports["rounds"]> {
  const rounds: [Drained, Drained][] = [];
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
function rateOf({ byteCount, ms }: Drained): number {
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
