import Type from "typebox";
import { Value } from "typebox/value";
import type { TimeKey } from "../catalog/catalog-reader.ts";
import type { UploadPlace } from "../catalog/upload-list.ts";
import { RequestError } from "../kernel/errors.ts";

const SegmentKey = Type.Tuple([Type.Number(), Type.Integer({ minimum: 0 })]);
const SessionKey = Type.Tuple([Type.Number(), Type.String({ maxLength: 64 })]);
const Name = Type.String({ maxLength: 128 });
const NumberKey = Type.Tuple([Type.String(), Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })]);
const UploadKey = Type.Tuple([Type.Integer({ minimum: 0, maximum: 1 }), Type.Number(), Type.Integer({ minimum: 0 })]);

/** Lists that have cursors: the key of one list is no place in another. */
const keySchemas = { devices: Name, sessions: SessionKey, segments: SegmentKey, uploads: UploadKey } as const;

/** Lists whose rows are in the order of a whole number. */
export type NumberedList = "pins" | "dead letters" | "gaps";

/** Name of a list with cursors. */
export type PagedList = keyof typeof keySchemas;

/** Writes the place behind a page's last row; opaque to clients. */
export function formatCursor(key: TimeKey | UploadPlace | string): string {
  const place = typeof key === "object" && "startMs" in key ? [key.startMs, key.id] : key;
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** @throws RequestError `PARAMETER_INVALID` for what {@link formatCursor} did not write for that list */
export function parseTimeCursor(list: "sessions" | "segments", cursor: string): TimeKey {
  const place = readPlace(cursor);
  if (!Value.Check(Type.Union([SegmentKey, SessionKey]), place) || !Value.Check(keySchemas[list], place)) {
    throw unknownCursor(list);
  }
  return { startMs: place[0], id: place[1] };
}

/** @throws RequestError `PARAMETER_INVALID` for what {@link formatCursor} did not write for a list of devices */
export function parseDeviceCursor(cursor: string): string {
  const place = readPlace(cursor);
  if (!Value.Check(keySchemas.devices, place)) throw unknownCursor("devices");
  return place;
}

/** @throws RequestError `PARAMETER_INVALID` for what {@link formatCursor} did not write for a list of uploads */
export function parseUploadCursor(cursor: string): UploadPlace {
  const place = readPlace(cursor);
  if (!Value.Check(keySchemas.uploads, place)) throw unknownCursor("uploads");
  return place;
}

/** Writes the number of a page's last row. */
export function formatNumberCursor(list: NumberedList, number: number): string {
  return Buffer.from(JSON.stringify([list, number])).toString("base64url");
}

/** @throws RequestError `PARAMETER_INVALID` for what {@link formatNumberCursor} did not write for that list */
export function parseNumberCursor(list: NumberedList, cursor: string): number {
  const place = readPlace(cursor);
  if (!Value.Check(NumberKey, place) || place[0] !== list) throw unknownCursor(list);
  return place[1];
}

function readPlace(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}

function unknownCursor(list: PagedList | NumberedList): RequestError {
  return new RequestError("PARAMETER_INVALID", `cursor is none of a list of ${list}; allowed: next_cursor of a page`);
}
