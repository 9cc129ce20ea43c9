import type { UploadTask } from "../catalog/upload-queue.ts";
import type { SegmentFileKind } from "../kernel/finished-segment.ts";

const contentTypes: Readonly<Record<SegmentFileKind, string>> = {
  bin: "application/octet-stream",
  wav: "audio/wav",
  json: "application/json",
};

/**
 * Key of a segment's file: `{prefix}/{hwid}/{file}`; an empty prefix, or no hwid, leaves its part out. The folders of
 * the local layout play no role, so a changed layout changes no key. [S-4.3]
 */
export function formatObjectKey(prefix: string, task: Pick<UploadTask, "hwid" | "fileName">): string {
  return [prefix, task.hwid ?? "", task.fileName].filter((part) => part !== "").join("/");
}

/** Media type of a segment's file. */
export function contentTypeOf(kind: SegmentFileKind): string {
  return contentTypes[kind];
}

/**
 * The sidecar's main facts as object metadata, names in lower case, all ASCII: they travel as HTTP headers. [S-4.3]
 * The SHA-256 is not among them: the object store adds it to whatever it puts.
 */
export function formatObjectMetadata(task: UploadTask): Readonly<Record<string, string>> {
  return {
    ...(task.hwid === null ? {} : { hwid: task.hwid }),
    session: task.session,
    index: String(task.index),
    "stream-id": String(task.streamId),
    start: new Date(task.startMs).toISOString(),
    codec: task.codec,
    "sample-rate-hz": String(task.sampleRateHz),
    channels: String(task.channels),
    samples: String(task.sampleCount),
  };
}
