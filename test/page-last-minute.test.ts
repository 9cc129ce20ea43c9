import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { OpenServer } from "./support/open-server.ts";
import { PageSession } from "./support/page-session.ts";
import { adpcmSound, machine, pcmSound, tone } from "./support/page-sounds.ts";
import { SoundDevice } from "./support/sound-device.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

/** Streamed before the page opens. */
const earlierMs = 45_000;
/** Of it what a tile shows at least. */
const knownCount = 42;
/** Live alone would take three times as long. */
const deadlineMs = 15_000;

/** Counts the seconds of a tile's last minute by their colours, as custom properties name them. */
async function countSeconds(page: Page, hwid: string): Promise<Readonly<Record<"wave" | "clipping" | "gap", number>>> {
  return page.evaluate((href) => {
    const counts = { wave: 0, clipping: 0, gap: 0 };
    const canvas = document.querySelector<HTMLCanvasElement>(`a[href="${href}"] .device-level`);
    const context = canvas?.getContext("2d");
    const probe = new OffscreenCanvas(1, 1).getContext("2d");
    if (!canvas || !context || !probe || canvas.height < 40) return counts;
    const style = getComputedStyle(document.documentElement);
    const colourOf = (name: string) => {
      probe.fillStyle = style.getPropertyValue(`--${name}`).trim();
      probe.fillRect(0, 0, 1, 1);
      return probe.getImageData(0, 0, 1, 1).data.join();
    };
    const names = Object.keys(counts) as (keyof typeof counts)[];
    const colours = new Map(names.map((name) => [colourOf(name), name]));
    // The meter stands below the last minute.
    const middle = Math.round(((canvas.height / devicePixelRatio - 22) / 2) * devicePixelRatio);
    for (let second = 0; second < 60; second += 1) {
      const { data } = context.getImageData(Math.floor(((second + 0.5) * canvas.width) / 60), middle, 1, 1);
      const name = colours.get(data.join());
      if (name !== undefined) counts[name] += 1;
    }
    return counts;
  }, `/device/${hwid}`);
}

async function waitForSeconds(page: Page, hwid: string, colour: "wave" | "clipping", count: number): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    const counts = await countSeconds(page, hwid);
    if (counts[colour] >= count) return;
    assert.ok(performance.now() - startedAt < deadlineMs, `${hwid} shows ${JSON.stringify(counts)}`);
    await page.waitForTimeout(100);
  }
}

describe("the last minute of tiles in a browser", { skip: noBrowser }, () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;

  before(async () => {
    browser = await openBrowser();
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  async function openServer(rotateS: string): Promise<OpenServer> {
    const folder = stack.use(await makeTemporaryFolder());
    const server = stack.use(await OpenServer.open(folder.path, { "rotate-s": rotateS }));
    const sounds = { steady: pcmSound(tone(500, 0.5)), small: adpcmSound(tone(500, 0.5)), loud: pcmSound(machine(4)) };
    for (const [hwid, sound] of Object.entries(sounds)) {
      stack.use(await SoundDevice.open(server.url, hwid, sound, 1, earlierMs));
    }
    return server;
  }

  for (const { rotateS, closedCount } of [
    { rotateS: "10", closedCount: 12 },
    { rotateS: "3600", closedCount: 0 },
  ]) {
    it(`are there when the page opens and after a reload, of segments of ${rotateS} s`, async () => {
      const server = await openServer(rotateS);
      await server.closedSegments(closedCount);
      const origin = `http://127.0.0.1:${server.port}`;
      await using session = await PageSession.open(browser, "about:blank");
      const { page } = session;
      const asked: string[] = [];
      page.on("request", (request) => {
        if (/\/peaks\?|\/segments\?/.test(request.url())) asked.push(request.url());
      });
      const failed: string[] = [];
      page.on("response", (response) => {
        if (response.status() >= 400) failed.push(response.url());
      });
      await page.goto(origin);
      for (const isReload of [false, true]) {
        asked.length = 0;
        if (isReload) await page.reload();
        await waitForSeconds(page, "steady", "wave", knownCount);
        await waitForSeconds(page, "small", "wave", knownCount);
        await waitForSeconds(page, "loud", "clipping", knownCount);
        // It clips every second second or so: one that has just begun may not have yet.
        assert.ok((await countSeconds(page, "loud")).wave <= 2);
        assert.ok(asked.length >= 3 && asked.length <= 3 * 2 * 3, asked.join("\n"));
      }
      // What was not written yet is asked for again, a few times.
      await page.waitForTimeout(6_000);
      asked.length = 0;
      await page.waitForTimeout(3_000);
      assert.deepEqual(asked, [], "what is known is not asked for again");
      assert.deepEqual(failed, []);
    });
  }
});
