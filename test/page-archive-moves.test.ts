// The archive by wheel and Space, in another zone than the server's, and with much that is missing.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { OpenServer } from "./support/open-server.ts";
import { PageSession } from "./support/page-session.ts";
import { pcmSound, tone } from "./support/page-sounds.ts";
import { sendSound } from "./support/sound-device.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const recordedS = 20;
/** Frames of 20 ms; what begins loud, goes missing and ends quiet. */
const frameCount = recordedS * 50;
const gap = { fromS: 8, toS: 12 };
const quietFromS = 16;
const yearMs = 365 * 86_400_000;

/** A loud tone, of which some is missing, then nothing that can be heard. */
function gappySound() {
  const loud = tone(1_000, 0.5);
  const samples = Int16Array.from({ length: recordedS * 16_000 }, (_, at) =>
    at < quietFromS * 16_000 ? (loud[at % loud.length] ?? 0) : 0,
  );
  return pcmSound(samples, (seq) => seq >= gap.fromS * 50 && seq < gap.toS * 50);
}

/** How much redder than blue the picture is at a share of its width and height. */
function readWarmth(page: Page, across: number, down: number): Promise<number> {
  return page.evaluate(
    ([x = 0, y = 0]) => {
      const canvas = document.querySelector<HTMLCanvasElement>(".archive-surface canvas");
      const context = canvas?.getContext("2d");
      if (!canvas || !context) return 0;
      const { data } = context.getImageData(Math.round(canvas.width * x), Math.round(canvas.height * y), 1, 1);
      const [red = 0, , blue = 0, alpha = 0] = data;
      return ((red - blue) * alpha) / 255;
    },
    [across, down],
  );
}

describe("moves in the archive in a browser", { skip: noBrowser, timeout: 180_000 }, () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;
  let origin: string;
  let fromMs: number;

  before(async () => {
    const folder = stack.use(await makeTemporaryFolder());
    const server = stack.use(await OpenServer.open(folder.path, { "rotate-s": "10" }));
    origin = `http://127.0.0.1:${server.port}`;
    await sendSound(server.url, "tone", gappySound(), frameCount);
    await server.closedSegments(2);
    const response = await fetch(`${origin}/api/v1/segments?hwid=tone`);
    const { segments } = (await response.json()) as { readonly segments: readonly { readonly start: string }[] };
    fromMs = Date.parse(segments[0]?.start ?? "");
    browser = await openBrowser();
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  const archiveUrl = (from: number, to: number) => `${origin}/device/tone/archive?from=${from}&to=${to}`;

  it("zooms by the wheel from a year down to a millisecond, and the moment stays below the pointer", async () => {
    const momentMs = fromMs + 5_000;
    await using session = await PageSession.open(
      browser,
      archiveUrl(momentMs - yearMs * 0.75, momentMs + yearMs * 0.25),
    );
    const { page, faults } = session;
    await page.getByText("Zoom in for waveform and spectrum").waitFor();
    const box = await page.locator(".archive-surface canvas").boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + box.width * 0.75, box.y + 200);
    const head = page.locator(".archive-names p");
    let turns = 0;
    for (; !/\(1\sms\)/.test(await head.innerText()); turns += 1) {
      assert.ok(turns < 200, `after ${turns} turns it shows ${await head.innerText()}`);
      await page.mouse.wheel(0, -400);
    }
    assert.ok(turns > 30, `${turns} turns`);
    // Where a pixel is a week, it is not said which second of it is meant.
    await page.waitForFunction(() => {
      const query = new URLSearchParams(location.search);
      return Number(query.get("to")) - Number(query.get("from")) <= 2;
    });
    const shownMs = Number(new URL(page.url()).searchParams.get("from"));
    assert.ok(Math.abs(shownMs - momentMs) < yearMs / box.width, `${shownMs - momentMs} ms away`);
    await page.locator(".hover-note", { hasText: /\d\d:\d\d:\d\d\.\d{3}/ }).waitFor();
    // A millisecond is the least; from there a turn back shows more again.
    await page.mouse.wheel(0, -400);
    await page.mouse.wheel(0, 400);
    await head.filter({ hasText: "(2 ms)" }).waitFor();
    assert.deepEqual(faults, []);
  });

  it("plays by Space after a click on another button and on the volume, while keyboards press what they are at", async () => {
    await using session = await PageSession.open(browser, archiveUrl(fromMs, fromMs + 12_000));
    const { page, faults } = session;
    const play = page.getByRole("button", { name: "Play", exact: true });
    const pause = page.getByRole("button", { name: "Pause", exact: true });
    const minute = page.getByRole("button", { name: "Minute" });
    await play.and(page.locator(":enabled")).waitFor();
    await minute.click();
    await page.waitForURL((url) => url.searchParams.get("from") !== String(fromMs));
    await page.getByRole("button", { name: "Zoom in" }).click();
    await page.locator(".archive-names", { hasText: "(30 s)" }).waitFor();
    await page.keyboard.press("Space");
    await pause.waitFor();
    await page.keyboard.press("Space");
    await play.waitFor();
    assert.ok(await page.locator(".archive-names", { hasText: "(30 s)" }).isVisible(), "nothing was zoomed");
    await page.getByLabel("Volume").click();
    await page.keyboard.press("Space");
    await pause.waitFor();
    await page.keyboard.press("Space");
    await play.waitFor();
    // Who comes to a button by the keyboard presses it, also one that was clicked before.
    await minute.click();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await page.locator(".archive-names", { hasText: "(1 h)" }).waitFor();
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Space");
    await page.locator(".archive-names", { hasText: "(1 min)" }).waitFor();
    assert.ok(await play.isVisible());
    assert.deepEqual(faults, []);
  });

  it("tells times in the viewer's zone, and in UTC beside them", async () => {
    await using session = await PageSession.open(browser, archiveUrl(fromMs, fromMs + 20_000), {
      timezoneId: "Asia/Kolkata",
    });
    const { page, faults } = session;
    await page.locator(".gap-button").first().waitFor();
    const box = await page.locator(".archive-surface canvas").boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + box.width * 0.5, box.y + 200);
    const note = page.locator(".hover-note");
    await note.waitFor();
    // Within a pixel of the middle.
    const clock = (timeZone: string, timeMs: number) =>
      new Date(timeMs).toLocaleTimeString("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const moments = [-50, 50].map((ms) => fromMs + 10_000 + ms);
    const strong = await note.locator("strong").innerText();
    assert.ok(
      moments.some((ms) => strong.includes(clock("Asia/Kolkata", ms))),
      strong,
    );
    const utc = await note.locator(".muted").innerText();
    assert.ok(
      moments.some((ms) => utc.includes(clock("UTC", ms))),
      utc,
    );
    assert.match(utc, /UTC/);
    assert.match((await page.locator(".archive-names p").getAttribute("title")) ?? "", /UTC/);
    // Its days are those of that zone, too: they begin half an hour beside all of UTC's hours.
    await page.keyboard.press("g");
    await page.locator(".go-to-form", { hasText: "Asia/" }).locator("input").fill("2026-03-01T12:00:00");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Day", exact: true }).click();
    await page.waitForURL(`**?from=${Date.parse("2026-03-01T00:00+05:30")}&to=${Date.parse("2026-03-02T00:00+05:30")}`);
    assert.deepEqual(faults, []);
  });

  for (const colorScheme of ["dark", "light"] as const) {
    it(`tells what is missing from what is quiet in all of the picture, in ${colorScheme} colours`, async () => {
      const url = archiveUrl(fromMs, fromMs + recordedS * 1000);
      await using session = await PageSession.open(browser, url, { colorScheme });
      const { page, faults } = session;
      await page.locator(".archive-surface[aria-busy=false]").waitFor();
      await page.locator(".gap-button").first().waitFor();
      const inGap = (gap.fromS + gap.toS) / 2 / recordedS;
      const inQuiet = (quietFromS + recordedS) / 2 / recordedS;
      // Of waveform and spectrum.
      for (const down of [0.25, 0.7, 0.9]) {
        while ((await readWarmth(page, inGap, down)) < 10) await page.waitForTimeout(100);
        assert.ok((await readWarmth(page, inQuiet, down)) <= 2, `what is quiet, at ${down}`);
        assert.ok((await readWarmth(page, gap.fromS / recordedS - 0.02, down)) <= 2, `what was received, at ${down}`);
      }
      assert.deepEqual(faults, []);
    });
  }
});
