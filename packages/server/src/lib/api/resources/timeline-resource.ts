import Type from "typebox";
import type { Timeline as CatalogTimeline, TimelineRequest } from "../../catalog/catalog-reader.ts";
import { formatTime } from "../time-parameter.ts";
import { Count, Hwid, Nullable, Time } from "./resource-schemas.ts";
import { formatGap } from "./segment-resource.ts";

const Seconds = Type.Number({ minimum: 0 });

/** Coverage of a device over time. */
export const TimelineResource = Type.Object(
  {
    hwid: Hwid,
    from: Time,
    to: Time,
    resolution_s: Type.Number({ description: "length of the buckets, which begin at multiples of it" }),
    buckets: Type.Array(
      Type.Object(
        {
          start: Time,
          covered_s: Type.Number({ minimum: 0, description: "recorded; more than the bucket where sessions overlap" }),
          gap_s: Type.Object(
            { "not-received": Seconds, "device-dropped": Seconds, "storage-failed": Seconds },
            { additionalProperties: false, description: "missing inside of segments, by cause" },
          ),
          peak_dbfs: Nullable(Type.Number()),
          rms_dbfs: Nullable(Type.Number()),
          clipped_samples: Count,
          segments: Count,
        },
        { additionalProperties: false },
      ),
      { description: "those in which there is something" },
    ),
    gaps: Type.Array(Type.Ref("Gap"), { description: "the longest, in order of time" }),
    has_more_gaps: Type.Boolean(),
  },
  { $id: "Timeline", additionalProperties: false },
);

/** Writes a timeline as the API shows it. */
export function formatTimeline({ hwid, fromMs, toMs }: TimelineRequest, timeline: CatalogTimeline) {
  return {
    hwid,
    from: formatTime(fromMs),
    to: formatTime(toMs),
    resolution_s: timeline.resolutionMs / 1000,
    buckets: timeline.buckets.map((bucket) => ({
      start: formatTime(bucket.startMs),
      covered_s: bucket.coveredMs / 1000,
      gap_s: {
        "not-received": bucket.gapMs["not-received"] / 1000,
        "device-dropped": bucket.gapMs["device-dropped"] / 1000,
        "storage-failed": bucket.gapMs["storage-failed"] / 1000,
      },
      peak_dbfs: bucket.peakDbfs,
      rms_dbfs: bucket.rmsDbfs,
      clipped_samples: bucket.clippedSampleCount,
      segments: bucket.segmentCount,
    })),
    gaps: timeline.gaps.map(formatGap),
    has_more_gaps: timeline.hasMoreGaps,
  };
}

/** What {@link TimelineResource} types. */
export type Timeline = ReturnType<typeof formatTimeline>;
