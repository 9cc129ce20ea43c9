import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { OpenServer } from "./support/open-server.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

/** What a person waits for at most, gzipped. */
const maxFirstScriptBytes = 60 * 1024;
const stack = new AsyncDisposableStack();
let origin: string;

before(async () => {
  const folder = stack.use(await makeTemporaryFolder());
  const server = stack.use(await OpenServer.open(folder.path, {}));
  origin = `http://127.0.0.1:${server.port}`;
});
after(() => stack.disposeAsync());

/** Files that the page names in its head. */
async function readAssets(): Promise<readonly string[]> {
  const html = await (await fetch(`${origin}/`)).text();
  return [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? "");
}

describe("servePage", () => {
  it("answers each view with the page", async () => {
    const index = await (await fetch(`${origin}/`)).text();
    assert.match(index, /<div id="app">/);
    for (const path of ["/access", "/add", "/storage", "/device/kitchen", "/device/~"]) {
      const response = await fetch(`${origin}${path}`);
      assert.equal(response.status, 200, path);
      assert.equal(await response.text(), index, path);
    }
    for (const path of ["/device", "/nowhere", "/assets/nothing.js", "/index.html.bak", "/.built-from"]) {
      assert.equal((await fetch(`${origin}${path}`)).status, 404, path);
    }
  });

  it("tells a person of an unknown path by the page, and a program by a problem", async () => {
    const headers = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
    const answer = await fetch(`${origin}/nowhere/at-all`, { headers });
    assert.equal(answer.status, 404);
    assert.match(await answer.text(), /<div id="app">/);
    for (const path of ["/api/v1/nowhere", "/api", "/assets/nothing.js"]) {
      const problem = await fetch(`${origin}${path}`, { headers });
      assert.equal(problem.status, 404, path);
      assert.match(problem.headers.get("content-type") ?? "", /json/, path);
    }
    assert.match((await fetch(`${origin}/nowhere`)).headers.get("content-type") ?? "", /json/);
  });

  it("lets the page load from its own server only, and nobody hold it", async () => {
    const { headers } = await fetch(`${origin}/`);
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
  });

  it("names no file of another server", async () => {
    for (const path of await readAssets()) {
      assert.ok(path.startsWith("/") && !path.startsWith("//"), path);
      assert.equal((await fetch(`${origin}${path}`)).status, 200, path);
    }
  });

  it("keeps hashed files for ever, and asks for the page anew", async () => {
    const script = (await readAssets()).find((path) => path.startsWith("/assets/"));
    const hashed = await fetch(`${origin}${script}`);
    assert.equal(hashed.headers.get("cache-control"), "public, max-age=31536000, immutable");
    const page = await fetch(`${origin}/`);
    assert.equal(page.headers.get("cache-control"), "no-cache");
    const etag = page.headers.get("etag") ?? "";
    const again = await fetch(`${origin}/`, { headers: { "if-none-match": `"other", ${etag}` } });
    assert.equal(again.status, 304);
    assert.equal(await again.text(), "");
  });

  it("compresses for those who take it", async () => {
    const plain = await fetch(`${origin}/`, { headers: { "accept-encoding": "gzip;q=0, identity" } });
    assert.equal(plain.headers.get("content-encoding"), null);
    const packed = await fetch(`${origin}/`, { headers: { "accept-encoding": "br, gzip" } });
    assert.equal(packed.headers.get("content-encoding"), "gzip");
    assert.equal(await packed.text(), await plain.text());
  });

  it("keeps the scripts of the first view below 60 KB", async () => {
    const scripts = (await readAssets()).filter((path) => path.endsWith(".js"));
    const texts = await Promise.all(scripts.map(async (path) => (await fetch(`${origin}${path}`)).text()));
    const packedBytes = texts.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).byteLength, 0);
    assert.ok(scripts.length > 0 && packedBytes < maxFirstScriptBytes, `${packedBytes} bytes`);
  });
});
