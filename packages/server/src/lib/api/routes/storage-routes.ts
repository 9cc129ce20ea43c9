import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { queryOf } from "../parameters.ts";
import { formatStorage } from "../resources/storage-resource.ts";

/** `/storage`: disk, uploads and retention at a glance. */
export function addStorageRoutes(app: ApiApp, { storage, uploads }: Pick<ApiSources, "storage" | "uploads">): void {
  const schema = {
    ...{ operationId: "readStorage", summary: "Where recordings are kept, and for how long", tags: ["storage"] },
    description:
      "The disk with its marks, the queue of uploads with its failures, the quotas. Cheap: made to be polled.",
    querystring: queryOf({}),
    response: { 200: jsonAnswer("disk, uploads and retention", "Storage"), ...problemAnswers },
  };
  app.get("/storage", { schema }, async () => {
    const facts = await storage();
    return formatStorage(facts, { counts: uploads.counts(), failures: uploads.list.failures() });
  });
}
