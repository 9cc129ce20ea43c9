import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { ForwardClock, OpenServer } from "./support/open-server.ts";
import { OpenidProvider } from "./support/openid-provider.ts";
import { PageSession } from "./support/page-session.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

describe("the login in a browser", { skip: noBrowser }, () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;
  before(async () => {
    browser = await openBrowser();
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  it("makes the first administrator by the link in the log, then lets in by the token alone", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await OpenServer.open(folder.path, {});
    const link = String(server.lines.find((line) => line["setUp"] !== undefined)?.["setUp"]);
    const origin = new URL(link).origin;
    let secret = "";
    {
      await using session = await PageSession.open(browser, link);
      const { page } = session;
      await page.getByRole("button", { name: "Protect this server" }).click();
      await page.getByRole("heading", { name: "You are the administrator" }).waitFor();
      secret = (await page.locator(".code-block code").textContent()) ?? "";
      assert.match(secret, /^eet_a_[A-Za-z0-9_-]{43}$/);
      assert.equal(new URL(page.url()).hash, "");
      await page.getByRole("link", { name: "To the fleet", exact: true }).click();
      await page.getByText("Logged in as first administrator (admin)").waitFor();
      assert.equal(await page.evaluate("document.cookie"), "");
      const [cookie] = await page.context().cookies();
      assert.deepEqual([cookie?.name, cookie?.httpOnly, cookie?.sameSite], ["eet_session", true, "Strict"]);
    }
    await using session = await PageSession.open(browser, `${origin}/storage`);
    const { page } = session;
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    assert.deepEqual(await session.findBarriers(), []);
    await page.getByLabel("Token").fill("eet_a_wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("This token is not known here").waitFor();
    await page.getByLabel("Token").fill(secret);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("Logged in as first administrator").waitFor();
    assert.equal(new URL(page.url()).pathname, "/storage");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    assert.deepEqual(await page.context().cookies(), []);
  });

  it("is not asked for where the server is open, which the page says loudly beyond this machine", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await OpenServer.open(folder.path, { host: "0.0.0.0", "insecure-open": "true" });
    await using session = await PageSession.open(browser, `http://127.0.0.1:${server.port}/`);
    await session.page.getByText("Everybody who reaches this server may hear, change and delete everything").waitFor();
    assert.deepEqual(await session.findBarriers(), []);
  });

  it("leads to an OpenID provider and back, and says whom to ask without a role", async () => {
    await using folder = await makeTemporaryFolder();
    await using provider = await OpenidProvider.listen();
    const secretPath = join(folder.path, "secret");
    await writeFile(secretPath, "of-the-test");
    const flags = { "oidc-issuer": provider.issuer, "oidc-client-id": "eet", "oidc-client-secret-file": secretPath };
    const roles = { "oidc-scopes": "openid profile groups", "oidc-roles": "staff=viewer" };
    const words = { "oidc-name": "Example", "oidc-contact": "it@example.org" };
    const clock = new ForwardClock();
    await using server = await OpenServer.open(folder.path, { ...flags, ...roles, ...words }, clock.clock);
    const origin = `http://127.0.0.1:${server.port}`;
    await using session = await PageSession.open(browser, `${origin}/storage`);
    const { page } = session;
    const button = page.getByRole("link", { name: "Log in with Example" });
    await button.click();
    await page.getByText("Example cannot be reached now. Try again in a moment").waitFor();
    await provider.begin({ clientSecret: "of-the-test", redirectUri: `${origin}/api/v1/oidc/callback` });
    clock.forward(3_000);
    provider.person = { name: "eve", groups: [] };
    await button.click();
    await page.getByText("Example knows you, but you have no role here. Ask it@example.org").waitFor();
    assert.deepEqual(await session.findBarriers(), []);
    await page.context().clearCookies();
    provider.person = { name: "ann", groups: ["staff"] };
    await button.click();
    await page.getByText("Logged in as ann (viewer)").waitFor();
    assert.equal(await page.evaluate("document.cookie"), "");
  });
});
