import Type, { type Static } from "typebox";
import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { findDevice } from "../known-device.ts";
import { formatCursor, parseTimeCursor } from "../page-cursor.ts";
import {
  CursorText,
  FilterHwid,
  HwidParams,
  Limit,
  limitOf,
  parseBounds,
  parseHwid,
  queryOf,
  StreamId,
  TimeText,
  unknownResource,
} from "../parameters.ts";
import { formatSession } from "../resources/session-resource.ts";

type Sources = Pick<ApiSources, "reader" | "clock">;

const filters = {
  stream: StreamId,
  from: TimeText("those that end after it"),
  to: TimeText("those that start before it"),
  order: Type.Optional(Type.Enum(["asc", "desc"], { default: "asc", description: "by start time" })),
  limit: Limit,
  cursor: CursorText,
};
const OfDevice = queryOf(filters);
const OfAll = queryOf({ hwid: FilterHwid, ...filters });

/** `/sessions`, `/sessions/{session}` and `/devices/{hwid}/sessions`. */
export function addSessionRoutes(app: ApiApp, sources: Sources): void {
  const tags = ["sessions"];
  const response = { 200: jsonAnswer("a page of sessions", "SessionPage"), ...problemAnswers };
  const listSchema = {
    operationId: "listSessions",
    summary: "Sessions, by start time",
    tags,
    querystring: OfAll,
    response,
  };
  app.get("/sessions", { schema: listSchema }, ({ query }) => {
    const { hwid } = query;
    return readPage(sources, query, hwid === undefined ? undefined : parseHwid(hwid));
  });

  const ofDevice = {
    ...{ operationId: "listSessionsOfDevice", summary: "Sessions of a device, by start time", tags },
    ...{ params: HwidParams, querystring: OfDevice, response },
  };
  app.get("/devices/:hwid/sessions", { schema: ofDevice }, async ({ params, query }) =>
    readPage(sources, query, await findDevice(sources.reader, params.hwid)),
  );

  const readSchema = {
    ...{ operationId: "readSession", summary: "One session", tags, querystring: queryOf({}) },
    params: Type.Object({ session: Type.String({ pattern: "^[0-9a-z]{1,24}$", description: "1 to 24 of 0-9 a-z" }) }),
    response: { 200: jsonAnswer("the session", "Session"), ...problemAnswers },
  };
  app.get("/sessions/:session", { schema: readSchema }, async ({ params: { session } }) => {
    const row = await sources.reader.session(session);
    if (row === undefined) throw unknownResource("the session", session);
    return formatSession(row);
  });
}

async function readPage(
  { reader, clock }: Sources,
  { stream, from, to, order, limit, cursor }: Static<typeof OfDevice>,
  hwid: string | null | undefined,
) {
  const page = await reader.sessions({
    ...parseBounds(from, to, clock.wallMs()),
    ...(hwid !== undefined && { hwid }),
    ...(stream !== undefined && { streamId: stream }),
    ...(order !== undefined && { order }),
    ...(cursor !== undefined && { after: parseTimeCursor("sessions", cursor) }),
    limit: limitOf(limit),
  });
  return {
    sessions: page.rows.map(formatSession),
    next_cursor: page.next === undefined ? null : formatCursor(page.next),
  };
}
