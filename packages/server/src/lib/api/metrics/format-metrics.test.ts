import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { skipWithout } from "../../../../../../test/support/tools.ts";
import { LatencyHistogram } from "../../kernel/latency-histogram.ts";
import { LimitTally } from "../../kernel/limit-tally.ts";
import { ProcessMonitor } from "../../kernel/process-monitor.ts";
import { formatMetrics } from "./format-metrics.ts";
import type { ServerFigures } from "./server-figures.ts";

const gib = 2 ** 30;

function makeFigures(): ServerFigures {
  const latency = new LatencyHistogram();
  for (const durationMs of [0.5, 3, 80, 40_000]) latency.observe(durationMs);
  return {
    connectionCount: 3,
    onlineDeviceCount: 2,
    sessionCount: 3,
    frameTotal: 1_000,
    byteTotal: 652_000,
    gapTotal: 4,
    duplicateTotal: 5,
    flushLatency: latency.read(),
    syncLatency: latency.read(),
    finishingCount: 1,
    ingestWorkers: {
      ...{ count: 2, runningCount: 1, crashTotal: 3 },
      uses: [
        { cpuS: 7, residentBytes: 2 ** 20, loopDelayMs: 250 },
        { cpuS: 0, residentBytes: 0, loopDelayMs: 0 },
      ],
    },
    finishCrashTotal: 0,
    playbackCrashTotal: 6,
    unfinishedCount: 0,
    segments: { local: 10, evicted: 7 },
    uploads: { pending: 2, uploading: 1, stored: 30, failed: 3, oldestPendingMs: 90_000, pendingBytes: 5_000 },
    deliveries: [{ target: 'webhook:a"b\\c', pending: 2, dead: 1, oldestPendingMs: 60_000 }],
    live: { viewerCount: 4, watchedDeviceCount: 6, skippedMessageTotal: 8, skippedFrameTotal: 9 },
    disk: { state: "soft", freeBytes: gib, totalBytes: 10 * gib, headroomHours: Number.POSITIVE_INFINITY },
    tls: { startMs: 1_500, endMs: 7_776_001_500, revocationEndMs: 604_800_000 },
    isInsecureOpen: false,
    nowMs: 100_000,
  };
}

async function metricsText(figures = makeFigures()): Promise<string> {
  const monitor = new ProcessMonitor();
  try {
    const limits = new LimitTally();
    limits.note("LOGIN_LIMIT");
    limits.show("CONNECTION_LIMIT", () => ({ used: 3, allowed: 50 }));
    const api = { exportCount: 2, pictureCount: 1, cutOffReaderTotal: 3, limits };
    return await formatMetrics(figures, api, monitor.read());
  } finally {
    monitor.close();
  }
}

interface Family {
  readonly type: string;
  readonly samples: Map<string, number>;
}

/** Reads the text format strictly: each family once, HELP and TYPE before its samples, names and labels well formed. */
function parseMetrics(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith("\n"));
  const families = new Map<string, Family>();
  let help: string | undefined;
  let current: Family | undefined;
  let name = "";
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const [, helped] = /^# HELP ([a-zA-Z_:][\w:]*) \S.*$/.exec(line) ?? [];
    const [, typed = "", type = ""] = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (helped !== undefined) help = helped;
    else if (typed !== "") {
      assert.equal(typed, help, "HELP stands before TYPE");
      assert.ok(!families.has(typed), `${typed} comes once`);
      name = typed;
      current = { type, samples: new Map() };
      families.set(name, current);
    } else {
      const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"`;
      const sample = new RegExp(String.raw`^(([a-zA-Z_:][\w:]*)(?:\{${label}(?:,${label})*\})?) (\S+)$`).exec(line);
      assert.ok(sample !== null, `${line} is a sample`);
      const [, series = "", metric = "", value = ""] = sample;
      const suffix = metric.slice(name.length);
      assert.ok(metric.startsWith(name), `${metric} belongs to ${name}`);
      assert.ok((current?.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]).includes(suffix), line);
      const number = value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value);
      assert.ok(!Number.isNaN(number), line);
      assert.ok(!current?.samples.has(series), `${series} comes once`);
      current?.samples.set(series, number);
    }
  }
  return families;
}

describe("formatMetrics", () => {
  it("writes what Prometheus reads, with every figure that is promised", async () => {
    const families = parseMetrics(await metricsText());
    const figureOf = (series: string) => families.get(series.replace(/\{.*/, ""))?.samples.get(series);
    for (const [series, value] of [
      ["eet_streams", 3],
      ["eet_frames_total", 1_000],
      ["eet_frame_bytes_total", 652_000],
      ["eet_gaps_total", 4],
      ["eet_duplicate_frames_total", 5],
      ["eet_finishing_queue_length", 1],
      ['eet_ingest_workers{state="running"}', 1],
      ['eet_ingest_workers{state="down"}', 1],
      ["eet_ingest_worker_crashes_total", 3],
      ['eet_ingest_worker_cpu_seconds_total{worker="0"}', 7],
      ['eet_ingest_worker_resident_memory_bytes{worker="0"}', 2 ** 20],
      ['eet_ingest_worker_event_loop_delay_seconds{worker="0"}', 0.25],
      ['eet_ingest_worker_event_loop_delay_seconds{worker="1"}', 0],
      ["eet_playback_worker_crashes_total", 6],
      ['eet_segments{state="evicted"}', 7],
      ["eet_viewers", 4],
      ["eet_watched_devices", 6],
      ["eet_live_skipped_messages_total", 8],
      ["eet_live_skipped_frames_total", 9],
      ["eet_exports", 2],
      ["eet_pictures", 1],
      ["eet_stalled_readers_total", 3],
      ['eet_limit_refusals_total{limit="LOGIN_LIMIT"}', 1],
      ['eet_limit_refusals_total{limit="OVERLOADED"}', 0],
      ['eet_limit_used{limit="CONNECTION_LIMIT"}', 3],
      ['eet_limit_allowed{limit="CONNECTION_LIMIT"}', 50],
      ["eet_tls_certificate_not_before_seconds", 1.5],
      ["eet_tls_certificate_not_after_seconds", 7_776_001.5],
      ["eet_tls_revocation_list_not_after_seconds", 604_800],
      ["eet_upload_backlog_files", 6],
      ["eet_upload_backlog_bytes", 5_000],
      ["eet_upload_backlog_age_seconds", 10],
      ['eet_disk_state{state="soft"}', 1],
      ["eet_disk_headroom_hours", Number.POSITIVE_INFINITY],
      [String.raw`eet_deliveries_pending{target="webhook:a\"b\\c"}`, 2],
      [String.raw`eet_delivery_age_seconds{target="webhook:a\"b\\c"}`, 40],
    ] as const) {
      assert.equal(figureOf(series), value, series);
    }
    for (const statistic of ["median", "p99", "max"]) {
      assert.ok((figureOf(`eet_event_loop_delay_seconds{statistic="${statistic}"}`) ?? -1) >= 0);
    }
    assert.ok((figureOf("process_resident_memory_bytes") ?? 0) > 0);
  });

  it("writes histograms whose buckets grow up to the count", async () => {
    const families = parseMetrics(await metricsText());
    for (const name of ["eet_flush_latency_seconds", "eet_sync_latency_seconds"]) {
      const { type, samples } = families.get(name) ?? assert.fail(name);
      assert.equal(type, "histogram");
      const buckets = [...samples].filter(([series]) => series.includes("_bucket"));
      assert.deepEqual(
        buckets.map(([, count]) => count),
        buckets.map(([, count]) => count).toSorted((a, b) => a - b),
      );
      assert.equal(buckets.at(-1)?.[0], `${name}_bucket{le="+Inf"}`);
      assert.deepEqual([buckets.at(-1)?.[1], samples.get(`${name}_count`)], [4, 4]);
      assert.equal(samples.get(`${name}_sum`), 40.0835);
    }
  });

  it("leaves out what is not known: uploads and TLS that are off, a headroom without a rate", async () => {
    const { disk, ...figures } = makeFigures();
    const unknown = { uploads: undefined, tls: undefined, disk: { ...disk, headroomHours: undefined } };
    const families = parseMetrics(await metricsText({ ...figures, ...unknown }));
    assert.deepEqual(
      [...families.keys()].filter((name) => /upload|headroom|_tls_/.test(name)),
      [],
    );
  });

  it("has no label that grows with the fleet", async () => {
    assert.doesNotMatch(await metricsText(), /hwid|device=/);
  });

  it("passes promtool", { skip: skipWithout("promtool") }, async () => {
    const { status, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], {
      input: await metricsText(),
      encoding: "utf8",
    });
    const remarks = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
    // People plan in hours; its value is what the command line shows as well.
    const own = remarks.filter((line) => !line.startsWith("eet_disk_headroom_hours"));
    assert.deepEqual(own, [], `promtool ended with ${status}`);
  });
});
