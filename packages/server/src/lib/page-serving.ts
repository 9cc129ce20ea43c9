import { fileURLToPath } from "node:url";
import type { FastifyInstance } from "fastify";
import type { Log } from "./kernel/log.ts";
import { readPageFiles } from "./page/page-files-store.ts";
import { addPage } from "./page/page-routes.ts";

/** Where the build of packages/dashboard goes; the published package carries it. */
const pageFolder = fileURLToPath(new URL("../../page", import.meta.url));

/** Serves the web page, where it was built: recording does not need it. */
export async function servePage(app: FastifyInstance, log: Log): Promise<void> {
  const files = await readPageFiles(pageFolder);
  if (files === undefined) log.warn({ folder: pageFolder }, "no web page: it was not built, `npm run setup` does that");
  else addPage(app, files);
}
