import Type, { type Static } from "typebox";
import { RequestError } from "../../kernel/errors.ts";
import type { RangeRequest } from "../../playback/range-request.ts";
import { parseRange, StreamId, TimeText } from "../parameters.ts";
import { timeForms } from "../time-parameter.ts";

const Sample = Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));

/** Query parameters that name a range of audio: by time, if need be of one session, or by samples of a session. */
export const rangeParameters = {
  from: TimeText("start of the range, required unless samples are given"),
  to: TimeText("end of the range; default now"),
  stream: StreamId,
  session: Type.Optional(
    Type.String({
      pattern: "^[0-9a-z]{1,24}$",
      description: "1 to 24 of 0-9 a-z; with from_sample and to_sample, or with from and to: what it alone recorded",
    }),
  ),
  from_sample: Sample,
  to_sample: Sample,
};

/** Those parameters as they come. */
export type RangeQuery = Static<ReturnType<typeof objectOf>>;

function objectOf() {
  return Type.Object(rangeParameters);
}

/** @throws RequestError `PARAMETER_INVALID` */
export function parseRangeQuery(hwid: string | null, query: RangeQuery, nowMs: number): RangeRequest {
  const { from, to, stream, session, from_sample: fromSample, to_sample: toSample } = query;
  const device = { hwid, ...(stream !== undefined && { streamId: stream }) };
  if (fromSample === undefined && toSample === undefined) {
    return { ...device, ...(session !== undefined && { session }), range: parseRange(from, to, nowMs) };
  }
  const isByTime = from !== undefined || to !== undefined;
  if (isByTime || session === undefined || fromSample === undefined || toSample === undefined) throw needsSession();
  return { ...device, range: { session, fromSample, toSample } };
}

function needsSession(): RequestError {
  const forms = "from and to (to may be left out; session if wanted), or session, from_sample and to_sample";
  return new RequestError(
    "PARAMETER_INVALID",
    `the range is given half by time, half by samples; allowed: ${forms} (${timeForms})`,
  );
}
