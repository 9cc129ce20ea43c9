import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { parseWav } from "@eet/audio";
import type { Browser } from "playwright-core";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { openHearingBrowser, readSeconds, untilSeconds } from "./support/microphone-page.ts";
import { OpenServer } from "./support/open-server.ts";
import { PageSession } from "./support/page-session.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";
import { untilEvent } from "./support/until-event.ts";

const toneHz = 1_100;
const flags = { "rotate-s": "2" };
const safe = "Safe on the server's disk";
const allDelivered = "All of it is on the server's disk";

/** What was recorded of a device, as the API gives it. */
async function readRecording(origin: string, hwid: string) {
  const device = `${origin}/api/v1/devices/${hwid}`;
  const readSessions = async () => (await (await fetch(`${device}/sessions`)).json()).sessions;
  // A server that stops ends the session, too: until the device is back.
  await untilEvent(origin, "session.ended", hwid, async () => (await readSessions())[0].ended !== null);
  const sessions = await readSessions();
  const { start, samples: sampleCount, format } = sessions[0];
  const toMs = Date.parse(start) + (sampleCount * 1000) / format.sample_rate_hz;
  const response = await fetch(`${device}/audio?from=${start}&to=${Math.round(toMs)}`);
  assert.equal(response.status, 200);
  const bytes = Buffer.from(await response.arrayBuffer());
  const { dataOffset, dataBytes, sampleRateHz: rateHz } = parseWav(bytes);
  const data = bytes.subarray(dataOffset, dataOffset + dataBytes);
  const samples = Float64Array.from({ length: data.length / 2 }, (_, index) => data.readInt16LE(index * 2));
  return { samples, rateHz };
}

/** Share of a piece's power that a tone makes up. */
function toneShare(samples: Float64Array, hz: number, rateHz: number): number {
  let [cosine, sine, power] = [0, 0, 0];
  for (const [index, sample] of samples.entries()) {
    cosine += sample * Math.cos((2 * Math.PI * hz * index) / rateHz);
    sine += sample * Math.sin((2 * Math.PI * hz * index) / rateHz);
    power += sample * sample;
  }
  return (2 * (cosine ** 2 + sine ** 2)) / samples.length / power;
}

/** Shares of the tone in each tenth of a second. */
function toneShares({ samples, rateHz }: Awaited<ReturnType<typeof readRecording>>): readonly number[] {
  const length = rateHz / 10;
  const count = Math.floor(samples.length / length);
  return Array.from({ length: count }, (_, at) =>
    toneShare(samples.subarray(at * length, (at + 1) * length), toneHz, rateHz),
  );
}

/** Run before the page: its input can be made to pause, and what it takes for chance is said, little where it is not. */
const pausesAndChance = `
  globalThis.pausedUntilMs = 0;
  globalThis.chances = [];
  Math.random = () => globalThis.chances.shift() ?? 0.02;
  globalThis.AudioWorkletNode = class extends AudioWorkletNode {
    get port() {
      const port = super.port;
      return {
        set onmessage(take) {
          port.onmessage = (event) => {
            if (performance.now() >= globalThis.pausedUntilMs) take(event);
          };
        },
      };
    }
  };`;

async function readDevice(origin: string, hwid: string) {
  const response = await fetch(`${origin}/api/v1/devices/${hwid}`);
  return (await response.json()) as {
    name: string | null;
    totals: { sessions: number; media_s: number; gap_s: number };
  };
}

describe("the microphone of the page", { skip: noBrowser, timeout: 180_000 }, () => {
  const stack = new AsyncDisposableStack();
  let folder: TemporaryFolder;
  let browser: Browser;

  before(async () => {
    folder = stack.use(await makeTemporaryFolder());
    browser = await openHearingBrowser(folder.path, toneHz);
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  for (const [format, rate, rateHz, isExact] of [
    ["PCM", "48 kHz", 48_000, true],
    ["ADPCM", "16 kHz", 16_000, false],
  ] as const) {
    it(`arrives as what it hears, by ${format} at ${rate}, with its name`, async () => {
      await using own = await makeTemporaryFolder();
      await using server = await OpenServer.open(own.path, flags);
      const origin = `http://127.0.0.1:${server.port}`;
      await using session = await PageSession.open(browser, `${origin}/mic`);
      const { page, faults } = session;
      await page.getByLabel("Id of the device").fill("phone");
      await page.getByLabel("Name").fill("Anna's phone");
      await page.getByRole("button", { name: format, exact: true }).click();
      await page.getByRole("button", { name: rate }).click();
      await page.getByRole("button", { name: "Start" }).click();
      await untilSeconds(page, safe, 3);
      await page.getByText("Connected: the server tells").waitFor();
      assert.match(await page.locator(".mic-peak").innerText(), /^−6\.\d dB$/);
      // Leaving would lose what only the page has: it asks first.
      const asked = page.waitForEvent("dialog");
      await page.close({ runBeforeUnload: true });
      const dialog = await asked;
      assert.equal(dialog.type(), "beforeunload");
      await dialog.dismiss();
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByText(allDelivered).waitFor();
      const recordedS = await readSeconds(page, "Recorded");
      assert.equal(await readSeconds(page, safe), recordedS);
      assert.deepEqual(faults, []);
      const recording = await readRecording(origin, "phone");
      assert.equal(recording.rateHz, rateHz);
      assert.ok(Math.abs(recording.samples.length / rateHz - recordedS) < 0.06);
      const shares = toneShares(recording).slice(3);
      const goodCount = shares.filter((share) => share > (isExact ? 0.9999 : 0.99)).length;
      assert.ok(goodCount >= shares.length * 0.9, `${goodCount} of ${shares.length} are the tone: ${shares}`);
      assert.equal((await readDevice(origin, "phone")).name, "Anna's phone");
    });
  }

  it("goes on over a restart of the server and loses nothing, while other views are looked at", async () => {
    await using own = await makeTemporaryFolder();
    const first = await OpenServer.open(own.path, flags);
    const { port } = first;
    const origin = `http://127.0.0.1:${port}`;
    await using session = await PageSession.open(browser, `${origin}/mic`);
    const { page } = session;
    await page.getByLabel("Id of the device").fill("phone");
    await page.getByRole("button", { name: "Start" }).click();
    await untilSeconds(page, safe, 2);
    await page.getByRole("link", { name: "Fleet" }).first().click();
    await page.locator(".recording-dot").waitFor();
    await page.getByRole("link", { name: "Microphone" }).click();
    await first.close();
    await page.getByText("No connection, trying again").waitFor();
    await untilSeconds(page, "Not confirmed yet", 2);
    await page.getByText("Nothing is lost").waitFor();
    await using _second = await OpenServer.open(own.path, { ...flags, port: String(port) });
    await page.getByText("Connected: the server tells").waitFor({ timeout: 40_000 });
    await untilSeconds(page, safe, 6);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText(allDelivered).waitFor();
    const recordedS = await readSeconds(page, "Recorded");
    assert.equal(await readSeconds(page, safe), recordedS);
    const { samples, rateHz } = await readRecording(origin, "phone");
    assert.ok(Math.abs(samples.length / rateHz - recordedS) < 0.06, `${samples.length / rateHz} of ${recordedS} s`);
    const { totals } = await readDevice(origin, "phone");
    assert.deepEqual([totals.sessions, totals.gap_s], [1, 0]);
  });

  it("goes on in a second session behind a pause of the input, and delivers the first one, too", async () => {
    await using own = await makeTemporaryFolder();
    const first = await OpenServer.open(own.path, flags);
    const { port } = first;
    const origin = `http://127.0.0.1:${port}`;
    await using session = await PageSession.open(browser, "about:blank");
    const { page } = session;
    await page.addInitScript(pausesAndChance);
    await page.goto(`${origin}/mic`);
    await page.getByLabel("Id of the device").fill("phone");
    await page.getByRole("button", { name: "Start" }).click();
    await untilSeconds(page, safe, 1);
    await page.evaluate("chances = [0, 0, 0, 0, 0, 0, 0, 0.95]");
    await first.close();
    await page.getByText(/trying again in 2\d s/).waitFor();
    await page.evaluate("pausedUntilMs = performance.now() + 2_600");
    const recordedBeforeS = await readSeconds(page, "Recorded");
    await untilSeconds(page, "Recorded", recordedBeforeS + 1);
    await using _second = await OpenServer.open(own.path, { ...flags, port: String(port) });
    // Before its time: the newer session has a connection soon.
    await page.getByText("Connected: the server tells").waitFor({ timeout: 10_000 });
    await untilSeconds(page, safe, recordedBeforeS + 2);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText(allDelivered).waitFor();
    const recordedS = await readSeconds(page, "Recorded");
    assert.equal(await readSeconds(page, safe), recordedS);
    await readRecording(origin, "phone");
    // What is safe on the disk is catalogued once its segment is finished.
    let { totals } = await readDevice(origin, "phone");
    for (const endMs = performance.now() + 30_000; performance.now() < endMs; ) {
      if (Math.abs(totals.media_s - recordedS) < 0.1) break;
      await page.waitForTimeout(50);
      ({ totals } = await readDevice(origin, "phone"));
    }
    assert.equal(totals.sessions, 2);
    assert.ok(Math.abs(totals.media_s - recordedS) < 0.1, `${totals.media_s} of ${recordedS} s`);
  });

  it("ends well when the input is unplugged", async () => {
    await using own = await makeTemporaryFolder();
    await using server = await OpenServer.open(own.path, flags);
    await using session = await PageSession.open(browser, "about:blank");
    const { page } = session;
    await page.addInitScript(`
      const open = MediaDevices.prototype.getUserMedia;
      MediaDevices.prototype.getUserMedia = async function (wanted) {
        return (globalThis.heard = await open.call(this, wanted));
      };`);
    await page.goto(`http://127.0.0.1:${server.port}/mic`);
    await page.getByRole("button", { name: "Start" }).click();
    await untilSeconds(page, safe, 1);
    // As the browser tells it; taking away its device is not in our hands.
    await page.evaluate(`heard.getAudioTracks()[0].dispatchEvent(new Event("ended"))`);
    await page.getByRole("heading", { name: "The input was unplugged" }).waitFor();
    await page.getByText(allDelivered).waitFor();
    await page.getByRole("button", { name: "Start" }).waitFor();
  });

  for (const theme of ["dark", "light"] as const) {
    it(`has no barriers that axe knows of, in ${theme} colours, wide and narrow`, async () => {
      await using own = await makeTemporaryFolder();
      await using server = await OpenServer.open(own.path, flags);
      await using session = await PageSession.open(browser, `http://127.0.0.1:${server.port}/mic`, {
        colorScheme: theme,
      });
      const { page } = session;
      const look = async () => {
        for (const width of [390, 1280]) {
          await page.setViewportSize({ width, height: 844 });
          assert.deepEqual(await session.findBarriers(), [], `${width} px`);
          const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(sideways <= 0, `scrolls sideways by ${sideways} px at ${width} px`);
        }
      };
      await page.getByRole("button", { name: "Start" }).waitFor();
      await look();
      await page.getByRole("button", { name: "Start" }).click();
      await untilSeconds(page, safe, 1);
      await look();
      await server.close();
      await page.getByText("No connection").waitFor();
      await look();
    });
  }
});

describe("the microphone that cannot be had", { skip: noBrowser, timeout: 60_000 }, () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;
  let server: OpenServer;

  before(async () => {
    const folder = stack.use(await makeTemporaryFolder());
    server = stack.use(await OpenServer.open(folder.path, { host: "0.0.0.0", "insecure-open": "true" }));
    browser = await openBrowser();
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  it("says that the page needs https or localhost, and how to get there", async () => {
    await using session = await PageSession.open(browser, `http://0.0.0.0:${server.port}/mic`);
    const { page } = session;
    await page.getByRole("heading", { name: "The browser keeps the microphone from this page" }).waitFor();
    await page.getByText(`ssh -N -L ${server.port}:localhost:${server.port} you@0.0.0.0`).waitFor();
    assert.equal(await page.getByRole("button", { name: "Start" }).count(), 0);
    assert.deepEqual(await session.findBarriers(), []);
  });

  it("says what to do when permission is denied or there is no input", async () => {
    for (const [name, heading] of [
      ["NotAllowedError", "The browser was told not to give the microphone"],
      ["NotFoundError", "No microphone found"],
      ["NotReadableError", "The input cannot be opened"],
    ] as const) {
      await using session = await PageSession.open(browser, "about:blank");
      const { page } = session;
      await page.addInitScript(
        `MediaDevices.prototype.getUserMedia = async () => { throw new DOMException("", ${JSON.stringify(name)}); };`,
      );
      await page.goto(`http://127.0.0.1:${server.port}/mic`);
      await page.getByRole("button", { name: "Start" }).click();
      await page.getByRole("heading", { name: heading }).waitFor();
      await page.getByText("then start again").waitFor();
      assert.equal(await page.getByRole("button", { name: "Start" }).isEnabled(), true);
    }
  });
});
