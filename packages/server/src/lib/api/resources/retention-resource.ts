import Type, { type Static } from "typebox";
import type { RetentionReport } from "../../retention/retention-report.ts";
import { formatTime } from "../time-parameter.ts";
import { Count, Hwid, Nullable, Time } from "./resource-schemas.ts";

/** What a run of the retention does, or would do now. */
export const RetentionPreview = Type.Object(
  {
    local_bytes: Type.Integer({ minimum: 0, description: "of all .bin and .wav on the local disk" }),
    headroom_hours: Nullable(
      Type.Number({
        minimum: 0,
        description: "until the disk is full at the rate of the last hour; null: not known, or it does not fill",
      }),
    ),
    refusals: Type.Array(Type.String(), { description: "why it would delete less than the quotas say, for people" }),
    devices: Type.Array(
      Type.Object(
        {
          hwid: Hwid,
          segments: Count,
          local_segments: Count,
          local_bytes: Count,
          entries: Type.Array(
            Type.Object(
              {
                outcome: Type.String({ description: "evict, delete, waiting, pinned or refused: docs/operations.md" }),
                reason: Type.String(),
                segments: Count,
                bytes: Count,
                oldest: Time,
              },
              { additionalProperties: false },
            ),
          ),
        },
        { additionalProperties: false },
      ),
      { description: "those of which something is past a quota" },
    ),
  },
  { $id: "RetentionPreview", additionalProperties: false },
);

/** What {@link RetentionPreview} types. */
export type RetentionPreview = Static<typeof RetentionPreview>;

/**
 * Writes a report as the API shows it.
 *
 * @param headroomHours - `undefined`: not known; `Infinity`: it does not fill
 */
export function formatRetention(
  { localBytes, refusals, devices }: RetentionReport,
  headroomHours: number | undefined,
): RetentionPreview {
  return {
    local_bytes: localBytes,
    headroom_hours: headroomHours === undefined || headroomHours === Infinity ? null : headroomHours,
    refusals: [...refusals],
    devices: devices.map((device) => ({
      hwid: device.hwid,
      segments: device.segmentCount,
      local_segments: device.localSegmentCount,
      local_bytes: device.localBytes,
      entries: device.entries.map(({ outcome, reason, segmentCount, bytes, oldestMs }) => ({
        ...{ outcome, reason, segments: segmentCount, bytes, oldest: formatTime(oldestMs) },
      })),
    })),
  };
}
