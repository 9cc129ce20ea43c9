import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { type HeldPiece, type HeldSound, holdSound, readHeldSound } from "./support/held-sound.ts";
import { OpenServer } from "./support/open-server.ts";
import { PageSession } from "./support/page-session.ts";
import { adpcmSound, pcmSound, stereoSound, tone } from "./support/page-sounds.ts";
import { SoundDevice, sendSound } from "./support/sound-device.ts";
import { makeTemporaryFolder } from "./support/temporary-folder.ts";

const toneHz = 2_000;
/** Sent before the page is opened, as one segment that is not closed: more than its window shows. */
const openMs = 40_000;
/** Sent in a session before that. */
const closedFrameCount = 30 * 50;

/** Longest wait for a picture without holes: much longer than it takes on a busy machine. */
const wholeDeadlineMs = 120_000;

/** What of a picture is drawn, column by column of its pixels. */
interface Drawn {
  /** Stretches without a hole. */
  readonly runs: readonly { readonly from: number; readonly to: number }[];
  /** Columns in which something else than the tone is loudest. */
  readonly wrongCount: number;
}

/** Looks at the spectrum of a device with a tone in dark colours. */
function readPicture(page: Page): Promise<Drawn> {
  return page.evaluate((toneShare) => {
    const canvas = document.querySelector<HTMLCanvasElement>(".live-picture");
    const context = canvas?.getContext("2d");
    if (!canvas || !context || canvas.width === 0) return { runs: [], wrongCount: 0 };
    const width = canvas.width - 44;
    // Below the spectrum stand the envelope, a quarter, and the times.
    const height = Math.floor((canvas.height - 22) * 0.76);
    const { data } = context.getImageData(0, 0, width, height);
    const runs: { from: number; to: number }[] = [];
    let wrongCount = 0;
    for (let left = 0; left < width; left += 1) {
      let [loudest, loudestRow] = [-1, 0];
      for (let row = 2; row < height - 2; row += 1) {
        const at = (row * width + left) * 4;
        const light = (data[at] ?? 0) + (data[at + 1] ?? 0) + (data[at + 2] ?? 0);
        if (data[at + 3] === 255 && light > loudest) [loudest, loudestRow] = [light, row];
      }
      if (loudest < 0) continue;
      if (Math.abs(loudestRow - height * (1 - toneShare)) > 6) wrongCount += 1;
      const last = runs.at(-1);
      if (last?.to === left - 1) last.to = left;
      else runs.push({ from: left, to: left });
    }
    return { runs, wrongCount };
  }, toneHz / 8_000);
}

/** Waits until so many pieces have been handed to the browser. */
async function waitForPieces(page: Page, count: number): Promise<readonly HeldPiece[]> {
  for (;;) {
    const { pieces } = await page.evaluate(readHeldSound);
    if (pieces.length >= count) return pieces;
    await page.waitForTimeout(50);
  }
}

/** Pieces that would be heard at once with the one before. */
function findDoubles(pieces: readonly HeldPiece[]): readonly HeldPiece[] {
  const heard = pieces.filter(({ isStopped }) => !isStopped).sort((one, next) => one.startS - next.startS);
  return heard.filter(({ startS }, at) => at > 0 && startS < (heard[at - 1]?.endS ?? 0) - 1e-6);
}

describe("a device in a browser", { skip: noBrowser }, () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;
  let server: OpenServer;
  let origin: string;
  /** Of a server that closes segments every hour only. */
  let patientOrigin: string;

  before(async () => {
    const folders = [stack.use(await makeTemporaryFolder()), stack.use(await makeTemporaryFolder())] as const;
    server = stack.use(await OpenServer.open(folders[0].path, { "rotate-s": "1" }));
    const patient = stack.use(await OpenServer.open(folders[1].path, { "rotate-s": "3600" }));
    origin = `http://127.0.0.1:${server.port}`;
    patientOrigin = `http://127.0.0.1:${patient.port}`;
    const sound = pcmSound(tone(toneHz, 0.5));
    await sendSound(patient.url, "tone", sound, closedFrameCount, Date.now() - openMs - 1_000);
    await sendSound(server.url, "gone", sound, 500);
    stack.use(await SoundDevice.open(patient.url, "tone", sound, 1, openMs));
    stack.use(await SoundDevice.open(patient.url, "fresh", stereoSound()));
    stack.use(await SoundDevice.open(server.url, "several", sound, 3));
    stack.use(await SoundDevice.open(server.url, "several", stereoSound(), 7));
    browser = await openBrowser();
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  it("shows what is live, what was received before and what was recorded without a seam, and scrolls back", async () => {
    await using session = await PageSession.open(browser, `${patientOrigin}/device/tone`, { colorScheme: "dark" });
    const { page, faults } = session;
    await page.locator(".picture-place", { hasText: "What is heard now" }).waitFor();
    /** Until nothing is missing but what lies between the two sessions, and the first columns of all. */
    const whole = async () => {
      const deadlineMs = performance.now() + wholeDeadlineMs;
      for (;;) {
        const drawn = await readPicture(page);
        const isWhole = drawn.runs.length <= 2 && (drawn.runs[0]?.from ?? 99) < 8 && (drawn.runs.at(-1)?.to ?? 0) > 900;
        if (isWhole) return drawn;
        assert.ok(performance.now() < deadlineMs, `${JSON.stringify(drawn)} is all that is drawn`);
        await page.waitForTimeout(200);
      }
    };
    assert.ok((await whole()).wrongCount < 12, "beside the edges of the sessions the tone is loudest");
    await page.keyboard.press("ArrowLeft");
    await page.locator(".picture-place", { hasText: "up to" }).waitFor();
    const shown = await page.locator(".picture-place strong").innerText();
    assert.ok((await whole()).wrongCount < 12);
    assert.equal(await page.locator(".picture-place strong").innerText(), shown, "what is looked at stays");
    const box = await page.locator(".live-picture").boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + 300, box.y + 100);
    await page.locator(".hover-note", { hasText: "UTC" }).waitFor();
    await page.mouse.down();
    await page.mouse.move(box.x + 600, box.y + 100, { steps: 3 });
    await page.mouse.up();
    await whole();
    assert.notEqual(await page.locator(".picture-place strong").innerText(), shown);
    // From the segment that is being written, all of it sent before the page was opened, to those that are closed.
    for (let press = 0; press < 3; press += 1) {
      await page.keyboard.press("ArrowLeft");
      assert.ok((await whole()).wrongCount < 12);
    }
    await page.getByRole("button", { name: "Back to live" }).click();
    await page.locator(".picture-place", { hasText: "What is heard now" }).waitFor();
    assert.deepEqual(faults, []);
  });

  it("shows how the recordings of a device ended that is away", async () => {
    await using session = await PageSession.open(browser, `${origin}/device/gone`, { colorScheme: "dark" });
    const { page, faults } = session;
    await page.getByText("Nothing is being received").waitFor();
    await page.waitForFunction(() => document.querySelector(".day-covered") !== null);
    for (;;) {
      const { runs } = await readPicture(page);
      const [run] = runs;
      // Ten seconds of 20 columns, 2 px each.
      if (runs.length === 1 && run !== undefined && Math.abs(run.to - run.from - 400) < 6) break;
      await page.waitForTimeout(100);
    }
    assert.ok(await page.getByRole("button", { name: "Listen" }).isDisabled());
    await page.getByText("not connected: nothing is live").waitFor();
    assert.deepEqual(faults, []);
  });

  it("shows what is missing in the colour of gaps, and tells why", async () => {
    const sound = pcmSound(tone(toneHz, 0.5), (seq) => seq >= 200 && seq < 250);
    await sendSound(server.url, "lossy", sound, 500);
    await using session = await PageSession.open(browser, `${origin}/device/lossy`, { colorScheme: "dark" });
    const { page, faults } = session;
    await page.locator(".facts", { hasText: "1 gap, 1 s" }).waitFor();
    /** Where it is tinted from top to bottom, CSS px. */
    const tinted = async () => {
      for (;;) {
        const places = await page.evaluate(() => {
          const canvas = document.querySelector<HTMLCanvasElement>(".live-picture");
          const data = canvas?.getContext("2d")?.getImageData(0, 20, canvas.width, 1).data ?? [];
          return Array.from({ length: data.length / 4 }, (_, left) => left).filter((left) => {
            const [red = 0, green = 0, blue = 0, alpha = 0] = data.slice(left * 4, left * 4 + 4);
            return alpha > 0 && alpha < 255 && red > green && green > blue;
          });
        });
        if (places.length > 0) return places;
        await page.waitForTimeout(100);
      }
    };
    const places = await tinted();
    // A second of 20 columns, 2 px each.
    assert.ok(Math.abs(places.length - 40) <= 4, `${places.length} px`);
    const box = await page.locator(".live-picture").boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + (places[20] ?? 0), box.y + 100);
    await page.locator(".hover-note", { hasText: "gap of 1 s: not received" }).waitFor();
    await page.mouse.move(box.x + (places[0] ?? 0) - 30, box.y + 100);
    await page.locator(".hover-note", { hasText: "gap" }).waitFor({ state: "detached" });
    assert.deepEqual(faults, []);
  });

  it("keeps the line of a peak at full scale within the meter", async () => {
    await using _device = await SoundDevice.open(server.url, "loud", pcmSound(tone(toneHz, 1)));
    await using session = await PageSession.open(browser, `${origin}/device/loud`);
    const { page, faults } = session;
    await page.locator(".level-meter.is-hot").waitFor();
    const line = await page.evaluate(() => {
      const track = document.querySelector(".level-track")?.getBoundingClientRect();
      const hold = document.querySelector(".level-hold")?.getBoundingClientRect();
      return { topPx: track?.top ?? 0, bottomPx: hold?.bottom ?? 0 };
    });
    assert.ok(
      line.bottomPx >= line.topPx + 1.9,
      `the line ends at ${line.bottomPx}, the meter begins at ${line.topPx}`,
    );
    assert.deepEqual(faults, []);
  });

  it("asks which of several streams is meant", async () => {
    await using session = await PageSession.open(browser, `${origin}/device/several`);
    const { page, faults } = session;
    await page.locator(".facts", { hasText: "48 kHz, stereo" }).waitFor();
    await page.getByLabel("Stream").selectOption("3");
    await page.locator(".facts", { hasText: "16 kHz, mono" }).waitFor();
    await page.locator(".level-meter").nth(1).waitFor({ state: "detached" });
    await page.goto(`${origin}/device/several/archive`);
    await page.getByLabel("Stream").selectOption("3");
    const spectrogram = await page.waitForResponse((response) => response.url().includes("/spectrogram"));
    assert.equal(new URL(spectrogram.url()).searchParams.get("stream"), "3");
    assert.equal(spectrogram.headers()["eet-sample-rate"], "16000");
    const link = () => page.getByRole("link", { name: "WAV" });
    await page.getByRole("button", { name: "Select what is in view" }).click();
    assert.match((await link().getAttribute("href")) ?? "", /stream=3/);
    assert.deepEqual(faults, []);
  });

  it("plays a stream on when others come and go, and nothing of it over another one", async () => {
    await using session = await PageSession.open(browser, "about:blank");
    const { page } = session;
    await page.addInitScript(holdSound);
    await page.goto(`${origin}/device/several`);
    await page.getByLabel("Stream").selectOption("3");
    await page.locator(".facts", { hasText: "16 kHz, mono" }).waitFor();
    await page.getByRole("button", { name: "Listen" }).click();
    await waitForPieces(page, 3);
    await page.locator(".listen-note", { hasText: "the browser holds the sound back" }).waitFor();
    await using _third = await SoundDevice.open(server.url, "several", pcmSound(tone(toneHz, 0.5)), 9);
    await page.locator("option[value='9']").waitFor({ state: "attached" });
    /** Time passes until a little waits to be played; more comes. */
    const goOn = async () => {
      const { pieces } = await page.evaluate(readHeldSound);
      await page.evaluate(
        (clockS) => {
          (globalThis as unknown as { heldSound: HeldSound }).heldSound.clockS = clockS;
        },
        (pieces.at(-1)?.endS ?? 0) - 0.6,
      );
      return await waitForPieces(page, pieces.length + 1);
    };
    const before = await goOn();
    assert.deepEqual(findDoubles(before), []);
    assert.deepEqual(
      before.filter(({ isStopped }) => isStopped),
      [],
    );
    await page.getByLabel("Stream").selectOption("9");
    while (!(await page.evaluate(readHeldSound)).pieces.some(({ isStopped }) => isStopped))
      await page.waitForTimeout(50);
    const after = await goOn();
    assert.deepEqual(findDoubles(after), []);
    assert.ok(after.every(({ sampleRateHz }) => sampleRateHz === 16_000));
    await page.evaluate(() => {
      (globalThis as unknown as { heldSound: HeldSound }).heldSound.isAllowed = true;
    });
    await page.getByRole("button", { name: "Let it play" }).click();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Listen" }).waitFor();
  });

  it("tells of ADPCM that it cannot decode what it needs", async () => {
    const mono = adpcmSound(tone(toneHz, 0.5));
    const sound = { ...mono, format: { ...mono.format, channels: 2, frameSampleCount: 160 } };
    await using _device = await SoundDevice.open(server.url, "raw", sound);
    await using session = await PageSession.open(browser, `${origin}/device/raw`);
    const { page, faults } = session;
    await page.getByText("Several ADPCM channels: set their layout to see and hear it").waitFor();
    assert.ok(await page.getByRole("button", { name: "Listen" }).isDisabled());
    await page.getByText("what it sends cannot be decoded yet").waitFor();
    assert.deepEqual(faults, []);
  });

  it("asks again for what was recorded long ago where that failed", async () => {
    const sound = pcmSound(tone(toneHz, 0.5));
    await sendSound(server.url, "old", sound, 500, Date.now() - 2 * 3_600_000);
    await using session = await PageSession.open(browser, "about:blank", { colorScheme: "dark" });
    const { page } = session;
    let refusals = 2;
    await page.route("**/spectrogram?*", (route) => {
      refusals -= 1;
      return refusals >= 0 ? route.fulfill({ status: 503 }) : route.continue();
    });
    await page.goto(`${origin}/device/old`);
    for (;;) {
      const [run] = (await readPicture(page)).runs;
      if (run !== undefined && run.to - run.from > 300) break;
      await page.waitForTimeout(100);
    }
  });

  it("reads the fleet when somebody looks, and follows no events while nobody does", async () => {
    await using session = await PageSession.open(browser, origin);
    const { page, faults } = session;
    await page.locator(".device-item").first().waitFor();
    const setHidden = (isHidden: boolean) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, isHidden);
    await setHidden(true);
    // Of what was asked before, nothing is told behind this.
    await page.evaluate(() => fetch("/healthz").then((answer) => answer.text()));
    const asked: string[] = [];
    page.on("request", (request) => {
      if (/\/(?:devices|events)\b/.test(request.url())) asked.push(request.url());
    });
    await using _device = await SoundDevice.open(server.url, "later", pcmSound(tone(toneHz, 0.5)));
    while ((await fetch(`${origin}/api/v1/devices/later`)).status !== 200) await page.waitForTimeout(50);
    await page.waitForTimeout(1_000);
    assert.equal(asked.length, 0, asked.join());
    await setHidden(false);
    await page.locator('a[href="/device/later"].device-item').waitFor();
    assert.ok(asked.some((url) => url.includes("/events/stream")));
    assert.deepEqual(faults, []);
  });

  it("says that nothing can be followed live where too many look, while the rest goes on", async () => {
    const folder = stack.use(await makeTemporaryFolder());
    const full = stack.use(await OpenServer.open(folder.path, { "max-viewers": "1" }));
    stack.use(await SoundDevice.open(full.url, "mic", pcmSound(tone(toneHz, 0.5))));
    const fullOrigin = `http://127.0.0.1:${full.port}`;
    await using first = await PageSession.open(browser, fullOrigin);
    await first.page.locator(".device-item", { hasText: "live" }).waitFor();
    await using second = await PageSession.open(browser, fullOrigin);
    await second.page.locator(".connection-note", { hasText: "Live levels cannot be had now" }).waitFor();
    await second.page.locator(".device-item").waitFor();
    await first.page.close();
    await second.page.locator(".connection-dot").waitFor({ state: "detached" });
  });

  it("tells in the fleet what is received of a device whose first segment is not closed", async () => {
    await using session = await PageSession.open(browser, patientOrigin);
    const { page, faults } = session;
    await page.locator('a[href="/device/fresh"]', { hasText: "PCM 48 kHz stereo" }).waitFor();
    assert.deepEqual(faults, []);
  });

  it("tells what the keyboard can do, and can leave letters alone", async () => {
    await using session = await PageSession.open(browser, `${patientOrigin}/device/tone`);
    const { page, faults } = session;
    await page.locator(".facts").waitFor();
    // Before something is heard there is nothing to look back from.
    await page.waitForFunction(() => document.querySelector(".level-text")?.textContent === "−6.0");
    await page.keyboard.press("?");
    const dialog = page.getByRole("dialog", { name: "Keyboard" });
    await dialog.waitFor();
    assert.deepEqual(await session.findBarriers(), []);
    await page.keyboard.press("a");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    assert.equal(new URL(page.url()).pathname, "/device/tone", "keys belong to the dialog");
    await page.getByRole("button", { name: "Keyboard" }).click();
    await dialog.getByRole("checkbox").uncheck();
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.keyboard.press("a");
    await page.keyboard.press("ArrowLeft");
    await page.getByRole("button", { name: "Back to live" }).waitFor();
    assert.equal(new URL(page.url()).pathname, "/device/tone", "letters do nothing");
    assert.deepEqual(faults, []);
  });

  it("goes on when the server is back", async () => {
    const folder = stack.use(await makeTemporaryFolder());
    const sound = pcmSound(tone(toneHz, 0.5));
    const first = await OpenServer.open(folder.path, { "rotate-s": "1" });
    const device = await SoundDevice.open(first.url, "mic", sound);
    await using session = await PageSession.open(browser, `http://127.0.0.1:${first.port}/device/mic`);
    const { page } = session;
    await page.locator(".state-badge.is-live").waitFor();
    await page.getByRole("button", { name: "Listen" }).click();
    await page.getByRole("button", { name: "Stop" }).waitFor();
    const port = String(first.port);
    await device[Symbol.asyncDispose]();
    await first.close();
    await page.locator(".connection-note", { hasText: "The server cannot be reached" }).waitFor();
    await page.locator(".facts").waitFor();
    const second = stack.use(await OpenServer.open(folder.path, { "rotate-s": "1", port }));
    stack.use(await SoundDevice.open(second.url, "mic", sound));
    await page.locator(".connection-dot").waitFor({ state: "detached" });
    await page.locator(".state-badge.is-live").waitFor();
    await page.waitForFunction(() => document.querySelector(".level-text")?.textContent === "−6.0");
    await page.locator(".listen-note", { hasText: /^$/ }).waitFor({ state: "attached" });
    await page.reload();
    await page.locator(".state-badge.is-live").waitFor();
  });
});
