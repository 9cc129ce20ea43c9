import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** The one without windows first: it shows pages alike and takes a third less of the processor. */
const places = [
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Where a Chromium is: `CHROMIUM_PATH`, or where packages put it. */
export function findChromium(): string | undefined {
  return [process.env["CHROMIUM_PATH"] ?? "", ...places].find((path) => path !== "" && existsSync(path));
}

/** Why tests with a browser are skipped; `false` when there is one. */
export const noBrowser: string | false =
  findChromium() === undefined && "no Chromium found: apt-get install chromium-headless-shell, or set CHROMIUM_PATH";

/** Opens a browser that plays sound without a click. */
export function openBrowser(...flags: readonly string[]): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("no Chromium found");
  // Its sandbox does not work for root.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const quiet = ["--disable-background-networking", "--autoplay-policy=no-user-gesture-required", "--mute-audio"];
  return chromium.launch({ executablePath, args: [...sandbox, ...quiet, ...flags] });
}
