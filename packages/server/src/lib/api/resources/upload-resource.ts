import Type, { type Static } from "typebox";
import type { WaitingUpload } from "../../catalog/upload-list.ts";
import { formatTime } from "../time-parameter.ts";
import { Count, Hwid, NextCursor, Nullable, Time } from "./resource-schemas.ts";

/** A file on its way to the object store, as the API shows it. */
export const Upload = Type.Object(
  {
    id: Type.Integer({ minimum: 1 }),
    segment_id: Type.Integer({ minimum: 1 }),
    kind: Type.Enum(["bin", "wav", "json"]),
    file: Type.String({ description: "its name" }),
    hwid: Hwid,
    state: Type.Enum(["pending", "uploading", "failed"]),
    bytes: Count,
    attempts: Type.Integer({ minimum: 0, description: "that failed" }),
    queued: Time,
    next_try: Nullable(Time),
    code: Nullable(Type.String({ description: "of the last failed attempt: a row of docs/errors.md" })),
    reason: Nullable(Type.String({ description: "what came back then" })),
  },
  { $id: "Upload", additionalProperties: false },
);

/** What {@link Upload} types. */
export type Upload = Static<typeof Upload>;

export const UploadPage = Type.Object(
  { uploads: Type.Array(Type.Ref("Upload")), next_cursor: NextCursor },
  { $id: "UploadPage", additionalProperties: false },
);

/** Which uploads are tried again now. */
export const UploadRetry = Type.Object(
  {
    ids: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1 }), { maxItems: 1000, description: "at most 1000 ids of uploads" }),
    ),
    code: Type.Optional(Type.String({ maxLength: 64, description: "those that failed with this error" })),
  },
  { additionalProperties: false },
);

export const RetryResult = Type.Object({ retried: Count }, { $id: "RetryResult", additionalProperties: false });

/** Writes an upload as the API shows it. */
export function formatUpload(upload: WaitingUpload): Upload {
  const { id, segmentId, kind, fileName, hwid, state, bytes, attempts, queuedMs, nextTryMs, errorCode, reason } =
    upload;
  return {
    ...{ id, segment_id: segmentId, kind, file: fileName, hwid, state, bytes, attempts },
    queued: formatTime(queuedMs),
    next_try: state === "uploading" ? null : formatTime(nextTryMs),
    code: errorCode,
    reason,
  };
}
