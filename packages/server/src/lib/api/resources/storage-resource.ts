import Type, { type Static } from "typebox";
import type { UploadFailureGroup } from "../../catalog/upload-list.ts";
import type { UploadCounts } from "../../catalog/upload-queue.ts";
import { serverErrors } from "../../kernel/error-table.ts";
import type { QuotaFacts, StorageFacts, UploadingFacts } from "../storage-facts.ts";
import { formatTime, formatTimeOrNull } from "../time-parameter.ts";
import { Count, Nullable, Time } from "./resource-schemas.ts";

const closed = { additionalProperties: false } as const;

const Bytes = (description: string) => Type.Integer({ minimum: 0, description });

const Disk = Type.Object(
  {
    state: Type.Enum(["ok", "soft", "hard"], {
      description: "soft: room is made, no WAVs are derived; hard: no new streams are taken",
    }),
    free_bytes: Count,
    total_bytes: Count,
    recordings_bytes: Bytes("of all .bin and .wav on this disk"),
    soft_mark_bytes: Bytes("free bytes below which the state is soft"),
    hard_mark_bytes: Bytes("free bytes below which the state is hard"),
    reserve_bytes: Bytes("held back so that open segments can be finished on a full disk"),
    reserve_held: Nullable(Type.Boolean({ description: "whether it is held back now; null: not known" })),
    bytes_per_hour: Nullable(
      Type.Number({
        description: "recorded less removed, by the last hour; negative: less is held than before; null: not known yet",
      }),
    ),
    rate_known_s: Type.Integer({
      minimum: 0,
      maximum: 3_600,
      description: "how much of that hour the rate is judged by, s",
    }),
    headroom_hours: Nullable(
      Type.Number({
        minimum: 0,
        description: "until the hard mark at that rate; null: not known, or it does not fill",
      }),
    ),
  },
  closed,
);

const Cause = {
  code: Type.String({ description: "row of docs/errors.md" }),
  title: Type.String({ description: "what it means" }),
  fix: Type.String({ description: "what to do" }),
  reason: Type.String({ description: "what came back, of one file" }),
  next_try: Time,
};

const Uploads = Type.Object(
  {
    endpoint: Nullable(Type.String({ description: "URL of the store; null: that of AWS" })),
    bucket: Type.String(),
    prefix: Type.String({ description: "what object keys begin with" }),
    region: Nullable(Type.String()),
    kinds: Type.Array(Type.String({ description: "bin, wav or json" })),
    delete_after_upload: Type.Boolean({ description: "true: local files go once all of a segment is stored" }),
    files: Type.Object({ pending: Count, uploading: Count, failed: Count, stored: Count }, closed),
    waiting_bytes: Bytes("of all files that are not stored"),
    oldest_waiting: Nullable(Time),
    bytes_per_s: Type.Number({ minimum: 0, description: "uploaded, mean of the last minute" }),
    minutes: Type.Array(Type.Object({ files: Count, bytes: Count }, closed), {
      description: "uploaded in each of the last 60 minutes, oldest first, the last one not over",
    }),
    measured_s: Type.Number({ minimum: 0, description: "how long the server has measured that: an hour at most" }),
    trouble: Nullable(Type.Object(Cause, { ...closed, description: "why the store as a whole cannot be used" })),
    failures: Type.Array(Type.Object({ ...Cause, files: Count, bytes: Count, oldest: Time }, closed), {
      description: "files that failed and are tried again, by the error",
    }),
  },
  closed,
);

const Quota = {
  max_age_days: Nullable(Type.Number({ minimum: 0, description: "null: however old" })),
  max_bytes: Nullable(Type.Number({ minimum: 0, description: "of .bin and .wav; null: however much" })),
};

/** Where recordings are kept, and for how long. */
export const Storage = Type.Object(
  {
    disk: Disk,
    uploads: Nullable(Uploads),
    retention: Type.Object(
      {
        ...Quota,
        interval_min: Type.Number({ minimum: 0, description: "minutes between two runs" }),
        devices: Type.Array(Type.Object({ hwid: Type.String(), ...Quota }, closed), {
          description: "those with limits of their own",
        }),
      },
      closed,
    ),
  },
  { $id: "Storage", ...closed },
);

/** What {@link Storage} types. */
export type Storage = Static<typeof Storage>;

/** What the queue tells. */
export interface QueueState {
  readonly counts: UploadCounts;
  readonly failures: readonly UploadFailureGroup[];
}

/** Writes the state of disk, uploads and retention as the API shows it. */
export function formatStorage({ disk, localBytes, uploading, retention }: StorageFacts, queue: QueueState): Storage {
  const { maxAgeD, maxBytes, intervalMin, devices } = retention;
  const headroom = disk.headroomHours;
  return {
    disk: {
      state: disk.state,
      free_bytes: Math.round(disk.freeBytes),
      total_bytes: Math.round(disk.totalBytes),
      recordings_bytes: localBytes,
      soft_mark_bytes: Math.round(disk.softBytes),
      hard_mark_bytes: Math.round(disk.hardBytes),
      reserve_bytes: disk.reserveBytes,
      reserve_held: disk.isReserveHeld ?? null,
      bytes_per_hour: disk.bytesPerHour ?? null,
      rate_known_s: disk.rateKnownS,
      headroom_hours: headroom === undefined || headroom === Infinity ? null : headroom,
    },
    uploads: uploading === undefined ? null : formatUploads(uploading, queue),
    retention: {
      ...formatQuota({ maxAgeD, maxBytes }),
      interval_min: intervalMin,
      devices: devices.map(({ hwid, ...quota }) => ({ hwid, ...formatQuota(quota) })),
    },
  };
}

function formatUploads(facts: UploadingFacts, { counts, failures }: QueueState): NonNullable<Storage["uploads"]> {
  const { pending, uploading, failed, stored, oldestPendingMs, pendingBytes } = counts;
  const { throughput, trouble } = facts;
  return {
    endpoint: facts.endpoint ?? null,
    bucket: facts.bucket,
    prefix: facts.prefix,
    region: facts.region ?? null,
    kinds: [...facts.kinds],
    delete_after_upload: facts.deleteAfterUpload,
    files: { pending, uploading, failed, stored },
    waiting_bytes: pendingBytes,
    oldest_waiting: formatTimeOrNull(oldestPendingMs ?? null),
    bytes_per_s: throughput.bytesPerS,
    minutes: throughput.minutes.map(({ files, bytes }) => ({ files, bytes })),
    measured_s: throughput.spanMs / 1000,
    trouble: trouble === undefined ? null : formatCause(trouble),
    failures: failures.map((group) => ({
      ...formatCause(group),
      ...{ files: group.fileCount, bytes: group.bytes, oldest: formatTime(group.oldestMs) },
    })),
  };
}

function formatCause({ code, reason, nextTryMs }: Pick<UploadFailureGroup, "code" | "reason" | "nextTryMs">) {
  const row = Object.hasOwn(serverErrors, code) ? serverErrors[code as keyof typeof serverErrors] : undefined;
  return { code, title: row?.title ?? code, fix: row?.fix ?? "", reason, next_try: formatTime(nextTryMs) };
}

function formatQuota({ maxAgeD, maxBytes }: QuotaFacts) {
  return { max_age_days: maxAgeD ?? null, max_bytes: maxBytes ?? null };
}
