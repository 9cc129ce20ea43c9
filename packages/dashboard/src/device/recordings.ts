import type { Segment } from "@eet/server/api-types";
import { readApi } from "../api/api-client.ts";

/** What is recorded of a device, or of a stream of it, as far as it is closed. */
export interface Recordings {
  readonly startMs: number;
  readonly endMs: number;
  /** Of the last segment. */
  readonly sampleRateHz: number;
  readonly streamId: number;
}

/** Reads from when to when a device has recordings; `undefined`: none is closed yet. */
export async function readRecordings(
  hwid: string,
  stream: number | undefined,
  signal?: AbortSignal,
): Promise<Recordings | undefined> {
  const [first, last] = await Promise.all(
    (["asc", "desc"] as const).map(async (order) => {
      const query = { hwid, stream, order, limit: 1 };
      const { segments } = await readApi<{ readonly segments: readonly Segment[] }>("/segments", query, signal);
      return segments[0];
    }),
  );
  if (first === undefined || last === undefined) return undefined;
  return {
    startMs: Date.parse(first.start),
    endMs: Date.parse(last.end),
    sampleRateHz: last.format.sample_rate_hz,
    streamId: last.stream_id,
  };
}
