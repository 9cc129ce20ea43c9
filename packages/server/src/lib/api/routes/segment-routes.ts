import Type, { type Static } from "typebox";
import type { SegmentsFilter } from "../../catalog/catalog-reader.ts";
import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { formatCursor, parseTimeCursor } from "../page-cursor.ts";
import {
  CursorText,
  FilterHwid,
  IdParams,
  Limit,
  limitOf,
  parseBounds,
  parseHwid,
  queryOf,
  StreamId,
  TimeText,
  unknownResource,
} from "../parameters.ts";
import { formatSegment, formatSegmentDetails, uploadStateNames } from "../resources/segment-resource.ts";

const Query = queryOf({
  hwid: FilterHwid,
  stream: StreamId,
  session: Type.Optional(Type.String({ pattern: "^[0-9a-z]{1,24}$", description: "1 to 24 of 0-9 a-z" })),
  from: TimeText("those that end after it"),
  to: TimeText("those that start before it"),
  upload_state: Type.Optional(Type.Enum([...uploadStateNames], { description: "worst state of its files" })),
  has_gaps: Type.Optional(Type.Boolean({ description: "frames are missing in it or in front of it" })),
  recovered: Type.Optional(Type.Boolean({ description: "closed after a crash" })),
  order: Type.Optional(Type.Enum(["asc", "desc"], { default: "asc", description: "by start time" })),
  limit: Limit,
  cursor: CursorText,
});

/** `/segments` and `/segments/{id}`. */
export function addSegmentRoutes(app: ApiApp, { reader, clock }: Pick<ApiSources, "reader" | "clock">): void {
  const tags = ["segments"];
  const listSchema = {
    ...{ operationId: "listSegments", summary: "Segments, by start time", tags, querystring: Query },
    response: { 200: jsonAnswer("a page of segments", "SegmentPage"), ...problemAnswers },
  };
  app.get("/segments", { schema: listSchema }, async ({ query }) => {
    const page = await reader.segments(toFilter(query, clock.wallMs()));
    const next = page.next === undefined ? null : formatCursor(page.next);
    return { segments: page.rows.map(formatSegment), next_cursor: next };
  });

  const readSchema = {
    ...{ operationId: "readSegment", summary: "One segment with its files, uploads and gaps", tags },
    ...{ params: IdParams, querystring: queryOf({}) },
    response: { 200: jsonAnswer("the segment", "SegmentDetails"), ...problemAnswers },
  };
  app.get("/segments/:id", { schema: readSchema }, async ({ params: { id } }) => {
    const segment = await reader.segment(id);
    if (segment === undefined) throw unknownResource("the segment", id);
    return formatSegmentDetails(segment);
  });
}

function toFilter(query: Static<typeof Query>, nowMs: number): SegmentsFilter {
  const { hwid, stream, session, from, to, upload_state, has_gaps, recovered, order, limit, cursor } = query;
  return {
    ...parseBounds(from, to, nowMs),
    ...(hwid !== undefined && { hwid: parseHwid(hwid) }),
    ...(stream !== undefined && { streamId: stream }),
    ...(session !== undefined && { session }),
    ...(upload_state !== undefined && { uploadState: upload_state }),
    ...(has_gaps !== undefined && { hasGaps: has_gaps }),
    ...(recovered !== undefined && { isRecovered: recovered }),
    ...(order !== undefined && { order }),
    ...(cursor !== undefined && { after: parseTimeCursor("segments", cursor) }),
    limit: limitOf(limit),
  };
}
