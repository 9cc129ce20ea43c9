import { join } from "node:path";
import { finishSegment } from "../../packages/server/src/lib/finishing/finish-segment-store.ts";
import {
  adpcmFormat,
  adpcmFrames,
  leaveSegment,
  pcmFormat,
  pcmFrames,
} from "../../packages/server/src/lib/finishing/segment-fixture.test-support.ts";
import { goals } from "../goals.ts";
import { makeBenchFolder } from "./bench-folder.ts";
import type { BenchResult, Figure } from "./figure.ts";
import { readSpeech } from "./speech.ts";

const frameSampleCount = 320;
const segmentS = 10;
/** The first ones are not counted: the code is not optimised yet. */
const warmUpCount = 20;

/**
 * What deriving a segment's files costs: decoding, WAV, hashes, levels, overview, sidecar, with every sync. As one worker
 * thread does it; `x` is media time by processor time of one core.
 */
export async function benchFinishing(segmentCount: number): Promise<BenchResult> {
  const samples = readSpeech(segmentS);
  const figures: Figure[] = [];
  for (const codec of ["adpcm", "pcm16"] as const) {
    const frames =
      codec === "adpcm" ? adpcmFrames(samples, frameSampleCount, "low") : pcmFrames(samples, frameSampleCount);
    const format = codec === "adpcm" ? adpcmFormat : pcmFormat;
    await using folder = await makeBenchFolder();
    const jobs = Array.from({ length: warmUpCount + segmentCount }, (_, index) => ({
      receivedPath: join(folder.path, "received"),
      overviewPath: join(folder.path, "overview"),
      segment: leaveSegment(join(folder.path, "received"), frames, { format, session: `session-${index}` }),
      wantsWav: true,
      isRecovered: false,
    }));
    for (const job of jobs.slice(0, warmUpCount)) finishSegment(job);
    const before = process.cpuUsage();
    const startMs = performance.now();
    for (const job of jobs.slice(warmUpCount)) finishSegment(job);
    const wallMs = performance.now() - startMs;
    const { user, system } = process.cpuUsage(before);
    const cpuMs = (user + system) / 1000 / segmentCount;
    figures.push(
      { name: `finishing ${codec}: CPU per segment of ${segmentS} s`, value: cpuMs, unit: "ms", better: "less" },
      { name: `finishing ${codec}: wall time per segment`, value: wallMs / segmentCount, unit: "ms", better: "none" },
      {
        name: `finishing ${codec}: real time per core`,
        value: (segmentS * 1000) / cpuMs,
        ...{ unit: "x", better: "more" },
        ...(codec === "adpcm" && { goal: goals.finishingFactor }),
      },
    );
  }
  return { figures, isSound: true };
}
