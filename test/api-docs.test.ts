import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { headingOf } from "../scripts/write-api-docs.ts";
import { ApiServer } from "./support/api-server.ts";
import type { OpenapiDocument } from "./support/contract-client.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

describe("docs/api.md", () => {
  it("has a section for each operation, with its parameters, a call with curl and what that printed", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ApiServer.open(folder.path);
    const { paths } = await server.json<OpenapiDocument>("/api/openapi.json");
    const page = readFileSync(new URL("../docs/api.md", import.meta.url), "utf8");
    const sections = new Map(page.split(/^(?=###? )/m).map((section) => [section.split("\n")[0], section]));
    const headings: string[] = [];
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { parameters = [] }] of Object.entries(methods)) {
        const heading = headingOf(method, path);
        headings.push(heading);
        const section = sections.get(heading);
        assert.ok(section !== undefined, `docs/api.md lacks ${heading}: run node scripts/write-api-docs.ts`);
        assert.match(section, /```sh\ncurl -s .+\n```\n\n```(?:json|text)\n/, heading);
        for (const { name } of parameters) assert.ok(section.includes(`| \`${name}\` |`), `${heading} lacks ${name}`);
      }
    }
    const known = [...sections.keys()].filter((heading) => heading?.startsWith("### "));
    assert.deepEqual(known.toSorted(), headings.toSorted());
  });
});
