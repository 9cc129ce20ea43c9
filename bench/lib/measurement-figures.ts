import { goals } from "../goals.ts";
import type { Scenario } from "../scenarios.ts";
import { type Figure, percentileOf } from "./figure.ts";
import { cpuPerFrameUs, framesPerCoreSecond, type Measurement, rssPerStreamKiB } from "./measurement.ts";
import { growthOf } from "./usage-watch.ts";

/** A scenario with what it was changed to: `fleet, 1000 x adpcm of 20 ms`. */
export function titleOf({ name, connectionCount, codec, frameMs, hasAcks }: Scenario): string {
  return `${name}, ${connectionCount} x ${codec} of ${frameMs} ms${hasAcks ? ", acknowledged" : ""}`;
}

/** What a measurement found, as figures. */
export function figuresOf(measurement: Measurement, scenario: Scenario): readonly Figure[] {
  const { after, sent } = measurement;
  const title = titleOf(scenario);
  const less = lessOf(title);
  const isFlood = scenario.pace === "flood";
  return [
    less("CPU per frame", cpuPerFrameUs(measurement), "us"),
    less("CPU per frame of the socket's thread", cpuPerFrameUs(measurement, "mainThreadCpuMs"), "us"),
    less("RSS at the end", after.rssBytes / 2 ** 20, "MiB"),
    // What a flood leaves in buffers is no stream's share.
    less("RSS per stream over idle", rssPerStreamKiB(measurement), "KiB", isFlood ? undefined : goals.rssPerStreamKiB),
    ...growthFigures(measurement, title),
    ...(isFlood ? floodFigures(measurement, title) : []),
    { name: `${title}: frames late by the load`, value: sent.lateFrameCount, unit: "count", better: "none" },
    ...latencyFigures(measurement, title),
    ...servingFiguresOf(measurement, scenario),
    ...apiFigures(measurement, title),
  ];
}

function lessOf(title: string) {
  return (name: string, value: number, unit: Figure["unit"], goal?: number): Figure => ({
    ...{ name: `${title}: ${name}`, value, unit, better: "less" },
    ...(goal !== undefined && { goal }),
  });
}

function growthFigures({ rssBytes, sent }: Measurement, title: string): readonly Figure[] {
  const growth = growthOf(rssBytes);
  if (growth === undefined) return [];
  return [lessOf(title)("RSS per stream that was added later", growth / 1024 / sent.connectionCount, "KiB")];
}

function floodFigures(measurement: Measurement, title: string): readonly Figure[] {
  const more = (name: string, value: number): Figure => ({
    ...{ name: `${title}: ${name}`, value, unit: "1/s", better: "more" },
  });
  return [
    more("frames taken a second", (measurement.sentCount * 1000) / measurement.endedMs),
    more("frames per second of one core, until received", framesPerCoreSecond(measurement, "ended")),
    more("frames per second of one core, until derived", framesPerCoreSecond(measurement, "settled")),
  ];
}

function latencyFigures({ sent, stored }: Measurement, title: string): readonly Figure[] {
  const less = lessOf(title);
  const { finishingLags: lags } = stored;
  const acks = [0.5, 0.99, 0.999].map((share) =>
    less(`ack latency p${share * 100}`, sent.ackLatencies.percentileMs(share), "ms"),
  );
  return [
    ...(sent.ackLatencies.count === 0 ? [] : acks),
    ...(lags === undefined || lags.count === 0
      ? []
      : [
          less("segment closed to WAV there, p50", lags.percentileMs(0.5), "ms"),
          less("segment closed to WAV there, p99", lags.percentileMs(0.99), "ms"),
        ]),
  ];
}

function servingFiguresOf({ serving }: Measurement, scenario: Scenario): readonly Figure[] {
  if (serving === undefined || scenario.pace === "flood") return [];
  const less = lessOf(titleOf(scenario));
  const streamSeconds = scenario.connectionCount * scenario.seconds;
  return [
    less("event-loop delay p99", serving.loopDelayP99Ms, "ms", scenario.isProbed ? goals.eventLoopP99Ms : undefined),
    less("event-loop delay, longest", serving.loopDelayMaxMs, "ms"),
    less("flushes per stream and second", serving.flushCount / streamSeconds, "1/s"),
    less("syncs per stream and second", serving.syncCount / streamSeconds, "1/s"),
  ];
}

function apiFigures({ api }: Measurement, title: string): readonly Figure[] {
  if (api === undefined) return [];
  const less = lessOf(title);
  return [
    less("API p50", percentileOf(api.latenciesMs, 0.5), "ms"),
    less("API p99", percentileOf(api.latenciesMs, 0.99), "ms", goals.apiP99Ms),
    less("API answers that failed", api.errorCount, "count", 0),
  ];
}
