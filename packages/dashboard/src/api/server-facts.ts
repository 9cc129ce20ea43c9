/** What the server tells of itself. */
export interface ServerFacts {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly diskState: "ok" | "soft" | "hard";
  /** Until the disk is full at the present rate; `Infinity`: nothing is recorded; `undefined`: not known yet. */
  readonly headroomHours: number | undefined;
  /** Files that wait for the object store; `undefined`: uploads are off. */
  readonly uploadBacklogFiles: number | undefined;
  /** How long the oldest of them has waited. */
  readonly uploadBacklogAgeS: number;
}

/** Reads what the page shows of the server from its metrics (the text format of Prometheus). */
export function parseServerFacts(metrics: string): ServerFacts {
  const values = new Map<string, number>();
  for (const [, name, value] of metrics.matchAll(/^([a-z_]+(?:\{[^}]*\})?) (\S+)/gm)) {
    if (name !== undefined) values.set(name, value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value));
  }
  const isDisk = (state: string) => values.get(`eet_disk_state{state="${state}"}`) === 1;
  return {
    freeBytes: values.get("eet_disk_free_bytes") ?? 0,
    totalBytes: values.get("eet_disk_size_bytes") ?? 0,
    diskState: isDisk("hard") ? "hard" : isDisk("soft") ? "soft" : "ok",
    headroomHours: values.get("eet_disk_headroom_hours"),
    uploadBacklogFiles: values.get("eet_upload_backlog_files"),
    uploadBacklogAgeS: values.get("eet_upload_backlog_age_seconds") ?? 0,
  };
}
