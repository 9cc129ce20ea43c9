import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { OpenServer } from "./support/open-server.ts";
import { PageScene } from "./support/page-scene.ts";
import { PageSession } from "./support/page-session.ts";
import { pcmSound, tone } from "./support/page-sounds.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const toneHz = 1_250;
/** A name by which other machines may ask, as far as the page can tell: not of the loopback, and without TLS. */
const publicHost = "recordings.example";

/** Lets a test hear what the page plays: all that goes to an output passes an analyser. */
const tapAudio = `
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode && globalThis.heard === undefined) {
      globalThis.heard = new AnalyserNode(target.context, { fftSize: 8192, smoothingTimeConstant: 0 });
      connect.call(globalThis.heard, target);
    }
    return connect.call(this, target instanceof AudioDestinationNode ? globalThis.heard : target, ...rest);
  };`;

/** Waits until the meter of a device has been seen in several places. */
async function seeLevelsMove(page: Page, hwid: string): Promise<void> {
  await page.waitForFunction(
    (href) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`a[href="${href}"] .device-level`);
      const context = canvas?.getContext("2d");
      if (!canvas || !context || canvas.height < 40) return false;
      const seen = globalThis as unknown as { pictures?: Set<string> };
      seen.pictures ??= new Set();
      // The meter stands below the last minute.
      seen.pictures.add(context.getImageData(0, canvas.height - 12, canvas.width, 4).data.join());
      return seen.pictures.size > 3;
    },
    `/device/${hwid}`,
    { timeout: 30_000, polling: 100 },
  );
}

/** Presses Listen, and waits until something is heard. */
async function listen(page: Page): Promise<{ readonly hz: number; readonly waitedMs: number }> {
  await page.locator(".state-badge.is-live").waitFor();
  const pressedAt = performance.now();
  await page.getByRole("button", { name: "Listen" }).click();
  const heard = await page.waitForFunction(
    () => {
      const analyser = (globalThis as unknown as { heard?: AnalyserNode }).heard;
      if (analyser === undefined) return undefined;
      const levels = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(levels);
      const loudest = levels.indexOf(Math.max(...levels));
      const hz = (loudest * analyser.context.sampleRate) / analyser.fftSize;
      return (levels[loudest] ?? -200) > -60 ? { hz } : undefined;
    },
    undefined,
    { polling: 50 },
  );
  const waitedMs = performance.now() - pressedAt;
  return { hz: (await heard.jsonValue())?.hz ?? 0, waitedMs };
}

describe("the web page in a browser", { skip: noBrowser }, () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;
  let scene: PageScene;

  before(async () => {
    const folder = stack.use(await makeTemporaryFolder());
    scene = stack.use(await PageScene.open(folder.path, { "allowed-hosts": publicHost }));
    await scene.add("tone", pcmSound(tone(toneHz, 0.5)));
    browser = await openBrowser(`--host-resolver-rules=MAP ${publicHost} 127.0.0.1`);
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  it("shows the fleet with states that differ by word, and levels that move", async () => {
    await using session = await PageSession.open(browser, scene.origin);
    const { page, faults } = session;
    const item = (hwid: string) => page.locator(`a[href="/device/${hwid}"].device-item`);
    await item("kitchen").filter({ hasText: "live" }).waitFor();
    await item("workshop").filter({ hasText: "clipping" }).waitFor();
    await item("gate").filter({ hasText: "offline" }).waitFor({ timeout: 20_000 });
    await item("attic").filter({ hasText: "gap" }).waitFor();
    await item("cellar").filter({ hasText: "silent" }).waitFor({ timeout: 30_000 });
    await item("stage").filter({ hasText: "PCM 48 kHz stereo" }).waitFor();
    await seeLevelsMove(page, "kitchen");
    await page.locator(".alert", { hasText: "clipping" }).locator("a", { hasText: "workshop" }).waitFor();
    assert.deepEqual(faults, []);
  });

  it("is searched, filtered and walked by keyboard", async () => {
    await using session = await PageSession.open(browser, scene.origin);
    const { page } = session;
    await page.locator(".device-item").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("ORCH");
    assert.deepEqual(await page.locator(".device-title").allInnerTexts(), ["orchard"]);
    await page.keyboard.press("Escape");
    await page.locator(".device-item").nth(5).waitFor();
    await page.getByRole("button", { name: /offline/ }).click();
    await page.locator(".device-item", { hasText: "gate" }).waitFor();
    assert.equal(await page.locator(".device-item").count(), 1);
    await page.keyboard.press("Escape");
    await page.keyboard.press("v");
    await page.locator(".fleet-grid.is-rows").waitFor();
    assert.ok(await page.locator(".row-heads", { hasText: "Format" }).isVisible());
    await page.reload();
    await page.locator(".fleet-grid.is-rows").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const focused = await page.evaluate(() => document.activeElement?.getAttribute("href"));
    await page.keyboard.press("Enter");
    await page.locator("h1").waitFor();
    assert.equal(new URL(page.url()).pathname, focused);
    await page.keyboard.press("Escape");
    await page.locator(".fleet-grid").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await page.getByRole("heading", { name: "Add a device" }).waitFor();
  });

  it("is narrowed to a tag, and put in another order", async () => {
    const tagged = await fetch(`${scene.origin}/api/v1/devices/orchard`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "Zum Obstgarten", tags: ["trees"] }),
    });
    assert.equal(tagged.status, 200);
    await using session = await PageSession.open(browser, scene.origin);
    const { page } = session;
    const titles = page.locator(".device-title");
    await page.getByLabel("Tag", { exact: true }).selectOption("trees");
    assert.deepEqual(await titles.allInnerTexts(), ["Zum Obstgartenorchard"]);
    await page.getByRole("searchbox").fill("greenhouse");
    await page.getByRole("heading", { name: "No device matches “greenhouse” and is tagged “trees”" }).waitFor();
    await page.getByRole("button", { name: "Show all" }).click();
    await page.getByLabel("Order", { exact: true }).selectOption("By name");
    await titles.nth(5).waitFor();
    const names = (await titles.allInnerTexts()).slice(0, 3);
    assert.deepEqual(names, ["attic", "cellar", "garden"]);
    await page.getByLabel("Order", { exact: true }).selectOption("Largest first");
    // Two channels of three times the rate.
    await titles.first().filter({ hasText: "stage" }).waitFor();
  });

  it("plays a device live within two seconds, at its pitch", async () => {
    await using session = await PageSession.open(browser, "about:blank");
    await session.page.addInitScript(tapAudio);
    const waitsMs: number[] = [];
    // What else the machine does adds to a wait: the shortest of some tells what the page takes.
    while (waitsMs.length < 5 && Math.min(...waitsMs) >= 2_000) {
      await session.page.goto(`${scene.origin}/device/tone`);
      const { hz, waitedMs } = await listen(session.page);
      assert.ok(Math.abs(hz - toneHz) < 10, `${hz} Hz`);
      waitsMs.push(waitedMs);
    }
    assert.ok(Math.min(...waitsMs) < 2_000, `${waitsMs} ms`);
    await session.page.getByRole("button", { name: "Stop" }).click();
    await session.page.getByRole("button", { name: "Listen" }).waitFor();
  });

  it("plays on plain http from another machine at the pitch, too", async () => {
    await using session = await PageSession.open(browser, "about:blank");
    const { page } = session;
    await page.addInitScript(tapAudio);
    await page.goto(`${scene.origin.replace("127.0.0.1", publicHost)}/device/tone`);
    assert.equal(await page.evaluate(() => isSecureContext), false);
    const { hz } = await listen(page);
    assert.ok(Math.abs(hz - toneHz) < 10, `${hz} Hz`);
    await page.getByRole("button", { name: "Stop" }).click();
  });

  it("goes back to the device in the fleet that one has looked at", async () => {
    await using session = await PageSession.open(browser, scene.origin, { viewport: { width: 390, height: 600 } });
    const { page, faults } = session;
    const focused = (hwid: string) => page.locator(`a[href="/device/${hwid}"].device-item:focus`);
    await page.locator(".device-item").first().waitFor();
    await page.getByLabel("Order", { exact: true }).selectOption("By name");
    for (const hwid of ["attic", "workshop"]) {
      // On a phone the last device is not in the document before one is near it.
      await page.mouse.wheel(0, hwid === "attic" ? -9_999 : 9_999);
      await page.locator(`a[href="/device/${hwid}"].device-item`).click();
      await page.locator(".facts").waitFor();
      await page.goBack();
      await focused(hwid).waitFor();
      await page.keyboard.press("Enter");
      await page.locator(".facts").waitFor();
      await page.keyboard.press("Escape");
      await focused(hwid).waitFor();
      const isSeen = await focused(hwid).evaluate((item) => {
        const { top, bottom } = item.getBoundingClientRect();
        const over = document.elementFromPoint(innerWidth / 2, (top + bottom) / 2);
        return item.contains(over);
      });
      assert.ok(isSeen, hwid);
    }
    await page.keyboard.press("ArrowUp");
    await page.locator(".device-item:focus").waitFor();
    assert.equal(await focused("workshop").count(), 0, "arrows go on from there");
    // One that is not listed any more is not looked for.
    await page.keyboard.press("Enter");
    await page.locator(".facts").waitFor();
    await page.goto(`${scene.origin}/device/never-heard`);
    await page.getByRole("heading", { name: "Nothing was recorded" }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".device-item").first().waitFor();
    await page.locator("main:focus").waitFor();
    assert.deepEqual(
      faults.filter((fault) => !fault.includes("404")),
      [],
    );
  });

  it("tells times and days in the viewer's zone, and in UTC on hover", async () => {
    const timezoneId = "Asia/Kolkata";
    await using session = await PageSession.open(browser, `${scene.origin}/device/tone`, { timezoneId });
    const { page, faults } = session;
    const seen = page.locator("dt", { hasText: "First connected" }).locator("xpath=following-sibling::dd[1]//time");
    const timeMs = Date.parse((await seen.getAttribute("datetime")) ?? "");
    const clock = new Date(timeMs).toLocaleTimeString("en-GB", { timeZone: timezoneId, timeStyle: "short" });
    assert.ok((await seen.innerText()).endsWith(clock), `${await seen.innerText()} is not ${clock}`);
    const utc = `${new Date(timeMs).toISOString().slice(0, 19).replace("T", " ")} UTC`;
    assert.equal(await seen.getAttribute("title"), utc);
    const day = await page.locator("a.day-line").first().getAttribute("href");
    const dayMs = Number(new URLSearchParams(day?.split("?")[1]).get("from"));
    assert.equal((dayMs + 5.5 * 3_600_000) % 86_400_000, 0, "a day begins at its midnight");
    assert.deepEqual(faults, []);
  });

  it("moves nothing by itself for those who do not want it", async () => {
    /** What would take time to move, by element. */
    const moving = () => {
      const found: string[] = document.getAnimations().map((one) => `${one.constructor.name} runs`);
      for (const element of document.querySelectorAll("*")) {
        for (const part of [undefined, "::before", "::after"]) {
          const style = getComputedStyle(element, part);
          const lasts = [style.transitionDuration, style.animationDuration].some((all) =>
            all.split(", ").some((one) => Number.parseFloat(one) > 0),
          );
          const isMoved = lasts || style.animationName !== "none" || style.scrollBehavior === "smooth";
          if (isMoved) found.push(`${element.tagName}.${element.getAttribute("class")}${part ?? ""}`);
        }
      }
      return found;
    };
    await using session = await PageSession.open(browser, scene.origin);
    const { page } = session;
    const paths = [
      ["/", ".device-item"],
      ["/device/tone", ".facts"],
      ["/device/tone/archive", ".play-button"],
      ["/mic", "h1"],
      ["/storage", "h1"],
    ] as const;
    for (const reducedMotion of ["no-preference", "reduce"] as const) {
      await page.emulateMedia({ reducedMotion });
      const found = new Set<string>();
      for (const [path, ready] of paths) {
        await page.goto(`${scene.origin}${path}`);
        await page.locator(ready).first().waitFor();
        for (const one of await page.evaluate(moving)) found.add(`${path}: ${one}`);
      }
      // Else this looks for nothing.
      if (reducedMotion === "no-preference") assert.ok(found.size > 0);
      else assert.deepEqual([...found], []);
    }
  });

  it("tells on a phone how complete each day is", async () => {
    const viewport = { width: 390, height: 844 };
    await using session = await PageSession.open(browser, `${scene.origin}/device/attic`, { viewport });
    const { page } = session;
    const share = page.locator(".day-share", { hasText: /^[\d.]+\s%$/ }).first();
    await share.waitFor();
    const { x = 0, width = 0 } = (await share.boundingBox()) ?? {};
    assert.ok(width > 20 && x + width <= viewport.width, `${x} px, ${width} px wide`);
  });

  it("shows a device's facts and spectrum", async () => {
    await using session = await PageSession.open(browser, `${scene.origin}/device/kitchen`);
    const { page, faults } = session;
    await page.locator(".facts", { hasText: "IMA ADPCM, 16 kHz, mono" }).waitFor();
    await page.locator(".facts", { hasText: "low first" }).waitFor();
    await page.waitForFunction(() => {
      const canvas = document.querySelector<HTMLCanvasElement>(".live-picture");
      const context = canvas?.getContext("2d");
      if (!canvas || !context || canvas.width === 0) return false;
      const { data } = context.getImageData(canvas.width - 120, 10, 60, Math.floor(canvas.height / 2));
      return new Set(new Uint32Array(data.buffer)).size > 50;
    });
    await page.goto(`${scene.origin}/device/attic`);
    await page.locator(".state-badge.is-gap").waitFor();
    await page.goto(`${scene.origin}/device/never-heard`);
    await page.getByRole("heading", { name: "Nothing was recorded of never-heard yet" }).waitFor();
    assert.deepEqual(
      faults.filter((fault) => !fault.includes("404")),
      [],
    );
  });

  it("tells how to add a device, and when it has come", async () => {
    await using session = await PageSession.open(browser, `${scene.origin}/add`);
    const { page, faults } = session;
    await page.getByLabel("Id of the device").fill("barn 1");
    await page.locator("[aria-invalid=true]").waitFor();
    await page.getByText("“barn 1” has a space").waitFor();
    assert.equal(await page.locator(".copy-button").count(), await page.locator("[inert] .copy-button").count());
    await page.getByLabel("Id of the device").fill("newcomer");
    await page.locator(".address", { hasText: `${scene.origin.replace("http", "ws")}/ws/newcomer` }).waitFor();
    await page.getByRole("button", { name: "Python" }).click();
    await page.locator(".code-block", { hasText: "newcomer" }).waitFor();
    await scene.add("newcomer", pcmSound(tone(500, 0.1)));
    await page.getByText("newcomer is connected, open it").waitFor({ timeout: 20_000 });
    assert.deepEqual(faults, []);
  });

  for (const theme of ["dark", "light"] as const) {
    it(`has no barriers that axe knows of, in ${theme} colours, wide and narrow`, async () => {
      await using session = await PageSession.open(browser, scene.origin, { colorScheme: theme });
      for (const [path, ready] of [
        ["/", ".device-item"],
        ["/device/kitchen", ".facts"],
        ["/device/gate", ".facts"],
        ["/add", ".code-block"],
      ] as const) {
        await session.page.goto(`${scene.origin}${path}`);
        await session.page.locator(ready).first().waitFor();
        for (const width of [1280, 390]) {
          await session.page.setViewportSize({ width, height: 844 });
          assert.deepEqual(await session.findBarriers(), [], `${path}, ${width} px`);
          const sideways = await session.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(sideways <= 0, `${path} scrolls sideways by ${sideways} px at ${width} px`);
        }
      }
    });
  }
});

describe("the web page without a server, or without devices", { skip: noBrowser }, () => {
  it("teaches how the first device comes, and shows it", async () => {
    await using folder = await makeTemporaryFolder();
    await using scene = await OpenServer.open(folder.path, { "rotate-s": "1" });
    await using browser = await openBrowser();
    await using session = await PageSession.open(browser, `http://127.0.0.1:${scene.port}`);
    await session.page.getByRole("heading", { name: "Waiting for the first device" }).waitFor();
    await session.page.getByText(`--url ws://127.0.0.1:${scene.port}/ws --hwid kitchen`).waitFor();
    assert.deepEqual(await session.findBarriers(), []);
    assert.deepEqual(session.faults, []);
  });

  it("says that the server is away, and recovers by itself", async () => {
    await using folder = await makeTemporaryFolder();
    const first = await PageScene.open(folder.path);
    const { port } = first.server;
    await using browser = await openBrowser();
    await using session = await PageSession.open(browser, first.origin);
    const { page } = session;
    await page.locator(".device-item", { hasText: "live" }).first().waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".device-item").length > 5);
    await first[Symbol.asyncDispose]();
    await page.locator(".connection-note", { hasText: "The server cannot be reached" }).waitFor({ timeout: 20_000 });
    assert.ok((await page.locator(".device-item").count()) > 5);
    // What was live may not be any more.
    await page.locator(".totals-age", { hasText: "As of" }).waitFor();
    await page.locator(".device-item .is-unknown", { hasText: "not known" }).first().waitFor();
    assert.equal(await page.locator(".device-item .state-badge.is-live").count(), 0);
    await using _second = await PageScene.open(folder.path, { port: String(port) });
    await page.locator(".connection-dot").waitFor({ state: "detached", timeout: 30_000 });
    await page.locator(".device-item .state-badge.is-live").first().waitFor({ timeout: 30_000 });
    await seeLevelsMove(page, "kitchen");
  });
});
