import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { type HeldSound, holdSound } from "./support/held-sound.ts";
import { OpenServer } from "./support/open-server.ts";
import { PageSession } from "./support/page-session.ts";
import { pcmSound, stereoSound, tone } from "./support/page-sounds.ts";
import { sendSound } from "./support/sound-device.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const toneHz = 1_250;
const recordedS = 14;
const rotateS = 3;

/** What was handed to the browser to be played. */
interface Played {
  readonly startS: number;
  readonly sampleRateHz: number;
  readonly samples: readonly number[];
}

/** Notes all that is scheduled. */
const noteAudio = `
  globalThis.played = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (when) {
    const { sampleRate } = this.buffer;
    globalThis.played.push({ startS: when, sampleRateHz: sampleRate, samples: [...this.buffer.getChannelData(0)] });
    return start.call(this, when);
  };`;

describe("the archive in a browser", { skip: noBrowser }, () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;
  let server: OpenServer;
  let origin: string;
  let fromMs: number;
  let folderPath: string;

  before(async () => {
    const folder = stack.use(await makeTemporaryFolder());
    folderPath = folder.path;
    server = stack.use(await OpenServer.open(folder.path, { "rotate-s": String(rotateS) }));
    origin = `http://127.0.0.1:${server.port}`;
    const sound = pcmSound(tone(toneHz, 0.5), (seq) => seq >= 650 && seq < 675);
    await sendSound(server.url, "tone", sound, recordedS * 50);
    const segments = await closedSegments(Math.ceil(recordedS / rotateS));
    fromMs = Date.parse(segments[0]?.start ?? "");
    browser = await openBrowser();
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  /** Segments of a device, once there are so many. */
  async function closedSegments(count: number, hwid = "tone"): Promise<readonly { readonly start: string }[]> {
    for (;;) {
      const response = await fetch(`${origin}/api/v1/segments?hwid=${hwid}`);
      const { segments } = (await response.json()) as { readonly segments: readonly { readonly start: string }[] };
      if (segments.length >= count) return segments;
    }
  }

  const archiveUrl = (from: number, to: number) => `${origin}/device/tone/archive?from=${from}&to=${to}`;

  it("plays across segments without a seam", async () => {
    await using session = await PageSession.open(browser, "about:blank");
    const { page } = session;
    await page.addInitScript(noteAudio);
    await page.goto(archiveUrl(fromMs + 500, fromMs + 12_500));
    await page.getByRole("button", { name: "Play" }).click();
    const read = () => (globalThis as unknown as { played: Played[] }).played;
    await page.waitForFunction(() => (globalThis as unknown as { played: unknown[] }).played.length >= 2);
    const [first, second] = await page.evaluate(read);
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(first.sampleRateHz, 16_000);
    const seamS = second.startS - (first.startS + first.samples.length / first.sampleRateHz);
    assert.ok(Math.abs(seamS) < 1e-6, `${seamS} s between the pieces`);
    // A sine follows from its last two samples; what does not is a click.
    const samples = [...first.samples, ...second.samples.slice(0, 16_000)];
    const turn = 2 * Math.cos((2 * Math.PI * toneHz) / 16_000);
    const clicks = samples.filter((sample, index) => {
      const [before = 0, last = 0] = [samples[index - 2], samples[index - 1]];
      return index >= 2 && Math.abs(sample - (turn * last - before)) > 0.001;
    });
    assert.deepEqual(clicks, []);
    assert.ok(samples.some((sample) => sample > 0.45));
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Play" }).waitFor();
  });

  it("gives a selected range as the API does", async () => {
    await using session = await PageSession.open(browser, archiveUrl(fromMs + 1_000, fromMs + 6_000));
    const { page, faults } = session;
    await page.getByRole("button", { name: "Select what is in view" }).click();
    for (const format of ["WAV", "FLAC"]) {
      const link = page.getByRole("link", { name: format });
      const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
      const saved = await readFile(await download.path());
      const range = `from=${fromMs + 1_000}&to=${fromMs + 6_000}&format=${format.toLowerCase()}`;
      const response = await fetch(`${origin}/api/v1/devices/tone/audio?${range}`);
      assert.deepEqual(saved, Buffer.from(await response.arrayBuffer()), format);
      assert.ok(saved.byteLength > 20_000);
    }
    await page.evaluate(() => {
      Object.defineProperty(navigator, "clipboard", { value: undefined });
      document.execCommand = () => false;
    });
    await page.getByRole("button", { name: "Copy link to this range" }).click();
    await page.locator(".copy-button", { hasText: "Could not copy" }).waitFor();
    assert.deepEqual(faults, []);
  });

  it("selects by dragging, pins, moves and zooms", async () => {
    await using session = await PageSession.open(browser, archiveUrl(fromMs, fromMs + 10_000));
    const { page, faults } = session;
    const canvas = page.locator(".archive-surface canvas");
    await page.waitForResponse((response) => response.url().includes("/peaks"));
    const box = await canvas.boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + box.width * 0.2, box.y + 150);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.4, box.y + 160, { steps: 4 });
    await page.mouse.up();
    await page.locator(".selection-bar", { hasText: "2 s" }).waitFor();
    await page.getByRole("button", { name: "Pin" }).click();
    await page.getByText("Pinned").waitFor();
    const { pins } = (await (await fetch(`${origin}/api/v1/devices/tone/pins`)).json()) as { pins: { from: string }[] };
    assert.ok(Math.abs(Date.parse(pins[0]?.from ?? "") - (fromMs + 2_000)) < 100);
    const span = () => {
      const query = new URL(page.url()).searchParams;
      return [Number(query.get("from")), Number(query.get("to"))] as const;
    };
    await page.keyboard.press("+");
    const until = (isSo: () => boolean) => page.waitForURL(isSo);
    await until(() => span()[1] - span()[0] === 5_000);
    const [zoomedFrom] = span();
    await page.keyboard.press("ArrowRight");
    await until(() => span()[0] === zoomedFrom + 1_000);
    await page.getByRole("button", { name: "Earlier" }).click();
    await until(() => span()[0] === zoomedFrom);
    await page.mouse.move(box.x + box.width * 0.5, box.y + 150);
    const shownTo = String(span()[1]);
    await page.mouse.wheel(0, 400);
    await page.waitForFunction((to) => new URLSearchParams(location.search).get("to") !== to, shownTo);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.waitForURL(`${origin}/device/tone`);
    assert.deepEqual(faults, []);
  });

  it("tells what a gap is", async () => {
    await using session = await PageSession.open(browser, archiveUrl(fromMs + 12_000, fromMs + 14_500));
    const { page } = session;
    await page.waitForResponse((response) => response.url().includes("/peaks"));
    const box = await page.locator(".archive-surface canvas").boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + box.width * 0.5, box.y + 120);
    await page.locator(".hover-note", { hasText: "gap of 0.5 s: not received" }).waitFor();
    assert.deepEqual(await session.findBarriers(), []);
  });

  it("tells of gaps to those who do not point at them", async () => {
    await using session = await PageSession.open(browser, archiveUrl(fromMs, fromMs + 14_500));
    const { page, faults } = session;
    const gap = page.getByRole("button", { name: "0.5 s not received" });
    await gap.focus();
    await page.locator(".hover-note", { hasText: "gap of 0.5 s: not received" }).waitFor();
    await gap.press("Enter");
    await page.waitForURL((url) => Math.abs(Number(url.searchParams.get("from")) - (fromMs + 13_250 - 2_000)) < 100);
    assert.deepEqual(faults, []);
  });

  it("goes to a time, to a month and down to milliseconds", async () => {
    await using session = await PageSession.open(browser, archiveUrl(fromMs, fromMs + 10_000));
    const { page, faults } = session;
    const span = () => {
      const query = new URL(page.url()).searchParams;
      return { fromMs: Number(query.get("from")), toMs: Number(query.get("to")) };
    };
    await page.locator(".play-button").waitFor();
    await page.keyboard.press("g");
    await page.locator(".go-to-form input").fill("2026-03-01T12:00:00");
    await page.keyboard.press("Enter");
    await page.getByText("Nothing is recorded here").waitFor();
    assert.equal((span().fromMs + span().toMs) / 2, new Date(2026, 2, 1, 12).getTime());
    await page.getByRole("button", { name: "Month" }).click();
    await page.waitForURL(`**?from=${new Date(2026, 2, 1).getTime()}&to=${new Date(2026, 3, 1).getTime()}`);
    await page.goto(archiveUrl(fromMs + 1_000, fromMs + 1_004));
    await page.waitForResponse((response) => response.url().includes("/spectrogram"));
    await page.goto(archiveUrl(fromMs + 60_000, fromMs + 60_200));
    await page.getByRole("button", { name: "Go to the latest recording" }).click();
    await page.getByText("Nothing is recorded here").waitFor({ state: "detached" });
    assert.deepEqual(faults, []);
  });

  it("ends at now what is not over yet, and says what is not to be had", async () => {
    await using session = await PageSession.open(browser, archiveUrl(fromMs, fromMs + 10_000));
    const { page, faults } = session;
    const span = () => {
      const query = new URL(page.url()).searchParams;
      return { fromMs: Number(query.get("from")), toMs: Number(query.get("to")) };
    };
    for (const unit of ["Hour", "Week", "Day"]) {
      const askedMs = Date.now();
      const button = page.getByRole("button", { name: unit, exact: true });
      await button.click();
      await page.waitForURL(() => span().toMs >= askedMs && span().toMs <= Date.now());
      assert.equal(await button.getAttribute("aria-pressed"), "true");
    }
    // As of a device whose first segment is not closed yet.
    const segments = "**/api/v1/segments?*";
    await page.route(segments, (route) => route.fulfill({ json: { segments: [] } }));
    await page.goto(archiveUrl(fromMs, fromMs + 10_000));
    const play = page.getByRole("button", { name: "Play" });
    await play.and(page.getByTitle("Nothing is recorded yet")).waitFor();
    assert.ok(await play.isDisabled());
    await page.unroute(segments);
    await page.getByRole("button", { name: "Earlier" }).click();
    await play.and(page.locator(":enabled")).waitFor();
    assert.deepEqual(faults, []);
  });

  it("goes to a time by g at once, and on to a view by a second letter", async () => {
    await using session = await PageSession.open(browser, archiveUrl(fromMs, fromMs + 10_000));
    const { page, faults } = session;
    await page.locator(".play-button").waitFor();
    await page.keyboard.press("g");
    await page.locator(".go-to-form input:focus").waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".go-to-form").waitFor({ state: "detached" });
    await page.keyboard.press("g");
    await page.keyboard.press("f");
    await page.locator(".device-item").first().waitFor();
    assert.equal(new URL(page.url()).pathname, "/");
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    await page.getByRole("heading", { name: "Access" }).waitFor();
    assert.deepEqual(faults, []);
  });

  it("selects by keys, and takes pins away", async () => {
    await using session = await PageSession.open(browser, archiveUrl(fromMs, fromMs + 10_000));
    const { page, faults } = session;
    await page.locator(".play-button").waitFor();
    await page.keyboard.press("[");
    await page.locator(".selection-bar", { hasText: "5 s" }).waitFor();
    const pin = page.getByRole("button", { name: "Pin", exact: true });
    await pin.click();
    // What is pinned as a whole cannot be pinned once more; whoever pinned it by the keyboard stands at what is left.
    await pin.waitFor({ state: "detached" });
    await page.locator("button:focus", { hasText: "Unpin" }).waitFor();
    await page.getByRole("button", { name: "Unpin" }).click();
    await page.getByText("Remove the pin that touches this range?").waitFor();
    await page.getByRole("button", { name: "Keep" }).click();
    await page.getByRole("button", { name: "Unpin" }).click();
    await page.getByRole("button", { name: "Remove" }).click();
    await page.getByText("No longer pinned").waitFor();
    await pin.waitFor();
    assert.equal(await page.getByRole("button", { name: "Unpin" }).count(), 0);
    const { pins } = (await (await fetch(`${origin}/api/v1/devices/tone/pins`)).json()) as { pins: { to: string }[] };
    assert.ok(pins.every(({ to }) => Date.parse(to) < fromMs + 5_000));
    assert.deepEqual(faults, []);
  });

  it("leaves out what is not recorded, and says where nothing follows", async () => {
    await using session = await PageSession.open(browser, "about:blank");
    const { page } = session;
    await page.addInitScript(noteAudio);
    await page.goto(archiveUrl(fromMs - 90_000, fromMs - 60_000));
    await page.getByRole("button", { name: "Play" }).click();
    await page.waitForFunction(() => (globalThis as unknown as { played: unknown[] }).played.length > 0);
    const [first] = await page.evaluate(() => (globalThis as unknown as { played: Played[] }).played);
    assert.ok(
      first?.samples.slice(0, 1_600).some((sample) => sample > 0.45),
      "the tone is heard at once",
    );
    await page.goto(archiveUrl(fromMs + 60_000, fromMs + 90_000));
    await page.getByRole("button", { name: "Play" }).click();
    await page.getByText("Nothing is recorded from here on.").waitFor();
  });

  it("selects without dragging, and says when the browser holds the sound back", async () => {
    await using session = await PageSession.open(browser, "about:blank");
    const { page } = session;
    await page.addInitScript(holdSound);
    await page.goto(archiveUrl(fromMs, fromMs + 10_000));
    const canvas = page.locator(".archive-surface canvas");
    await page.waitForResponse((response) => response.url().includes("/peaks"));
    const { width = 0 } = (await canvas.boundingBox()) ?? {};
    await canvas.click({ position: { x: width * 0.2, y: 150 } });
    await page.getByText("The browser holds the sound back: press Play.").waitFor();
    await page.getByRole("button", { name: "Select from here" }).click();
    await page.locator(".selection-bar", { hasText: "8 s" }).waitFor();
    await canvas.click({ position: { x: width * 0.5, y: 150 } });
    await page.getByRole("button", { name: "Select to here" }).click();
    await page.locator(".selection-bar", { hasText: "3 s" }).waitFor();
    await page.getByRole("link", { name: "WAV 96.0 kB" }).waitFor();
    await page.getByRole("button", { name: "Zoom to it" }).click();
    await page.waitForURL((url) => Math.abs(Number(url.searchParams.get("from")) - fromMs - 1_833) < 30);
    await page.evaluate(() => {
      (globalThis as unknown as { heldSound: HeldSound }).heldSound.isAllowed = true;
    });
    await page.getByText("The browser holds the sound back").waitFor();
    await page.getByRole("button", { name: "Play" }).click();
    await page.getByRole("button", { name: "Pause" }).click();
  });

  it("plays on where the format changes, shows levels there and tells why", async () => {
    await sendSound(server.url, "changing", pcmSound(tone(toneHz, 0.5)), 200, Date.now() - 20_000);
    await sendSound(server.url, "changing", stereoSound(), 200, Date.now() - 15_000);
    const changing = await closedSegments(4, "changing");
    const startMs = Date.parse(changing[0]?.start ?? "");
    await using session = await PageSession.open(browser, "about:blank");
    const { page } = session;
    await page.addInitScript(noteAudio);
    await page.goto(`${origin}/device/changing/archive?from=${startMs - 1_000}&to=${startMs + 11_000}`);
    await page.getByText("The format changes in view: levels are shown.").waitFor();
    await page.getByText("Nothing is recorded here").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Select what is in view" }).click();
    await page.getByText(/^The format changes at .*: select one side of it to download\.$/).waitFor();
    assert.ok(await page.getByRole("button", { name: "FLAC" }).isDisabled());
    await page.getByRole("button", { name: "Play" }).click();
    await page.waitForFunction(() => {
      const { played } = globalThis as unknown as { played: Played[] };
      return new Set(played.map(({ sampleRateHz }) => sampleRateHz)).size === 2;
    });
    const played = await page.evaluate(() => (globalThis as unknown as { played: Played[] }).played);
    const lengthOf = (rateHz: number) =>
      played
        .filter(({ sampleRateHz }) => sampleRateHz === rateHz)
        .reduce((sum, { samples }) => sum + samples.length / rateHz, 0);
    assert.ok(Math.abs(lengthOf(16_000) - 4) < 0.01, `${lengthOf(16_000)} s of the first format`);
  });

  for (const colorScheme of ["dark", "light"] as const) {
    it(`has no barriers that axe knows of, in ${colorScheme} colours, wide and narrow`, async () => {
      await using session = await PageSession.open(browser, archiveUrl(fromMs, fromMs + 14_500), { colorScheme });
      const { page } = session;
      await page.locator(".gap-button").first().waitFor();
      await page.getByRole("button", { name: "Select what is in view" }).click();
      await page.keyboard.press("g");
      await page.locator(".go-to-form").waitFor();
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 844 });
        assert.deepEqual(await session.findBarriers(), [], `${width} px`);
        const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(sideways <= 0, `scrolls sideways by ${sideways} px at ${width} px`);
      }
    });
  }

  it("stays while the server is away, and goes on when it is back", async () => {
    await using session = await PageSession.open(browser, archiveUrl(fromMs, fromMs + 14_500));
    const { page } = session;
    await page.locator(".gap-button").first().waitFor();
    await server.close();
    await page.getByRole("button", { name: "Zoom out" }).click();
    await page.locator(".connection-note", { hasText: "The server cannot be reached" }).waitFor();
    await page.locator(".gap-button").first().waitFor();
    server = stack.use(await OpenServer.open(folderPath, { port: new URL(origin).port }));
    await page.locator(".connection-dot").waitFor({ state: "detached" });
    await page.reload();
    await page.locator(".gap-button").first().waitFor();
  });
});
