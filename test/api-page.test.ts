import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiServer } from "./support/api-server.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

describe("/api/docs", () => {
  it("shows the OpenAPI document of the server, and asks nobody else", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await ApiServer.open(folder.path);
    const page = await server.fetch("/api/docs/");
    assert.equal(page.status, 200);
    const policy = page.headers.get("content-security-policy") ?? "";
    assert.match(
      policy,
      /^default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'/,
    );
    assert.doesNotMatch(policy, /https?:|unsafe|\*/);
    const html = await page.text();
    // Inline code or styles the policy would stop.
    assert.doesNotMatch(html, /<style|style=|on\w+=|<script>|https?:\/\//);
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, link = ""]) => new URL(link, `${server.url}/api/docs/`),
    );
    assert.ok(links.length >= 5);
    for (const link of links) {
      assert.equal(link.origin, server.url);
      assert.equal((await fetch(link)).status, 200, link.pathname);
    }
    const initializer = await (await server.fetch("/api/docs/static/swagger-initializer.js")).text();
    assert.match(initializer, /"validatorUrl":null/);
    assert.deepEqual(await server.json("/api/docs/json"), await server.json("/api/openapi.json"));
  });
});
