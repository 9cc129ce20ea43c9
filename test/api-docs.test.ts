import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { headingOf } from "../scripts/write-api-docs.ts";
import { ApiServer } from "./support/api-server.ts";
import type { OpenapiDocument } from "./support/contract-client.ts";
import { ResponseSchemas, responseKeyOf } from "./support/response-schemas.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const page = readFileSync(new URL("../docs/api.md", import.meta.url), "utf8");
const sections = new Map(page.split(/^(?=###? )/m).map((section) => [section.split("\n")[0], section]));
const remedy = "run node scripts/write-api-docs.ts";

let folder: TemporaryFolder;
let server: ApiServer;
let operations: readonly Operation[];
let schemas: ResponseSchemas;

interface Operation {
  readonly template: string;
  readonly method: string;
  readonly operation: OpenapiDocument["paths"][string][string];
  readonly heading: string;
  readonly section: string;
}

before(async () => {
  folder = await makeTemporaryFolder();
  server = await ApiServer.open(folder.path);
  const document = await server.json<OpenapiDocument>("/api/openapi.json");
  schemas = new ResponseSchemas(document);
  operations = Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const heading = headingOf(method, template);
      return { template, method, operation, heading, section: sections.get(heading) ?? "" };
    }),
  );
});
after(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** Blocks of a section, by what stands behind its back quotes. */
function blocksOf(section: string, language: "json" | "text"): readonly string[] {
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, text = ""]) => text);
}

/** The status of an answer that curl printed: problem details tell it, what is none is what the operation is for. */
function statusOf({ responses }: Operation["operation"], body: unknown): number {
  const told: unknown = typeof body === "object" && body !== null && "code" in body && Reflect.get(body, "status");
  if (typeof told === "number") return told;
  const success = Object.keys(responses).find((key) => key.startsWith("2"));
  return Number(success);
}

describe("docs/api.md", () => {
  it("has a section for each operation, with its parameters, a call with curl and what that printed", () => {
    for (const { heading, section, operation } of operations) {
      assert.ok(section !== "", `docs/api.md lacks ${heading}: ${remedy}`);
      assert.match(section, /```sh\ncurl -s .+\n```\n\n```(?:json|text)\n/, heading);
      for (const { name } of operation.parameters ?? [])
        assert.ok(section.includes(`| \`${name}\` |`), `${heading} lacks ${name}`);
    }
    const known = [...sections.keys()].filter((heading) => heading?.startsWith("### "));
    assert.deepEqual(known.toSorted(), operations.map(({ heading }) => heading).toSorted());
  });

  it("shows answers that are as the OpenAPI document says: no field is missing, renamed or of another kind", () => {
    const faults: string[] = [];
    let checkedCount = 0;
    for (const { template, method, operation, heading, section } of operations) {
      for (const block of blocksOf(section, "json")) {
        const body: unknown = JSON.parse(block);
        const status = statusOf(operation, body);
        const key = responseKeyOf(operation, status) ?? "none";
        const type = status < 400 ? "application/json" : "application/problem+json";
        const isDocumented = type in (operation.responses[key]?.content ?? {});
        const fault = isDocumented ? schemas.fault({ template, method, key, type }, body) : `no ${type} for ${status}`;
        if (fault !== undefined) faults.push(`${heading}: ${fault}`);
        checkedCount += 1;
      }
    }
    assert.deepEqual(faults, [], `the page shows what no server of this version prints: ${remedy}`);
    // Each of them stands in an operation's section.
    assert.equal(checkedCount, blocksOf(page, "json").length);
  });

  it("shows heads of answers whose status the OpenAPI document has", () => {
    for (const { operation, heading, section } of operations) {
      for (const block of blocksOf(section, "text")) {
        const [, status] = /^HTTP\/1\.1 (\d+)/.exec(block) ?? [];
        if (status === undefined) continue;
        assert.ok(responseKeyOf(operation, Number(status)) !== undefined, `${heading} has no ${status}: ${remedy}`);
      }
    }
  });
});
