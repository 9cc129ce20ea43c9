import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Bom {
  readonly bomFormat: string;
  readonly metadata: { readonly component: { readonly "bom-ref": string } };
  readonly components: readonly { readonly "bom-ref": string }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

describe("npm run sbom", () => {
  it("lists all that a server is installed with, and no tool of development", async () => {
    const options = { cwd: root, maxBuffer: 64 * 2 ** 20 };
    const { stdout } = await promisify(execFile)("npm", ["run", "--silent", "sbom"], options);
    const { bomFormat, metadata, components, dependencies }: Bom = JSON.parse(stdout);
    assert.deepEqual([bomFormat, metadata.component["bom-ref"].split("@")[1]], ["CycloneDX", "eet/cli"]);
    const listed = new Set(components.map((component) => component["bom-ref"].replace(/@[^@]+$/, "")));
    for (const name of [
      "@eet/server",
      "ws",
      "better-sqlite3",
      "fastify",
      "ajv",
      "piscina",
      "mediabunny",
      "@aws-sdk/client-s3",
    ])
      assert.ok(listed.has(name), name);
    for (const name of ["typescript", "@biomejs/biome", "playwright-core", "@eet/dashboard", "vite"])
      assert.ok(!listed.has(name), name);
    const refs = new Set(dependencies.map(({ ref }) => ref));
    for (const { dependsOn } of dependencies) for (const ref of dependsOn) assert.ok(refs.has(ref), ref);
  });
});
