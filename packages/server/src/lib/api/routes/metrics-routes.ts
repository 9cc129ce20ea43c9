import Type from "typebox";
import { ProcessMonitor } from "../../kernel/process-monitor.ts";
import { type ApiApp, problemAnswers, typedAnswer } from "../api-app.ts";
import type { ApiLoad } from "../api-load.ts";
import type { ApiSources } from "../api-sources.ts";
import type { ApiFigures } from "../metrics/server-figures.ts";
import { queryOf } from "../parameters.ts";

/** Makes `/metrics`, which stands at the root, where scrapers look, and among the rest of the API. */
export function addMetricsRoutes(app: ApiApp, { figures }: Pick<ApiSources, "figures">, load: ApiLoad): void {
  const monitor = new ProcessMonitor();
  app.addHook("onClose", async () => monitor.close());
  const paths = { "/metrics": "readMetrics", "/api/v1/metrics": "readMetricsOfApi" } as const;
  for (const [path, operationId] of Object.entries(paths)) {
    const schema = {
      ...{ operationId, summary: "Figures for Prometheus", tags: ["server"], querystring: queryOf({}) },
      description: "In the text format. No metric has a label for the device: what concerns one is told by /devices.",
      response: { 200: typedAnswer("the metrics", { "text/plain": Type.String() }), ...problemAnswers },
    };
    app.get(path, { schema }, async (_request, reply) => {
      // The first scrape can wait for its modules, a start cannot.
      const { formatMetrics, metricsContentType } = await import("../metrics/format-metrics.ts");
      return reply
        .type(metricsContentType)
        .header("cache-control", "no-store")
        .send(await formatMetrics(await figures(), readLoad(load), monitor.read()));
    });
  }
}

function readLoad({ exports, pictures, readers, tally: limits }: ApiLoad): ApiFigures {
  return { exportCount: exports.count, pictureCount: pictures.count, cutOffReaderTotal: readers.cutOffTotal, limits };
}
