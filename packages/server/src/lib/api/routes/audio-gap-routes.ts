import Type, { type Static } from "typebox";
import type { MissingPage } from "../../playback/range-facts.ts";
import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { findDevice } from "../known-device.ts";
import { formatNumberCursor, parseNumberCursor } from "../page-cursor.ts";
import { CursorText, HwidParams, Limit, limitOf, queryOf } from "../parameters.ts";
import { Count, Nullable } from "../resources/resource-schemas.ts";
import { formatExactTime } from "../time-parameter.ts";
import { parseRangeQuery, rangeParameters } from "./range-parameters.ts";

const ExactTime = Type.String({
  format: "date-time",
  description: "ISO 8601, UTC, with ms, or with µs where it needs",
});

/** What a range of audio lacks. */
export const AudioGapPage = Type.Object(
  {
    from: ExactTime,
    to: ExactTime,
    sample_rate_hz: Type.Integer(),
    gap_count: Type.Integer({ minimum: 0, description: "of the whole range" }),
    gap_samples: Type.Integer({ minimum: 0, description: "of the whole range, per channel" }),
    gaps: Type.Array(
      Type.Object(
        {
          start: ExactTime,
          duration_s: Type.Number(),
          from_sample: Type.Integer({ minimum: 0, description: "samples per channel from the range's start" }),
          samples: Count,
          cause: Type.String(),
        },
        { additionalProperties: false },
      ),
      { description: "in order of time" },
    ),
    next_cursor: Nullable(Type.String()),
  },
  { $id: "AudioGapPage", additionalProperties: false },
);

/** `/devices/{hwid}/audio/gaps`. */
export function addAudioGapRoutes(
  app: ApiApp,
  { playback, reader, clock }: Pick<ApiSources, "playback" | "reader" | "clock">,
): void {
  const schema = {
    ...{ operationId: "listAudioGaps", summary: "What a range of audio lacks, and why", tags: ["audio"] },
    description:
      "All that the audio of the same range has as silence, or leaves out with gaps=list. The next page takes the same " +
      "parameters: give from and to as the first page tells them, so that the range stays the same.",
    ...{ params: HwidParams, querystring: queryOf({ ...rangeParameters, limit: Limit, cursor: CursorText }) },
    response: { 200: jsonAnswer("a page of gaps", "AudioGapPage"), ...problemAnswers },
  };
  app.get("/devices/:hwid/audio/gaps", { schema }, async ({ params, query: { limit, cursor, ...range } }) => {
    const asked = parseRangeQuery(await findDevice(reader, params.hwid), range, clock.wallMs());
    const fromSample = cursor === undefined ? 0 : parseNumberCursor("gaps", cursor);
    return formatPage(await playback.missing(asked, limitOf(limit), fromSample));
  });
}

function formatPage({ facts, gaps, nextFromSample }: MissingPage): Static<typeof AudioGapPage> {
  return {
    from: formatExactTime(facts.fromMs),
    to: formatExactTime(facts.toMs),
    sample_rate_hz: facts.sampleRateHz,
    gap_count: facts.gapCount,
    gap_samples: facts.gapSampleCount,
    gaps: gaps.map(({ startMs, durationMs, fromSample, sampleCount, cause }) => ({
      ...{ start: formatExactTime(startMs), duration_s: durationMs / 1000 },
      ...{ from_sample: fromSample, samples: sampleCount, cause },
    })),
    next_cursor: nextFromSample === undefined ? null : formatNumberCursor("gaps", nextFromSample),
  };
}
