// Tokens and people on the page: who sees them, how they are made, exchanged and revoked; devices that are added with one.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openTokenBook, type Role, silentLog, systemClock } from "@eet/server";
import type { Browser, Page } from "playwright-core";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { OpenServer } from "./support/open-server.ts";
import { PageSession } from "./support/page-session.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const themes = ["dark", "light"] as const;

/** Makes a token beside the server, before it starts or while it runs. */
function makeTokens(folder: string, roles: readonly Role[]): Record<string, string> {
  const book = openTokenBook(join(folder, "data"), { clock: systemClock, log: silentLog });
  const secrets = roles.map((role) => [role, book.create({ kind: "api", name: `a ${role}`, role }).secret]);
  book.close();
  return Object.fromEntries(secrets);
}

/** A name by which other machines may ask, as far as the page can tell. */
const publicHost = "recordings.example";

/** Status of a request with a token, as a program sends it. */
async function statusWith(origin: string, secret: string): Promise<number> {
  const headers = { authorization: `Bearer ${secret}` };
  const response = await fetch(`${origin}/api/v1/devices`, { headers });
  await response.body?.cancel();
  return response.status;
}

/** What axe finds in both themes, wide and narrow, and what scrolls sideways. */
async function barriers(session: PageSession): Promise<readonly string[]> {
  const { page } = session;
  const found: string[] = [];
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of themes) {
      await page.emulateMedia({ colorScheme });
      found.push(...(await session.findBarriers()).map((line) => `${width} px, ${colorScheme}: ${line}`));
    }
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (sideways > 0) found.push(`${width} px: scrolls sideways by ${sideways} px`);
  }
  return found;
}

/** The secret that is shown. */
const shownSecret = async (page: Page) => (await page.locator(".is-made code").first().textContent()) ?? "";
const row = (page: Page, text: string) => page.locator(".token-list li", { hasText: text });

describe("Access on the page", { skip: noBrowser, timeout: 240_000 }, () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;
  let server: OpenServer;
  let origin: string;
  let secrets: Record<string, string>;

  before(async () => {
    const folder = stack.use(await makeTemporaryFolder());
    secrets = makeTokens(folder.path, ["viewer", "operator", "admin"]);
    server = stack.use(await OpenServer.open(folder.path, { "simulated-devices": "2", "allowed-hosts": publicHost }));
    origin = `http://127.0.0.1:${server.port}`;
    browser = await openBrowser(`--host-resolver-rules=MAP ${publicHost} 127.0.0.1`);
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  /** Opens a view as somebody who is logged in. */
  async function openAs(role: Role, path: string): Promise<PageSession> {
    const response = await fetch(`${origin}/api/v1/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: secrets[role] }),
    });
    const cookie = /eet_session=([^;]+)/.exec(response.headers.get("set-cookie") ?? "")?.[1] ?? "";
    const state = { cookies: [{ ...cookieOf(origin), name: "eet_session", value: cookie }], origins: [] };
    return PageSession.open(browser, `${origin}${path}`, { storageState: state });
  }

  it("makes a token of devices, shows its secret once and revokes it when it is asked twice", async () => {
    await using session = await openAs("admin", "/access");
    const { page } = session;
    await row(page, "a admin").getByText("you", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Make a token" }).click();
    await page.getByLabel("Ids of the devices").fill("kitchen-*");
    await page.getByLabel("Name").fill("the kitchen");
    await page.getByLabel("Ends").selectOption("In a week");
    assert.deepEqual(await barriers(session), []);
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.getByText("It is shown this once").waitFor();
    const secret = await shownSecret(page);
    assert.match(secret, /^eet_d_[A-Za-z0-9_-]{43}$/);
    assert.equal(await statusWith(origin, secret), 403);
    assert.equal(await page.evaluate("document.activeElement.id"), "made-title");
    const kitchen = row(page, "the kitchen");
    await kitchen.getByText("kitchen-*").waitFor();
    await kitchen.getByText("ends in 7 d").waitFor();
    await row(page, "a admin").getByText("used just now").waitFor();
    assert.deepEqual(await barriers(session), []);
    await page.getByRole("button", { name: "I have kept it" }).click();
    assert.ok(!(await page.content()).includes(secret));
    await kitchen.getByRole("button", { name: "Revoke" }).click();
    await page.keyboard.press("Escape");
    assert.equal(await statusWith(origin, secret), 403);
    await kitchen.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("button", { name: "Revoke for ever" }).click();
    await page.locator(".access-ended summary").click();
    await page.locator(".access-ended li", { hasText: "the kitchen" }).getByText("revoked").waitFor();
    assert.equal(await statusWith(origin, secret), 401);
    assert.deepEqual(session.faults, []);
  });

  it("makes a token of people, and its successor while the old one stays good for a while", async () => {
    await using session = await openAs("admin", "/access");
    const { page } = session;
    await page.getByRole("button", { name: "Make a token" }).click();
    await page.getByRole("button", { name: "People and programs" }).click();
    await page.getByRole("button", { name: "Operator", exact: true }).click();
    await page.getByText("records by this page's microphone").waitFor();
    await page.getByLabel("Name").fill("Bo");
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.getByText("People log in with it").waitFor();
    const old = await shownSecret(page);
    await row(page, "Bo").getByRole("button", { name: "Rotate" }).click();
    await page.getByLabel("The old one stays good").selectOption("for an hour");
    await page.locator(".access-ended summary").click();
    assert.deepEqual(await barriers(session), []);
    await page.getByRole("button", { name: "Make the new token" }).click();
    await row(page, "Bo").getByText("ends in 1 h").or(row(page, "Bo").getByText("ends in 60 min")).waitFor();
    assert.equal(await row(page, "Bo").count(), 2);
    const fresh = await shownSecret(page);
    assert.notEqual(fresh, old);
    for (const secret of [old, fresh]) assert.equal(await statusWith(origin, secret), 200);
    // A look at another view forgets what was shown.
    await page.getByRole("link", { name: "Storage" }).click();
    await page.getByRole("link", { name: "Access" }).click();
    await row(page, "Bo").first().waitFor();
    assert.ok(!(await page.content()).includes(fresh));
  });

  it("takes no pattern that is none, and warns of the last administrator", async () => {
    await using session = await openAs("admin", "/access");
    const { page } = session;
    await page.getByRole("button", { name: "Make a token" }).click();
    await page.getByLabel("Ids of the devices").fill("barn 1");
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.locator("#token-hwid:invalid:focus").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await row(page, "a admin").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("You are logged in with it yourself. It is the last administrator's").waitFor();
    await page.getByRole("button", { name: "Keep it as it is" }).click();
    await page.getByRole("button", { name: "Revoke for ever" }).waitFor({ state: "detached" });
  });

  it("tells others what they may and who can help, and is not among their views", async () => {
    await using session = await openAs("viewer", "/");
    const { page } = session;
    await page.getByRole("heading", { name: "Waiting for the first device" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Access", exact: true }).count(), 0);
    // Nor is what they may not start.
    assert.equal(await page.getByRole("button", { name: "Start a simulated device" }).count(), 0);
    await page.getByRole("link", { name: "a viewer" }).click();
    await page.getByRole("heading", { name: "You are a viewer: viewer" }).waitFor();
    await page.getByText("eet token create --role admin").waitFor();
    assert.deepEqual(await barriers(session), []);
    assert.deepEqual(session.faults, []);
  });

  it("has a device's token made where it is added, which then stands in its address and snippets", async () => {
    await using session = await openAs("admin", "/add");
    const { page } = session;
    const host = `127.0.0.1:${server.port}`;
    await page.getByLabel("Id of the device").fill("barn-1");
    await page.locator(".address", { hasText: `ws://barn-1:TOKEN@${host}/ws/barn-1` }).waitFor();
    await page.locator(".snippets", { hasText: "EET_TOKEN=TOKEN" }).waitFor();
    await page.getByRole("button", { name: "Make a token for barn-1" }).click();
    await page.getByText("It is shown this once").waitFor();
    const [, secret = ""] = /barn-1:(eet_d_[\w-]{43})@/.exec(await page.locator(".address code").innerText()) ?? [];
    assert.notEqual(secret, "");
    await page.locator(".snippets", { hasText: `EET_TOKEN=${secret}` }).waitFor();
    // By a name that only this machine can use there is nothing to scan.
    await page.getByText("other machines cannot use that name").waitFor();
    assert.equal(await page.locator(".qr-code").count(), 0);
    assert.deepEqual(await barriers(session), []);
    // It is for this device alone.
    await page.getByLabel("Id of the device").fill("barn-2");
    await page.locator(".address", { hasText: `barn-2:TOKEN@${host}` }).waitFor();
    assert.deepEqual(session.faults, []);
  });

  it("draws no code of an address with a word in the place of its token", async () => {
    const publicOrigin = origin.replace("127.0.0.1", publicHost);
    await using session = await PageSession.open(browser, `${publicOrigin}/add`);
    const { page, faults } = session;
    await page.getByLabel("Token").fill(secrets["admin"] ?? "");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("A QR code of the address stands here once the token is made").waitFor();
    assert.equal(await page.getByRole("img", { name: /QR code/ }).count(), 0);
    assert.deepEqual(await barriers(session), []);
    await page.getByRole("button", { name: "Make a token for my-device" }).click();
    await page.getByRole("img", { name: "QR code of" }).waitFor();
    assert.deepEqual(await barriers(session), []);
    // It is for this device alone.
    await page.getByLabel("Id of the device").fill("barn-3");
    await page.getByRole("img", { name: "QR code of" }).waitFor({ state: "detached" });
    // That the browser does without isolation on plain http is meant.
    assert.deepEqual(
      faults.filter((fault) => !fault.includes("Cross-Origin-Opener-Policy")),
      [],
    );
  });

  it("leads a stranger who leaves the login back to it", async () => {
    await using session = await PageSession.open(browser, `${origin}/login`);
    const { page, faults } = session;
    await page.getByRole("button", { name: "Log in" }).waitFor();
    await page.locator("header a[href='/']").first().click();
    await page.waitForURL(/\/login#next=%2F$/);
    await page.getByRole("button", { name: "Log in" }).waitFor();
    assert.deepEqual(faults, []);
  });

  it("leaves a place for the token where somebody may not make one", async () => {
    await using session = await openAs("operator", "/add");
    const { page } = session;
    await page.locator(".address", { hasText: "my-device:TOKEN@" }).waitFor();
    await page.getByText("eet token create --hwid my-device").waitFor();
    assert.equal(await page.getByRole("button", { name: /Make a token/ }).count(), 0);
    await page.getByRole("button", { name: "Start a simulated device" }).waitFor();
    assert.deepEqual(await barriers(session), []);
  });
});

describe("Access on the page of an open server", { skip: noBrowser, timeout: 60_000 }, () => {
  it("says so, and makes its reader the administrator", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await OpenServer.open(folder.path, {});
    await using browser = await openBrowser();
    const origin = `http://127.0.0.1:${server.port}`;
    await using session = await PageSession.open(browser, origin);
    const { page } = session;
    await page.getByRole("link", { name: "Access" }).click();
    await page.getByRole("heading", { name: "Open to this machine alone" }).waitFor();
    assert.deepEqual(await barriers(session), []);
    await page.getByLabel("Your name").fill("Ann");
    await page.getByRole("button", { name: "Protect this server" }).click();
    await page.getByText("Logged in as Ann (admin)").waitFor();
    const secret = await shownSecret(page);
    assert.equal(await statusWith(origin, secret), 200);
    assert.equal(await statusWith(origin, "eet_a_wrong"), 401);
    await row(page, "Ann").getByText("you", { exact: true }).waitFor();
    await page.getByText("No device has a token: none may connect.").waitFor();
    assert.equal(new URL(page.url()).pathname, "/access");
    assert.equal(await shownSecret(page), secret);
  });

  it("warns loudly of one that the network reaches, on every view", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await OpenServer.open(folder.path, { host: "0.0.0.0", "insecure-open": "true" });
    await using browser = await openBrowser();
    await using session = await PageSession.open(browser, `http://127.0.0.1:${server.port}/`);
    const { page } = session;
    const warning = page.getByText("Everybody who reaches this server may hear, change and delete everything");
    for (const path of ["/", "/add", "/storage", "/mic", "/access"]) {
      await page.goto(`http://127.0.0.1:${server.port}${path}`);
      await warning.waitFor();
      await page.locator("h1").first().waitFor();
    }
    await page.getByRole("heading", { name: "Open to everybody who reaches it" }).waitFor();
    assert.deepEqual(await barriers(session), []);
  });
});

function cookieOf(origin: string) {
  const { hostname: domain } = new URL(origin);
  return { domain, path: "/", expires: -1, httpOnly: true, secure: false, sameSite: "Strict" as const };
}
