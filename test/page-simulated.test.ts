import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { OpenServer } from "./support/open-server.ts";
import { PageSession } from "./support/page-session.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

describe("simulated devices on the page", { skip: noBrowser, timeout: 90_000 }, () => {
  it("are started on a fresh install and in Add a device, and stopped there", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await OpenServer.open(folder.path, { "rotate-s": "1" });
    await using browser = await openBrowser();
    const origin = `http://127.0.0.1:${server.port}`;
    await using session = await PageSession.open(browser, origin);
    const { page } = session;
    await page.getByRole("button", { name: "Start a simulated device" }).click();
    await page.locator(".device-item", { hasText: "demo-birds" }).filter({ hasText: "live" }).waitFor();
    await page.getByRole("link", { name: "Add a device" }).first().click();
    const running = page.locator(".simulated-list li");
    await running.filter({ hasText: "demo-birds" }).waitFor();
    await page.getByLabel("What it sounds like").selectOption("machine");
    await page.getByRole("button", { name: "Start a simulated device" }).click();
    await running.filter({ hasText: "demo-machine" }).filter({ hasText: "10 min left" }).waitFor();
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await session.findBarriers(), [], colorScheme);
    }
    await page.getByRole("button", { name: "Stop demo-birds" }).click();
    await running.filter({ hasText: "demo-birds" }).waitFor({ state: "detached" });
    assert.equal(await running.count(), 1);
    assert.deepEqual(session.faults, []);
  });

  it("are not offered where they are switched off", async () => {
    await using folder = await makeTemporaryFolder();
    await using server = await OpenServer.open(folder.path, { "simulated-devices": "0" });
    await using browser = await openBrowser();
    await using session = await PageSession.open(browser, `http://127.0.0.1:${server.port}`);
    const asked = session.page.waitForResponse(/simulated-devices/);
    await session.page.reload();
    await asked;
    await session.page.getByRole("heading", { name: "Waiting for the first device" }).waitFor();
    assert.equal(await session.page.getByRole("button", { name: "Start a simulated device" }).count(), 0);
    const answered = session.page.waitForResponse(/simulated-devices/);
    await session.page.getByRole("link", { name: "Add a device" }).first().click();
    await answered;
    await session.page.locator(".code-block").waitFor();
    assert.equal(await session.page.getByText("No device at hand?").count(), 0);
  });
});
