import Type from "typebox";
import { RequestError } from "../../kernel/errors.ts";
import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import {
  HwidParams,
  IdParams,
  parseHwid,
  parseRange,
  queryOf,
  StreamId,
  TimeText,
  unknownResource,
} from "../parameters.ts";
import { PlainText } from "../plain-text.ts";
import { deleteRange, maxDeletionCount } from "../range-deletion.ts";

type Sources = Pick<ApiSources, "reader" | "annotations" | "clock" | "onDeleted">;

const Reason = PlainText("why, for people", { min: 3, max: 500 });

/** What a deletion did. */
export const DeletionResult = Type.Object(
  {
    deleted: Type.Array(Type.Integer({ minimum: 1 }), { description: "ids of the segments that went" }),
    pinned: Type.Integer({ minimum: 0, description: "segments that stay because they are pinned" }),
    has_more: Type.Boolean({ description: "true when the range has more than the 1000 that went: call again" }),
  },
  { $id: "DeletionResult", additionalProperties: false },
);

/**
 * `DELETE /segments/{id}` and `DELETE /devices/{hwid}/segments`. A segment leaves the catalogue at once; its files and
 * objects go after that, tried again until they are gone.
 */
export function addDeletionRoutes(app: ApiApp, sources: Sources): void {
  const tags = ["segments"];
  const response = { 200: jsonAnswer("what was deleted", "DeletionResult"), ...problemAnswers };
  const oneSchema = {
    ...{ operationId: "deleteSegment", summary: "Delete a segment everywhere", tags },
    description: "It leaves the catalogue at once; local files and objects follow, tried again until they are gone.",
    ...{ params: IdParams, querystring: queryOf({ reason: Reason }), response },
  };
  app.delete("/segments/:id", { schema: oneSchema }, async ({ params: { id }, query: { reason } }) => {
    if ((await sources.reader.segment(id)) === undefined) throw unknownResource("the segment", id);
    const gone = await sources.annotations.deleteSegments({ segmentIds: [id], reason });
    if (gone.length === 0) throw new RequestError("SEGMENT_PINNED", `segment ${id} lies in a pinned range`);
    sources.onDeleted();
    return { deleted: [id], pinned: 0, has_more: false };
  });

  const rangeSchema = {
    ...{ operationId: "deleteSegmentsOfDevice", summary: "Delete the segments of a range everywhere", tags },
    description: `Those that lie in the range as a whole, at most ${maxDeletionCount} a call, oldest first. Pinned ones are passed over.`,
    params: HwidParams,
    querystring: queryOf({
      from: Type.String({ description: "start of the range; see the times of the other calls" }),
      to: TimeText("end of the range; default now"),
      stream: StreamId,
      reason: Reason,
    }),
    response,
  };
  app.delete("/devices/:hwid/segments", { schema: rangeSchema }, async ({ params, query }) => {
    const { fromMs, toMs } = parseRange(query.from, query.to, sources.clock.wallMs());
    const hwid = parseHwid(params.hwid);
    if ((await sources.reader.device(hwid)) === undefined) throw unknownResource("the device", params.hwid);
    const streamId = query.stream;
    return deleteRange(sources, {
      ...{ hwid, fromMs, toMs, reason: query.reason },
      ...(streamId !== undefined && { streamId }),
    });
  });
}
