import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { schemas } from "../scripts/write-schemas.ts";

describe("docs/schemas", () => {
  it("holds the schemas that the code checks with; `node scripts/write-schemas.ts` writes them", () => {
    for (const [path, schema] of Object.entries(schemas)) {
      assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), JSON.parse(JSON.stringify(schema)));
    }
  });
});
