import Type from "typebox";
import type { SegmentDetails } from "../../catalog/catalog-reader.ts";
import { StorageError } from "../../kernel/errors.ts";
import { type SegmentFileKind, segmentFileKinds } from "../../kernel/finished-segment.ts";
import { type ApiApp, problemAnswers, typedAnswer } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { type ByteContent, sendBytes } from "../byte-answer.ts";
import { openLocalFile } from "../local-file-store.ts";
import { queryOf, unknownResource } from "../parameters.ts";
import { readObject } from "../stored-object.ts";

type Sources = Pick<ApiSources, "reader" | "receivedPath" | "objects">;

/** No type is registered for a `.bin`: docs/storage.md. */
const contentTypes = { bin: "application/octet-stream", wav: "audio/wav", json: "application/json" } as const;

const Params = Type.Object({
  id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  kind: Type.Enum([...segmentFileKinds]),
});

const bodies = Object.fromEntries(Object.values(contentTypes).map((type) => [type, null]));

/** `/segments/{id}/files/{kind}`: from this disk, else from the object store. */
export function addSegmentFileRoutes(app: ApiApp, sources: Sources): void {
  const schema = {
    operationId: "downloadSegmentFile",
    summary: "Download a file of a segment",
    description:
      "From the local disk, else from the object store. ETag is the file's SHA-256. Takes Range (one range; of several " +
      "the whole is sent), If-Range and If-None-Match.",
    tags: ["segments"],
    params: Params,
    querystring: queryOf({}),
    response: {
      200: typedAnswer("the file", bodies),
      206: typedAnswer("the bytes asked for by Range", bodies),
      304: { ...Type.Null(), description: "it is as If-None-Match says" },
      ...problemAnswers,
    },
  };
  app.get("/segments/:id/files/:kind", { schema }, async (request, reply) => {
    const { id, kind } = request.params;
    const segment = await sources.reader.segment(id);
    if (segment === undefined) throw unknownResource("the segment", id);
    return sendBytes(request, reply, await openSegmentFile(sources, segment, kind));
  });
}

async function openSegmentFile(sources: Sources, segment: SegmentDetails, kind: SegmentFileKind): Promise<ByteContent> {
  const fileName = `${segment.name}.${kind}`;
  const file = segment.files.find((entry) => entry.kind === kind);
  if (file === undefined) throw unknownResource("the file", fileName);
  const facts = {
    ...{ sizeBytes: file.bytes, etag: `"${file.sha256}"`, contentType: contentTypes[kind], fileName },
  };
  const path = segment.folder === "" ? fileName : `${segment.folder}/${fileName}`;
  const local = await openLocalFile(sources.receivedPath, path);
  if (local !== undefined) {
    if (local.sizeBytes === file.bytes)
      return { ...facts, read: (range) => local.read(range), dispose: () => local.close() };
    await local.close();
  }
  const { objects } = sources;
  const key = segment.uploads.find((upload) => upload.kind === kind && upload.state === "stored")?.key ?? undefined;
  if (objects !== undefined && key !== undefined) return { ...facts, read: (range) => readObject(objects, key, range) };
  const where =
    local === undefined ? "not on this disk" : `on this disk with ${local.sizeBytes} of ${file.bytes} bytes`;
  const store = key === undefined ? "not in the object store" : "in the object store, while uploads are off";
  throw new StorageError("AUDIO_UNAVAILABLE", `${fileName} is ${where}, and ${store}`);
}
