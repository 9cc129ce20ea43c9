import Type from "typebox";
import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { findDevice } from "../known-device.ts";
import { HwidParams, parseRange, queryOf, StreamId, TimeText } from "../parameters.ts";
import { formatTimeline } from "../resources/timeline-resource.ts";

/** Buckets when no resolution is asked for. */
const defaultBucketCount = 500;
const minResolutionMs = 1_000;

const Query = queryOf({
  from: Type.String({ description: "start of the range; see the times of the other calls" }),
  to: TimeText("end of the range; default now"),
  resolution: Type.Optional(
    Type.Number({
      minimum: 1,
      maximum: 31_622_400,
      description: "wished length of a bucket, seconds; default: the range in 500; a longer one where it needs be",
    }),
  ),
  stream: StreamId,
});

/** `/devices/{hwid}/timeline`. */
export function addTimelineRoutes(app: ApiApp, { reader, clock }: Pick<ApiSources, "reader" | "clock">): void {
  const schema = {
    operationId: "readTimeline",
    summary: "Coverage, gaps and level over time",
    description: "Fast for any range: read from hourly and daily sums where buckets are long.",
    tags: ["devices"],
    params: HwidParams,
    querystring: Query,
    response: { 200: jsonAnswer("what was recorded, bucket by bucket", "Timeline"), ...problemAnswers },
  };
  app.get("/devices/:hwid/timeline", { schema }, async ({ params, query: { from, to, resolution, stream } }) => {
    const { fromMs, toMs } = parseRange(from, to, clock.wallMs());
    const resolutionMs = resolution === undefined ? (toMs - fromMs) / defaultBucketCount : resolution * 1000;
    const request = {
      hwid: await findDevice(reader, params.hwid),
      ...(stream !== undefined && { streamId: stream }),
      ...{ fromMs, toMs, resolutionMs: Math.max(minResolutionMs, resolutionMs) },
    };
    return formatTimeline(request, await reader.timeline(request));
  });
}
