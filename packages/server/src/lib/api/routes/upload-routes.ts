import Type from "typebox";
import { RequestError } from "../../kernel/errors.ts";
import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { formatCursor, parseUploadCursor } from "../page-cursor.ts";
import { CursorText, Limit, limitOf, queryOf } from "../parameters.ts";
import { formatUpload, UploadRetry } from "../resources/upload-resource.ts";

/** `/uploads` and `/uploads/retry`. */
export function addUploadRoutes(app: ApiApp, { uploads, onRetried }: Pick<ApiSources, "uploads" | "onRetried">): void {
  const tags = ["storage"];
  const listSchema = {
    ...{ operationId: "listUploads", summary: "Files that are not in the object store yet", tags },
    description:
      "Those of one state, in the order in which they are tried: live recordings before what was recorded earlier.",
    querystring: queryOf({
      state: Type.Enum(["pending", "uploading", "failed"], { description: "pending, uploading or failed" }),
      code: Type.Optional(
        Type.String({ maxLength: 64, description: "with failed: those that failed with this error of docs/errors.md" }),
      ),
      limit: Limit,
      cursor: CursorText,
    }),
    response: { 200: jsonAnswer("a page of uploads", "UploadPage"), ...problemAnswers },
  };
  app.get("/uploads", { schema: listSchema }, async ({ query: { state, code, limit, cursor } }) => {
    if (code !== undefined && state !== "failed") {
      throw new RequestError("PARAMETER_INVALID", `code is given with state ${state}; allowed: with failed only`);
    }
    const { rows, next } = uploads.list.page({
      ...{ state, limit: limitOf(limit) },
      ...(code !== undefined && { code }),
      ...(cursor !== undefined && { after: parseUploadCursor(cursor) }),
    });
    return { uploads: rows.map(formatUpload), next_cursor: next === undefined ? null : formatCursor(next) };
  });

  const retrySchema = {
    ...{ operationId: "retryUploads", summary: "Try failed uploads again now", tags },
    description:
      "Those with the ids given, those of one error, or, with an empty body, all. A store that was down is looked at " +
      "at once. Each file is tried again by itself anyway: this only saves the wait.",
    ...{ querystring: queryOf({}), body: UploadRetry },
    response: {
      200: jsonAnswer("how many were made due; those that were so already left out", "RetryResult"),
      ...problemAnswers,
    },
  };
  app.post("/uploads/retry", { schema: retrySchema }, async ({ body: { ids, code } }) => {
    if (ids !== undefined && code !== undefined) {
      throw new RequestError("PARAMETER_INVALID", "the body names ids and code; allowed: one of them, or none");
    }
    const retried = await uploads.list.retry({
      ...(ids !== undefined && { ids }),
      ...(code !== undefined && { code }),
    });
    onRetried();
    return { retried };
  });
}
