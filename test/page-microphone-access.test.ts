// The microphone of the page on a server that asks for tokens: by a login, by the token of a device, and how refusals are told.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openTokenBook, silentLog, systemClock } from "@eet/server";
import type { Browser } from "playwright-core";
import { noBrowser } from "./support/browser.ts";
import { openHearingBrowser, untilSeconds } from "./support/microphone-page.ts";
import { OpenServer } from "./support/open-server.ts";
import { PageSession } from "./support/page-session.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const safe = "Safe on the server's disk";
const allDelivered = "All of it is on the server's disk";

interface Anchor {
  readonly capture_ms: number;
  readonly capture_us: number;
}

describe("the microphone of a page that has to show who records", { skip: noBrowser, timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack();
  let folder: TemporaryFolder;
  let browser: Browser;
  let server: OpenServer;
  const secrets: Record<string, string> = {};

  before(async () => {
    folder = stack.use(await makeTemporaryFolder());
    const book = openTokenBook(join(folder.path, "data"), { clock: systemClock, log: silentLog });
    for (const role of ["viewer", "operator"] as const) {
      secrets[role] = book.create({ kind: "api", name: `a ${role}`, role }).secret;
    }
    secrets["phone"] = book.create({ kind: "device", name: "", hwidPattern: "phone-*" }).secret;
    book.close();
    server = stack.use(await OpenServer.open(folder.path, { "rotate-s": "2" }));
    browser = await openHearingBrowser(folder.path, 1_100);
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  async function openAs(role: string): Promise<PageSession> {
    const session = await PageSession.open(browser, `http://127.0.0.1:${server.port}/mic`);
    await session.page.getByLabel("Token").fill(secrets[role] ?? "");
    await session.page.getByRole("button", { name: "Log in" }).click();
    await session.page.getByText(`Logged in as a ${role}`).waitFor();
    return session;
  }

  it("records by the login of an operator, tied to the clocks, until that has ended", async () => {
    await using session = await openAs("operator");
    const { page } = session;
    assert.equal(await page.getByLabel("Token of the device").count(), 0);
    await page.getByLabel("Id of the device").fill("desk");
    await page.getByLabel("Name").fill("The desk");
    const startMs = Date.now();
    await page.getByRole("button", { name: "Start" }).click();
    await untilSeconds(page, safe, 3);
    await page.getByText("Recording as desk").waitFor();
    assert.deepEqual(await session.findBarriers(), []);
    await page.evaluate('fetch("/api/v1/logout", { method: "POST" })');
    await page.getByText("Your login has ended").waitFor();
    await page.getByRole("link", { name: "Log in" }).waitFor();
    const path = join(folder.path, "data/received/desk");
    const names = (await readdir(path)).filter((name) => name.endsWith(".json")).sort();
    const { anchors } = JSON.parse(await readFile(join(path, names[0] ?? ""), "utf8")) as { anchors: Anchor[] };
    const [anchor] = anchors;
    assert.ok(anchor !== undefined);
    assert.ok(anchor.capture_ms >= startMs - 1_000 && anchor.capture_ms <= Date.now(), `${anchor.capture_ms}`);
    assert.ok(anchor.capture_us > 0);
  });

  it("asks a viewer for the token of a device, says what is wrong with one, and keeps it in the tab alone", async () => {
    await using session = await openAs("viewer");
    const { page } = session;
    const start = page.getByRole("button", { name: "Start" });
    const token = page.getByLabel("Token of the device");
    await page.getByText("Enter the token first").waitFor();
    assert.ok(await start.isDisabled());
    await page.getByLabel("Id of the device").fill("phone-1");
    await token.fill("eet_d_wrong");
    await start.click();
    await page.getByText("The server does not take the token").waitFor();
    await page.getByLabel("Id of the device").fill("kitchen");
    await token.fill(secrets["phone"] ?? "");
    await start.click();
    await page.getByText("The token is not for kitchen").waitFor();
    assert.deepEqual(await session.findBarriers(), []);
    await page.getByLabel("Id of the device").fill("phone-1");
    await start.click();
    await untilSeconds(page, safe, 1);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText(allDelivered).waitFor();
    await page.reload();
    assert.equal(await token.inputValue(), secrets["phone"]);
    const kept = await page.evaluate("JSON.stringify(localStorage) + document.cookie");
    assert.ok(!String(kept).includes("eet_d_"));
    assert.deepEqual(session.faults, []);
  });
});
