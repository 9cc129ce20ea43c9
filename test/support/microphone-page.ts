import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatWavHeader } from "@eet/audio";
import type { Browser, Page } from "playwright-core";
import { openBrowser } from "./browser.ts";
import { makeTone } from "./tone.ts";

const rateHz = 44_100;
/** Whole periods, so that it goes on without a step when it begins again. */
const loopS = 20;

/** Opens a browser whose microphone hears a tone, and which gives it without asking. @param folder - for the sound */
export async function openHearingBrowser(folder: string, toneHz: number): Promise<Browser> {
  const samples = makeTone(toneHz, rateHz, rateHz * loopS, 0.5);
  const data = Buffer.from(samples.buffer);
  const header = formatWavHeader({ sampleRateHz: rateHz, channels: 1, sampleCount: samples.length });
  const path = join(folder, "tone.wav");
  await writeFile(path, Buffer.concat([header, data]));
  const fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
  return openBrowser(...fake, `--use-file-for-fake-audio-capture=${path}`);
}

/** Seconds that the page shows beside a word. */
export async function readSeconds(page: Page, name: string): Promise<number> {
  const text = await page.locator(".mic-amounts > div", { hasText: name }).locator("dd").innerText();
  const parts = text.replace(/\ss$/, "").split(":").map(Number);
  return parts.reduce((sum, part) => sum * 60 + part, 0);
}

/** Waits until the page shows so many seconds or more beside a word. */
export async function untilSeconds(page: Page, name: string, seconds: number): Promise<void> {
  await page.waitForFunction(
    ([name, seconds]) => {
      const { document } = globalThis as unknown as { readonly document: Amounts };
      const found = [...document.querySelectorAll(".mic-amounts > div")].find(({ innerText }) =>
        innerText.includes(name),
      );
      return Number.parseFloat(found?.querySelector("dd").innerText ?? "0") >= seconds;
    },
    [name, seconds] as const,
    { timeout: 40_000 },
  );
}

/** What is asked of the document: Node's types know none. */
interface Amounts {
  querySelectorAll(selector: string): Iterable<{
    readonly innerText: string;
    querySelector(selector: string): { readonly innerText: string };
  }>;
}
