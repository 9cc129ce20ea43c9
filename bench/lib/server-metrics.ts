/** What `/metrics` told, by name with labels: `eet_segments{state="local"}`. */
export type ServerMetrics = ReadonlyMap<string, number>;

/** Asks a server for its figures. */
export async function readServerMetrics(port: number): Promise<ServerMetrics> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  if (!answer.ok) throw new Error(`/metrics answers ${answer.status}: ${await answer.text()}`);
  return parseMetrics(await answer.text());
}

/** Reads the text format of Prometheus. */
export function parseMetrics(text: string): ServerMetrics {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(" ");
      return [line.slice(0, end), Number(line.slice(end + 1).replace("+Inf", "Infinity"))];
    }),
  );
}

/** What the server did between two looks at its figures. */
export interface ServingFigures {
  /** How late its loop was, ms. */
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  readonly flushCount: number;
  readonly syncCount: number;
}

/** @param after - read after `before`, with no other look between: delays count from the last one on */
export function servingFigures(before: ServerMetrics, after: ServerMetrics): ServingFigures {
  const delayMs = (statistic: string) =>
    (after.get(`eet_event_loop_delay_seconds{statistic="${statistic}"}`) ?? Number.NaN) * 1000;
  const change = (name: string) => (after.get(name) ?? Number.NaN) - (before.get(name) ?? Number.NaN);
  return {
    loopDelayP99Ms: delayMs("p99"),
    loopDelayMaxMs: delayMs("max"),
    flushCount: change("eet_flush_latency_seconds_count"),
    syncCount: change("eet_sync_latency_seconds_count"),
  };
}
