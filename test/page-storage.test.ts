import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { ApiServer } from "./support/api-server.ts";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { ForwardClock } from "./support/open-server.ts";
import { PageSession } from "./support/page-session.ts";
import { pcmSound, tone } from "./support/page-sounds.ts";
import { SoundDevice } from "./support/sound-device.ts";
import { StorageScene } from "./support/storage-scene.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

/** Quotas look at most so often: no run comes between a recording and what the page shows of it. */
const retention = { "retention-max-age-d": "30", "retention-interval-min": "1440" };
const count = (page: Page, label: string) =>
  page.locator(".upload-totals .total", { hasText: label }).locator(".total-count");

describe("storage and uploads in a browser", { skip: noBrowser }, () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;
  let scene: StorageScene;

  before(async () => {
    const folder = stack.use(await makeTemporaryFolder());
    scene = stack.use(await StorageScene.open(folder.path, retention, 6));
    await scene.record("kitchen", 6);
    await scene.uploaded();
    await scene.describe("kitchen", "Kitchen window", "the doorbell");
    browser = await openBrowser();
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  it("tells how the disk fares, what stands in the store and what the next run takes", async () => {
    await using session = await PageSession.open(browser, scene.server.url);
    const { page, faults } = session;
    await page.locator(".device-item").first().waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.getByRole("heading", { name: "Storage and uploads" }).waitFor();
    await page
      .getByText(/^Below \d/)
      .first()
      .waitFor();
    await page.locator(".store-address", { hasText: scene.stub.url }).waitFor();
    await page.getByText("Nothing waits").waitFor();
    const stored = [...scene.stub.objects.keys()].length;
    assert.equal(await count(page, "stored").innerText(), String(stored));
    await page.getByText("Recordings older than 30 days leave this disk.").waitFor();
    const row = page.locator(".retention-rows li", { hasText: "attic" });
    await row.filter({ hasText: "leaves this disk" }).filter({ hasText: "3 segments" }).waitFor();
    assert.equal(await page.locator(".retention-rows li", { hasText: "Kitchen" }).count(), 0);
    assert.deepEqual(faults, []);
  });

  it("shows an outage, what waits for it on each device, and goes on when told to", async () => {
    scene.stub.setDown(true);
    await scene.record("garden", 8);
    await using session = await PageSession.open(browser, `${scene.server.url}/storage`);
    const { page } = session;
    const notice = page.locator(".notice", { hasText: "The object store does not answer" });
    await notice.waitFor({ timeout: 20_000 });
    await notice.getByText("Check the network").waitFor();
    await count(page, "waiting").filter({ hasNotText: /^0$/ }).waitFor();
    await page.getByRole("button", { name: /waiting/ }).click();
    await page.locator(".upload-list li", { hasText: "garden" }).first().waitFor();
    await page.goto(scene.server.url);
    await page.locator('a[href="/device/garden"] .device-backlog', { hasText: "12" }).waitFor();
    await page.getByText("12 files to be uploaded").first().waitFor();
    await page.goto(`${scene.server.url}/storage`);
    await notice.waitFor();
    scene.stub.setDown(false);
    await notice.getByRole("button", { name: "Try again now: the object store" }).click();
    await page.getByText("Nothing waits").waitFor({ timeout: 20_000 });
    await notice.waitFor({ state: "detached" });
    await page.locator(".state-badge", { hasText: "up to date" }).waitFor();
    const bytes = await page.locator(".throughput figcaption").innerText();
    assert.match(bytes, /\d+ files/);
  });

  it("groups failures by reason, with the files and a way to try again", async () => {
    scene.stub.isCorrupting = true;
    await scene.record("orchard", 2);
    await using session = await PageSession.open(browser, `${scene.server.url}/storage`);
    const { page } = session;
    const group = page.locator(".failure-group", { hasText: "The object store holds other bytes than were sent" });
    await group.waitFor({ timeout: 20_000 });
    await group.getByRole("button", { name: /^Show files/ }).click();
    const row = group.locator(".upload-list li", { hasText: "orchard" }).first();
    await row.locator(".upload-attempt", { hasText: "attempt" }).waitFor();
    assert.deepEqual(await session.findBarriers(), []);
    const isRetry = (request: { url(): string }) => request.url().endsWith("/uploads/retry");
    const [single] = await Promise.all([
      page.waitForRequest(isRetry),
      row.getByRole("button", { name: /^Try now: / }).click(),
    ]);
    assert.equal(single.postDataJSON().ids.length, 1);
    const [all] = await Promise.all([
      page.waitForResponse(isRetry),
      group.getByRole("button", { name: /^Try again now/ }).click(),
    ]);
    assert.equal(all.status(), 200);
    scene.stub.isCorrupting = false;
    await page.getByText("Nothing waits").waitFor({ timeout: 30_000 });
    await group.waitFor({ state: "detached" });
  });

  it("lists pins, and takes one away once that is confirmed, by keyboard", async () => {
    await using session = await PageSession.open(browser, `${scene.server.url}/storage`);
    const { page } = session;
    const pin = page.locator(".pin-list li", { hasText: "the doorbell" });
    await pin.getByRole("link", { name: "Kitchen window" }).waitFor();
    const remove = pin.getByRole("button", { name: /^Remove the pin of/ });
    await remove.press("Enter");
    await pin.getByRole("button", { name: "Keep" }).press("Escape");
    // Whoever keeps it stands where they were.
    await pin.locator("button:focus", { hasText: "Remove" }).waitFor();
    await remove.press("Enter");
    await pin.getByRole("button", { name: "Remove the pin" }).press("Enter");
    await page.getByText("Nothing is pinned.").waitFor();
    assert.deepEqual((await scene.server.json<{ pins: [] }>("/api/v1/pins")).pins, []);
  });

  for (const theme of ["dark", "light"] as const) {
    it(`has no barriers that axe knows of, in ${theme} colours, wide and narrow`, async () => {
      for (const width of [1280, 390]) {
        const viewport = { width, height: 844 };
        await using session = await PageSession.open(browser, `${scene.server.url}/storage`, {
          colorScheme: theme,
          viewport,
        });
        await session.page.locator(".retention-rows li").first().waitFor();
        assert.deepEqual(await session.findBarriers(), [], `${width} px`);
        const overflow = await session.page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.equal(overflow, 0, `${width} px`);
      }
    });
  }
});

describe("a server without uploads, in a browser", { skip: noBrowser }, () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;
  let server: ApiServer;

  before(async () => {
    const folder = stack.use(await makeTemporaryFolder());
    // No segment closes by itself meanwhile.
    server = stack.use(await ApiServer.open(folder.path, { "rotate-s": "3600", ...retention }));
    browser = await openBrowser();
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  it("teaches how uploads are switched on, and says what no pin and no quota mean", async () => {
    await using session = await PageSession.open(browser, `${server.url}/storage`);
    const { page, faults } = session;
    await page.getByText("Recordings stand on this disk only").waitFor();
    await page.getByRole("button", { name: "Scaleway" }).click();
    await page.locator(".code-block", { hasText: "S3_PROVIDER=scaleway" }).waitFor();
    await page.getByText("Uploads are off, so there is no other copy").waitFor();
    await page.getByText("Nothing: no recording is past its quota.").waitFor();
    await page.getByText("Nothing is pinned.").waitFor();
    assert.deepEqual(await session.findBarriers(), []);
    assert.deepEqual(faults, []);
  });

  it("shows a device as soon as it connects, to be named and tagged in place", async () => {
    await using session = await PageSession.open(browser, server.url);
    const { page, faults } = session;
    await page.getByRole("heading", { name: "Waiting for the first device" }).waitFor();
    const url = `${server.url.replace("http", "ws")}/ws`;
    await using _device = await SoundDevice.open(url, "newcomer", pcmSound(tone(500, 0.2)));
    const item = page.locator('a[href="/device/newcomer"].device-item');
    await item.filter({ hasText: "live" }).waitFor({ timeout: 10_000 });
    assert.equal((await server.json<{ segments: [] }>("/api/v1/segments")).segments.length, 0);
    await item.click();
    await page.getByRole("button", { name: "Edit name and tags" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Shed");
    await page.getByLabel("Tags, separated by commas").fill(`yard, ${"x".repeat(65)}`);
    await page.locator(".form-fault", { hasText: "longer than 64" }).waitFor();
    await page.getByLabel("Tags, separated by commas").fill("yard, far , yard");
    assert.deepEqual(await session.findBarriers(), []);
    await page.keyboard.press("Enter");
    await page.locator(".tag", { hasText: "far" }).waitFor();
    await page.getByRole("heading", { name: "Shed" }).waitFor();
    const device = await server.json<{ name: string; tags: string[] }>("/api/v1/devices/newcomer");
    assert.deepEqual([device.name, device.tags], ["Shed", ["yard", "far"]]);
    await page.getByRole("button", { name: "Edit name and tags" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Other");
    await page.keyboard.press("Escape");
    await page.getByRole("heading", { name: "Shed" }).waitFor();
    assert.deepEqual(faults, []);
  });
});

describe("the retention's guard, in a browser", { skip: noBrowser }, () => {
  it("tells that a run would delete more than half, and that it does not", async () => {
    await using folder = await makeTemporaryFolder();
    // Recordings age by the server's clock.
    const time = new ForwardClock();
    const flags = { ...retention, "rotate-s": "0.2", wav: "false" };
    await using server = await ApiServer.open(folder.path, flags, {}, { clock: time.clock });
    await server.record({ hwid: "old", startMs: Date.now() - 30_000, frameCount: 1_050 });
    time.forward(60 * 86_400_000);
    await using browser = await openBrowser();
    await using session = await PageSession.open(browser, `${server.url}/storage`);
    await session.page.getByText("The guard refuses to delete more than half").waitFor();
    await session.page.locator(".notice li", { hasText: "segments of old would go" }).waitFor();
    assert.deepEqual(await session.findBarriers(), []);
  });
});
