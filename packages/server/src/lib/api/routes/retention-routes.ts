import Type from "typebox";
import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { queryOf } from "../parameters.ts";
import { formatRetention } from "../resources/retention-resource.ts";

type Sources = Pick<ApiSources, "planRetention" | "runRetention" | "figures">;

const Run = Type.Object(
  {
    allow_most: Type.Optional(Type.Boolean({ description: "true: delete even more than half; default false" })),
    delete_queued: Type.Optional(
      Type.Boolean({
        description:
          "true: while uploads are off, delete even what was queued for upload and is not stored; default false",
      }),
    ),
  },
  { additionalProperties: false },
);

/** `/retention/preview` and `/retention/run`. */
export function addRetentionRoutes(app: ApiApp, { planRetention, runRetention, figures }: Sources): void {
  const tags = ["server"];
  const headroomHours = async () => (await figures()).disk.headroomHours;
  const previewSchema = {
    operationId: "previewRetention",
    summary: "What the retention would do now, and why",
    description: "Nothing is evicted or deleted by this call.",
    ...{ tags, querystring: queryOf({}) },
    response: { 200: jsonAnswer("what would go", "RetentionPreview"), ...problemAnswers },
  };
  app.get("/retention/preview", { schema: previewSchema }, async () =>
    formatRetention(await planRetention(), await headroomHours()),
  );

  const runSchema = {
    operationId: "runRetention",
    summary: "Run the retention now",
    description:
      "Evicts and deletes what is past its quota, as the runs at the interval do. What would be more than half of all " +
      "segments, or of a device's, is not deleted: refusals tells, and allow_most insists. Nor is what waits for its " +
      "upload, also while uploads are off: delete_queued insists.",
    ...{ tags, querystring: queryOf({}), body: Run },
    response: { 200: jsonAnswer("what was done", "RetentionPreview"), ...problemAnswers },
  };
  app.post("/retention/run", { schema: runSchema }, async ({ body }) => {
    const { allow_most: allowMost = false, delete_queued: deleteQueued = false } = body;
    return formatRetention(await runRetention({ allowMost, deleteQueued }), await headroomHours());
  });
}
