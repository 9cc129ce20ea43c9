// Takes pictures of every view of the page, in both themes and three widths, into test-output/screenshots. Real servers
// with simulated devices stand behind it: `node scripts/page-screenshots.ts [--focus] [view ...]`. A view may end in `*`.
// Says what scrolls sideways and what text is cut. With `--focus` one picture of each view and theme shows what the tab
// key reaches, as it looks then.
import { mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions, Page } from "playwright-core";
import { openBrowser } from "../test/support/browser.ts";
import { takeFocusSheet } from "./page-screenshots-focus.ts";
import { PictureServers, publicHost } from "./page-screenshots-servers.ts";
import { type View, views } from "./page-screenshots-views.ts";

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A computer's windows, and a phone, which has fingers in the place of a mouse. */
const screens: readonly { readonly options: BrowserContextOptions; readonly sizes: readonly [Size, ...Size[]] }[] = [
  {
    options: {},
    sizes: [
      { width: 1280, height: 900 },
      { width: 1920, height: 1080 },
    ],
  },
  { options: { hasTouch: true, isMobile: true }, sizes: [{ width: 390, height: 844 }] },
];
const themes = ["dark", "light"] as const;
/** Until the last minute of the devices is worth looking at. */
const warmUpMs = Number(process.env["WARM_UP_MS"] ?? 25_000);
/** What was recorded comes in behind what is live. */
const settleMs = 6_000;
/** Until a page of another width or theme is drawn. */
const drawMs = 1_500;
/** No list is longer on a picture, CSS px. */
const maxHeightPx = 4_000;

const given = process.argv.slice(2);
const hasFocusOnly = given.includes("--focus");
const wanted = given.filter((one) => one !== "--focus");
const isWanted = (name: string) =>
  wanted.length === 0 || wanted.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : name === one));
const chosen = Object.entries(views).filter(([name]) => isWanted(name));
if (chosen.length === 0) throw new Error(`no such view; there are ${Object.keys(views).join(", ")}`);

const output = fileURLToPath(new URL("../test-output/screenshots", import.meta.url));
// What is not made any more must not be looked at.
if (wanted.length === 0 && !hasFocusOnly) await rm(output, { recursive: true, force: true });
await mkdir(output, { recursive: true });
await using servers = new PictureServers();
await using browser = await openBrowser(
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  `--host-resolver-rules=MAP ${publicHost} 127.0.0.1`,
);
if (chosen.some(([, { server = "scene" }]) => server === "scene")) {
  const warm = await browser.newPage();
  await warm.goto(await servers.origin("scene"));
  await warm.waitForTimeout(warmUpMs);
}
for (const [name, view] of chosen) {
  for (const screen of hasFocusOnly ? screens.slice(0, 1) : screens) await attempt(name, view, screen);
  console.log(name);
}

/** A view that cannot be shown does not keep the others from it. */
async function attempt(name: string, view: View, { options, sizes }: (typeof screens)[number]): Promise<void> {
  const page = await openPage(view, { ...options, viewport: sizes[0] });
  page.on("console", (message) => {
    // That a name other than localhost comes by plain http is meant.
    const isKnown = message.text().includes("Cross-Origin-Opener-Policy");
    if (!isKnown && ["error", "warning"].includes(message.type())) console.log(`${name}: ${message.text()}`);
  });
  page.on("pageerror", (error) => console.log(`${name}: ${error.message}`));
  try {
    await page.goto(`${await servers.origin(view.server ?? "scene", view.host)}${view.path}`);
    await view.act?.(page);
    await page.waitForTimeout(settleMs);
    for (const colorScheme of themes) {
      await page.emulateMedia({ colorScheme });
      if (hasFocusOnly) await takeFocusSheet(page, `${output}/focus-${name}-${colorScheme}.png`);
      else for (const size of sizes) await takePicture(page, view, size, `${name}-${colorScheme}-${size.width}`);
    }
  } catch (error) {
    console.log(`${name}: ${String(error)}`);
    process.exitCode = 1;
  }
  await page.context().close();
}

async function openPage(view: View, options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext(options);
  if (view.role !== undefined) {
    const url = await servers.origin("tokens");
    await context.addCookies([{ url, name: "eet_session", value: await servers.logIn(view.role) }]);
  }
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  if (view.setUp !== undefined) await page.addInitScript(view.setUp);
  await view.prepare?.(page);
  return page;
}

/** One page of a screen is made wide and narrow, dark and light, as a person may do it: it is loaded once. */
async function takePicture(page: Page, view: View, size: Size, file: string): Promise<void> {
  await page.setViewportSize(size);
  await page.waitForTimeout(drawMs);
  for (const remark of await page.evaluate(findCuts)) console.log(`${file}: ${remark}`);
  const wholePx = Math.min(maxHeightPx, await page.evaluate(() => document.documentElement.scrollHeight));
  if (view.isCut !== true && wholePx > size.height) {
    // What is as high as a part of the window stays so.
    await page.evaluate(holdHeights);
    await page.setViewportSize({ width: size.width, height: wholePx });
    await page.waitForTimeout(drawMs / 2);
  }
  await page.locator(".archive-surface[aria-busy=true]").waitFor({ state: "detached" });
  await view.prime?.(page);
  await page.screenshot({ path: `${output}/${file}.png` });
  await page.evaluate(freeHeights);
}

/** Runs in the page. */
function holdHeights(): void {
  for (const element of document.querySelectorAll<HTMLElement>(".live-stage, .archive-surface, .message-view")) {
    element.style.height = `${element.offsetHeight}px`;
  }
}

/** Runs in the page. */
function freeHeights(): void {
  for (const element of document.querySelectorAll<HTMLElement>("[style*=height]")) {
    if (element.matches(".live-stage, .archive-surface, .message-view")) element.style.height = "";
  }
}

/** Runs in the page. */
function findCuts(): readonly string[] {
  const sideways = document.documentElement.scrollWidth - innerWidth;
  const cut = [...document.querySelectorAll<HTMLElement>("body *")].filter(
    (element) =>
      element.scrollWidth > element.clientWidth + 1 &&
      element.clientWidth > 1 &&
      // What tells the whole of it otherwise.
      element.closest(".visually-hidden, [title], [aria-busy=true]") === null &&
      getComputedStyle(element).overflowX === "hidden",
  );
  return [
    ...(sideways > 0 ? [`scrolls sideways by ${sideways} px`] : []),
    ...cut.map((element) => `cuts "${element.textContent?.slice(0, 60)}"`),
  ];
}
