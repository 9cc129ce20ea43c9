// Writes docs/schemas from the schemas that the code checks with: `node scripts/write-schemas.ts`, then
// `npm run format`.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Sidecar } from "../packages/server/src/lib/kernel/sidecar.ts";

const folder = fileURLToPath(new URL("../docs/schemas/", import.meta.url));

/** The documented JSON Schemas by path. */
export const schemas: Readonly<Record<string, object>> = {
  [`${folder}eet.segment-1.json`]: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Sidecar of a segment",
    ...Sidecar,
  },
};

if (import.meta.main) {
  mkdirSync(folder, { recursive: true });
  for (const [path, schema] of Object.entries(schemas)) writeFileSync(path, `${JSON.stringify(schema, null, 2)}\n`);
}
