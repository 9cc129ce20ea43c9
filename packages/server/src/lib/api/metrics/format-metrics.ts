import { Counter, Gauge, type Metric, Registry } from "@prometheus-io/client";
import type { LatencyFigures } from "../../kernel/latency-histogram.ts";
import type { ProcessFigures } from "../../kernel/process-monitor.ts";
import type { ApiFigures, ServerFigures } from "./server-figures.ts";

/** Type of what {@link formatMetrics} writes. */
export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE;

type Labelled = Readonly<Record<string, number>>;

/**
 * Writes figures in the text format of Prometheus. No metric has a label for the device: their number has no bound; what
 * concerns one device is told by the API.
 */
export function formatMetrics(figures: ServerFigures, api: ApiFigures, process: ProcessFigures): Promise<string> {
  // Made anew for each scrape, from what the parts count in plain fields.
  const writer = new MetricsWriter();
  writeRecording(writer, figures);
  writeStorage(writer, figures);
  writeDeliveries(writer, figures);
  writeLive(writer, figures);
  writeApi(writer, api);
  writeLimits(writer, api);
  writeTls(writer, figures);
  writeProcess(writer, process);
  return writer.text();
}

function writeRecording(writer: MetricsWriter, figures: ServerFigures): void {
  writer.gauge("eet_connections", "WebSocket connections that are open.", figures.connectionCount);
  writer.gauge("eet_devices_online", "Devices with an id that are connected.", figures.onlineDeviceCount);
  const openHelp = "1: everybody who reaches the server may do everything (--insecure-open).";
  writer.gauge("eet_insecure_open", openHelp, figures.isInsecureOpen ? 1 : 0);
  writer.gauge("eet_streams", "Streams that are being recorded.", figures.sessionCount);
  writer.counter("eet_frames_total", "Audio frames taken.", figures.frameTotal);
  writer.counter("eet_frame_bytes_total", "Bytes of audio frames taken, headers included.", figures.byteTotal);
  writer.counter("eet_gaps_total", "Stretches of missing frames.", figures.gapTotal);
  writer.counter("eet_duplicate_frames_total", "Frames that had come before.", figures.duplicateTotal);
  writeWorkers(writer, figures);
  const flushHelp = "Time from the arrival of a flush's oldest frame until it is on stable storage.";
  writer.histogram("eet_flush_latency_seconds", flushHelp, figures.flushLatency);
  writer.histogram("eet_sync_latency_seconds", "Time that fdatasync takes, its queue included.", figures.syncLatency);
}

function writeWorkers(writer: MetricsWriter, { ingestWorkers }: ServerFigures): void {
  const { count, runningCount: running, crashTotal, uses } = ingestWorkers;
  const workersHelp = "Processes that take devices by state; none where the server takes them itself.";
  writer.gauges("eet_ingest_workers", workersHelp, "state", { running, down: count - running });
  writer.counter("eet_ingest_worker_crashes_total", "Processes that take devices and ended by themselves.", crashTotal);
  const byWorker = (value: (use: (typeof uses)[number]) => number) =>
    Object.fromEntries(uses.map((use, place) => [place, value(use)]));
  const cpu = byWorker(({ cpuS }) => cpuS);
  writer.counters("eet_ingest_worker_cpu_seconds_total", "Processor time, user and system.", "worker", cpu);
  const resident = byWorker(({ residentBytes }) => residentBytes);
  writer.gauges("eet_ingest_worker_resident_memory_bytes", "Resident memory.", "worker", resident);
  const delayS = byWorker(({ loopDelayMs }) => loopDelayMs / 1000);
  const delayHelp = "Longest delay of the event loop in the last second.";
  writer.gauges("eet_ingest_worker_event_loop_delay_seconds", delayHelp, "worker", delayS);
}

function writeStorage(
  writer: MetricsWriter,
  { finishingCount, unfinishedCount, segments, ...figures }: ServerFigures,
): void {
  const { uploads, disk, nowMs } = figures;
  writer.gauge("eet_finishing_queue_length", "Closed segments that wait for WAV and sidecar.", finishingCount);
  const crashHelp = "Segments that a thread was at when it ended (two at most), and that were then derived again.";
  writer.counter("eet_finish_worker_crashes_total", crashHelp, figures.finishCrashTotal);
  const playbackHelp = "Threads that ended while they decoded or drew recordings.";
  writer.counter("eet_playback_worker_crashes_total", playbackHelp, figures.playbackCrashTotal);
  const states = { finishing: finishingCount, unfinished: unfinishedCount, ...segments };
  writer.gauges("eet_segments", "Closed segments by state.", "state", states);
  if (uploads !== undefined) {
    const { pending, uploading, stored, failed, pendingBytes, oldestPendingMs = nowMs } = uploads;
    writer.gauges("eet_uploads", "Files queued for upload by state.", "state", { pending, uploading, stored, failed });
    writer.gauge("eet_upload_backlog_files", "Files that are not verified in the store.", pending + uploading + failed);
    writer.gauge("eet_upload_backlog_bytes", "Bytes of the files that are not verified in the store.", pendingBytes);
    const ageHelp = "Age of the oldest file that is not verified in the store.";
    writer.gauge("eet_upload_backlog_age_seconds", ageHelp, ageS(oldestPendingMs, nowMs));
  }
  writer.gauge("eet_disk_free_bytes", "Free bytes of the data folder's disk.", disk.freeBytes);
  writer.gauge("eet_disk_size_bytes", "Size of the data folder's disk.", disk.totalBytes);
  const isState = (state: string) => (disk.state === state ? 1 : 0);
  const marks = { ok: isState("ok"), soft: isState("soft"), hard: isState("hard") };
  writer.gauges("eet_disk_state", "1 for the state that the disk is in.", "state", marks);
  if (disk.headroomHours !== undefined) {
    const help = "Hours until the disk reaches its hard mark at the rate of the last hour; +Inf: it does not fill.";
    writer.gauge("eet_disk_headroom_hours", help, disk.headroomHours);
  }
}

function writeDeliveries(writer: MetricsWriter, { deliveries, nowMs }: ServerFigures): void {
  // Bounded by the settings: a webhook or command each.
  const byTarget = (value: (counts: (typeof deliveries)[number]) => number) =>
    Object.fromEntries(deliveries.map((counts) => [counts.target, value(counts)]));
  const pending = byTarget((counts) => counts.pending);
  writer.gauges("eet_deliveries_pending", "Events that wait for delivery.", "target", pending);
  const dead = byTarget((counts) => counts.dead);
  writer.gauges("eet_deliveries_dead", "Events whose delivery was given up.", "target", dead);
  const age = byTarget(({ oldestPendingMs = nowMs }) => ageS(oldestPendingMs, nowMs));
  writer.gauges("eet_delivery_age_seconds", "Age of the oldest event that waits for delivery.", "target", age);
}

function writeLive(writer: MetricsWriter, { live }: ServerFigures): void {
  writer.gauge("eet_viewers", "Viewers of the live side that are connected.", live.viewerCount);
  writer.gauge("eet_watched_devices", "Devices that a viewer looks at.", live.watchedDeviceCount);
  const slowHelp = "Messages left out because their viewer did not read fast enough.";
  writer.counter("eet_live_skipped_messages_total", slowHelp, live.skippedMessageTotal);
  const lateHelp = "Frames that viewers were not shown for want of time; they are recorded all the same.";
  writer.counter("eet_live_skipped_frames_total", lateHelp, live.skippedFrameTotal);
}

function writeApi(writer: MetricsWriter, { exportCount, pictureCount, cutOffReaderTotal }: ApiFigures): void {
  writer.gauge("eet_exports", "Exports of audio that are running.", exportCount);
  writer.gauge("eet_pictures", "Peaks and spectrograms that are being drawn.", pictureCount);
  const help = "Clients that were cut off because they took nothing of an answer that waited for them.";
  writer.counter("eet_stalled_readers_total", help, cutOffReaderTotal);
}

function writeLimits(writer: MetricsWriter, { limits: { counts, uses } }: ApiFigures): void {
  const refused = "Who was refused, ended or slowed by a limit; the label is the code of docs/errors.md.";
  writer.counters("eet_limit_refusals_total", refused, "limit", counts);
  const shares = Object.entries(uses);
  const used = Object.fromEntries(shares.map(([code, use]) => [code, use.used]));
  writer.gauges(
    "eet_limit_used",
    "How much of a limit is used; of those per device or address the most.",
    "limit",
    used,
  );
  const allowed = Object.fromEntries(shares.map(([code, use]) => [code, use.allowed]));
  writer.gauges("eet_limit_allowed", "Where the limit is.", "limit", allowed);
}

/** In Unix time, as Prometheus compares it with time(). */
function writeTls(writer: MetricsWriter, { tls }: ServerFigures): void {
  if (tls === undefined) return;
  const help = "of the certificate that new connections are shown, since the Unix epoch.";
  writer.gauge("eet_tls_certificate_not_before_seconds", `Begin ${help}`, tls.startMs / 1000);
  writer.gauge("eet_tls_certificate_not_after_seconds", `End ${help}`, tls.endMs / 1000);
  if (tls.revocationEndMs === undefined) return;
  const listHelp = "End of the revocation list of devices' certificates, since the Unix epoch.";
  writer.gauge("eet_tls_revocation_list_not_after_seconds", listHelp, tls.revocationEndMs / 1000);
}

function writeProcess(writer: MetricsWriter, figures: ProcessFigures): void {
  const { eventLoopDelay } = figures;
  const delays = { median: eventLoopDelay.p50S, p99: eventLoopDelay.p99S, max: eventLoopDelay.maxS };
  const help = "Delay of the event loop since the last scrape: median, 99th percentile, longest.";
  writer.gauges("eet_event_loop_delay_seconds", help, "statistic", delays);
  writer.counter("process_cpu_seconds_total", "Processor time, user and system.", figures.cpuS);
  writer.gauge("process_resident_memory_bytes", "Resident memory.", figures.residentBytes);
  writer.gauge("process_start_time_seconds", "Start of the process since the Unix epoch.", figures.startS);
  writer.gauge("nodejs_heap_size_used_bytes", "Heap of JavaScript in use.", figures.heapUsedBytes);
  writer.gauge("nodejs_external_memory_bytes", "Memory of buffers outside of the heap.", figures.externalBytes);
}

function ageS(sinceMs: number, nowMs: number): number {
  return Math.max(0, nowMs - sinceMs) / 1000;
}

/** A registry that is filled once. */
class MetricsWriter {
  readonly #registry = new Registry();

  gauge(name: string, help: string, value: number): void {
    new Gauge({ name, help, registers: [this.#registry] }).set(value);
  }

  gauges(name: string, help: string, label: string, values: Labelled): void {
    const gauge = new Gauge({ name, help, labelNames: [label], registers: [this.#registry] });
    for (const [key, value] of Object.entries(values)) gauge.set({ [label]: key }, value);
  }

  counter(name: string, help: string, value: number): void {
    new Counter({ name, help, registers: [this.#registry] }).inc(value);
  }

  counters(name: string, help: string, label: string, values: Labelled): void {
    const counter = new Counter({ name, help, labelNames: [label], registers: [this.#registry] });
    for (const [key, value] of Object.entries(values)) counter.inc({ [label]: key }, value);
  }

  histogram(name: string, help: string, { buckets, count, sumMs }: LatencyFigures): void {
    const bounds = buckets.map(({ boundMs, count: value }) => ({
      ...{ metricName: `${name}_bucket`, labels: { le: boundMs / 1000 }, value },
    }));
    const values = [
      ...bounds,
      { metricName: `${name}_bucket`, labels: { le: "+Inf" }, value: count },
      { metricName: `${name}_sum`, labels: {}, value: sumMs / 1000 },
      { metricName: `${name}_count`, labels: {}, value: count },
    ];
    // The library's own can be fed by single observations only.
    const metric = { name, get: async () => ({ name, help, type: "histogram", values, aggregator: "sum" }) };
    this.#registry.registerMetric(metric as unknown as Metric);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
