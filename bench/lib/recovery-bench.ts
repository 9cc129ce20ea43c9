import { ServerProcess } from "../../test/support/server-process.ts";
import { goals } from "../goals.ts";
import { BenchDevice } from "./bench-device.ts";
import { makeBenchFolder } from "./bench-folder.ts";
import type { BenchResult, Figure } from "./figure.ts";
import { leaveSegments } from "./left-segments.ts";

/** What a killed server leaves of a stream on average: half of a segment of 10 s. */
const segmentS = 5;
/** What the goal speaks of. */
const goalSegmentCount = 10_000;

/** How long a server that was killed takes to be there again, and to finish what it left: one open segment per stream. */
export async function benchRecovery(segmentCount: number): Promise<BenchResult> {
  await using folder = await makeBenchFolder();
  // What is killed has made its catalogue long before.
  await using before = await ServerProcess.start({ folder: folder.path });
  await before.stop();
  leaveSegments({ folder: folder.path, segmentCount, seconds: segmentS, of: "devices" });
  const startMs = performance.now();
  await using server = await ServerProcess.start({ folder: folder.path });
  const listeningMs = performance.now() - startMs;
  const format = { codec: "adpcm", sampleRateHz: 16_000, channels: 1, frameSampleCount: 320 } as const;
  const device = await BenchDevice.open(server.port, 0, format);
  const connectedMs = performance.now() - startMs;
  const done = await server.recovered();
  const recoveredS = (performance.now() - startMs) / 1000;
  await device.finish(0);
  const less = (name: string, value: number, unit: Figure["unit"], goal?: number): Figure => ({
    ...{ name: `recovery of ${segmentCount}: ${name}`, value, unit, better: "less" },
    ...(goal !== undefined && { goal }),
  });
  return {
    isSound: Number(done["recoveredCount"]) === segmentCount,
    figures: [
      less("until it listens", listeningMs, "ms"),
      less("until a device is let in", connectedMs, "ms", goals.recoveryConnectMs),
      less("until all is finished", recoveredS, "s", (goals.recoveryS * segmentCount) / goalSegmentCount),
    ],
  };
}
