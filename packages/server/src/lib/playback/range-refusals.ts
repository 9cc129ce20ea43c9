import type { CatalogReader } from "../catalog/catalog-reader.ts";
import { RequestError } from "../kernel/errors.ts";
import type { RangeRequest } from "./range-request.ts";
import type { SegmentRuns } from "./segment-runs.ts";

/** How many streams a message lists. */
const maxListedCount = 20;

/** @throws RequestError `RANGE_AMBIGUOUS` when no stream was chosen and several have audio */
export function assertOneStream({ streamIds }: SegmentRuns, { hwid, streamId }: RangeRequest): void {
  if (streamId !== undefined || streamIds.length <= 1) return;
  const listed = [...streamIds].sort((a, b) => a - b).slice(0, maxListedCount);
  const rest = streamIds.length > listed.length ? `, and ${streamIds.length - listed.length} more` : "";
  throw new RequestError(
    "RANGE_AMBIGUOUS",
    `${describeDevice(hwid)} has audio of the streams ${listed.join(", ")}${rest} in the range`,
  );
}

/** @throws RequestError `RANGE_MIXED` when not all segments have one rate and one number of channels */
export function assertOneFormat({ formats }: SegmentRuns, { hwid }: RangeRequest): void {
  if (formats.length <= 1) return;
  const listed = formats.map(
    ({ sampleRateHz, channels, fromMs, toMs, sessions }) =>
      `${sampleRateHz} Hz with ${channels} ${channels === 1 ? "channel" : "channels"} from ${iso(fromMs)} to ${iso(toMs)} ` +
      `(${sessions.length === 1 ? "session" : "sessions"} ${sessions.join(", ")})`,
  );
  throw new RequestError("RANGE_MIXED", `${describeDevice(hwid)} recorded ${listed.join("; ")}`);
}

/** RequestError `RANGE_EMPTY` that tells what lies nearest. */
export async function emptyRangeError(reader: CatalogReader, request: RangeRequest): Promise<RequestError> {
  const device = describeDevice(request.hwid);
  const { range, hwid, streamId, session } = request;
  if ("session" in range) return new RequestError("RANGE_EMPTY", await describeSession(reader, request, range.session));
  if (session !== undefined) return new RequestError("RANGE_EMPTY", await describeSession(reader, request, session));
  const which = streamId === undefined ? device : `stream ${streamId} of ${device}`;
  const { fromMs, toMs } = range;
  const filter = { hwid, ...(streamId !== undefined && { streamId }), limit: 1 };
  const [before] = (await reader.segments({ ...filter, toMs: fromMs, order: "desc" })).rows;
  const [after] = (await reader.segments({ ...filter, fromMs: toMs })).rows;
  const nearest = [
    ...(before === undefined ? [] : [`the last audio before it ends at ${iso(before.endMs)}`]),
    ...(after === undefined ? [] : [`the first after it begins at ${iso(after.startMs)}`]),
  ];
  const hint = nearest.length === 0 ? "nothing is recorded of it at all" : nearest.join(", ");
  return new RequestError("RANGE_EMPTY", `${which} has no audio from ${iso(fromMs)} to ${iso(toMs)}: ${hint}`);
}

async function describeSession(reader: CatalogReader, { hwid, streamId }: RangeRequest, id: string): Promise<string> {
  const session = await reader.session(id);
  if (session === undefined) return `there is no session ${id}`;
  if (session.hwid !== hwid || (streamId ?? session.streamId) !== session.streamId) {
    return `the session ${id} is of stream ${session.streamId} of ${describeDevice(session.hwid)}`;
  }
  const { startMs, sampleCount, format } = session;
  const endMs = startMs + (sampleCount * 1000) / format.sampleRateHz;
  return `the session ${id} has no audio there: it has ${sampleCount} samples, from ${iso(startMs)} to ${iso(endMs)}`;
}

/** A device for people. */
export function describeDevice(hwid: string | null): string {
  return hwid ?? "the devices without id";
}

/** A time for people; numbers that are no date stay as they are. */
export function iso(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
