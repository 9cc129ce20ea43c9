import Type, { type TObject, type TProperties } from "typebox";
import { RequestError } from "../kernel/errors.ts";
import { parseTime, timeForms } from "./time-parameter.ts";

/** Rows of a page when nothing is said. */
const defaultLimit = 100;

/** Path parameter of all that belongs to a device. */
export const HwidParams = Type.Object({
  hwid: Type.String({
    pattern: "^(?:~|[A-Za-z0-9_-]{1,64})$",
    description: "1 to 64 of A-Z a-z 0-9 _ -, as the device is stored; ~ for what was recorded without an id",
  }),
});

/** Path parameter of numbered rows. */
export const IdParams = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) });

/** A moment in a query, see {@link timeForms}. */
export const TimeText = (what: string) => Type.Optional(Type.String({ description: `${what}: ${timeForms}` }));

export const Limit = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 1000, default: defaultLimit, description: "rows of the page" }),
);

export const CursorText = Type.Optional(
  Type.String({ maxLength: 400, description: "next_cursor of the page before; the other parameters as they were" }),
);

export const StreamId = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 4_294_967_295, description: "stream id of the device's handshake" }),
);

export const FilterHwid = Type.Optional(
  Type.String({
    pattern: "^(?:~|[A-Za-z0-9_-]{1,64})$",
    description: "a device's id; ~ for what was recorded without",
  }),
);

/** A query in which nothing else may stand. */
export function queryOf<Properties extends TProperties>(properties: Properties): TObject<Properties> {
  return Type.Object(properties, { additionalProperties: false });
}

/** What a device is called in paths: `~` stands for none. */
export function parseHwid(text: string): string | null {
  return text === "~" ? null : text;
}

/** Inverse of {@link parseHwid}. */
export function formatHwid(hwid: string | null): string {
  return hwid ?? "~";
}

/** Rows of a page. */
export function limitOf(limit: number | undefined): number {
  return limit ?? defaultLimit;
}

/** Bounds of a filter by time, either of which may be missing. */
export interface TimeBounds {
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** @throws RequestError `PARAMETER_INVALID` */
export function parseBounds(from: string | undefined, to: string | undefined, nowMs: number): TimeBounds {
  const bounds = {
    ...(from !== undefined && { fromMs: parseTime("from", from, nowMs) }),
    ...(to !== undefined && { toMs: parseTime("to", to, nowMs) }),
  };
  const { fromMs = 0, toMs = Number.POSITIVE_INFINITY } = bounds;
  if (fromMs >= toMs) throw emptyRange(from ?? "", to ?? "");
  return bounds;
}

/**
 * A range that has to be given, though its end may be left out: then it is now.
 *
 * @throws RequestError `PARAMETER_INVALID`
 */
export function parseRange(from: string | undefined, to: string | undefined, nowMs: number): Required<TimeBounds> {
  if (from === undefined) throw new RequestError("PARAMETER_INVALID", `from is missing; allowed: ${timeForms}`);
  const { fromMs = 0, toMs = nowMs } = parseBounds(from, to ?? "now", nowMs);
  return { fromMs, toMs };
}

function emptyRange(from: string, to: string): RequestError {
  const quoted = `${JSON.stringify(from.slice(0, 60))} to ${JSON.stringify(to.slice(0, 60))}`;
  return new RequestError("PARAMETER_INVALID", `the range is from ${quoted}; allowed: a from before its to`);
}

/** Tells that something asked for by name is not there. */
export function unknownResource(what: string, name: string | number): RequestError {
  return new RequestError("RESOURCE_UNKNOWN", `${what} ${JSON.stringify(name)} is not known`);
}
