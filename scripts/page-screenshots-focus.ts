// What the tab key reaches in a view, and how it looks then: see page-screenshots.ts.
import type { Page } from "playwright-core";

/** More of a list of the same is not looked at. */
const maxCount = 30;
/** Around what is focused, CSS px. */
const marginPx = 14;
const maxSide = { width: 460, height: 170 };

interface Focused {
  readonly name: string;
  readonly ring: string;
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  readonly isFirst: boolean;
}

/** One picture with everything that can be focused, each with its ring. Says what has none. */
export async function takeFocusSheet(page: Page, path: string): Promise<void> {
  await page.waitForTimeout(2_000);
  const cells: string[] = [];
  for (let count = 0; count < maxCount; count += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(describeFocused, path);
    // The first key may leave the end of the page, from where the next one comes back to its beginning.
    if (focused === undefined && count === 0) continue;
    if (focused === undefined || !focused.isFirst) break;
    if (focused.ring === "") console.log(`${path}: no ring around ${focused.name}`);
    const picture = await page.screenshot({ clip: await clipAround(page, focused.box) });
    cells.push(`<figure><img src="data:image/png;base64,${picture.toString("base64")}"></figure>`);
  }
  const sheet = await page.context().newPage();
  await sheet.setViewportSize({ width: 1480, height: 400 });
  await sheet.setContent(`<style>body{display:flex;flex-wrap:wrap;gap:8px;margin:8px;background:#808080}figure{margin:0}</style>
    ${cells.join("")}`);
  await sheet.screenshot({ path, fullPage: true });
  await sheet.close();
  await page.bringToFront();
}

async function clipAround(page: Page, box: Focused["box"]): Promise<Focused["box"]> {
  const viewport = page.viewportSize() ?? { width: 1280, height: 900 };
  const x = Math.max(0, box.x - marginPx);
  const y = Math.max(0, box.y - marginPx);
  const width = Math.min(box.width + 2 * marginPx, maxSide.width, viewport.width - x);
  const height = Math.min(box.height + 2 * marginPx, maxSide.height, viewport.height - y);
  return { x, y, width: Math.max(1, width), height: Math.max(1, height) };
}

/** Runs in the page. `undefined`: nothing of it is focused. @param sheet - for which it is looked at */
function describeFocused(sheet: string): Focused | undefined {
  const element = document.activeElement as (HTMLElement & { seenFor?: string }) | null;
  if (element === null || element === document.body) return undefined;
  const isFirst = element.seenFor !== sheet;
  element.seenFor = sheet;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const { x, y, width, height } = element.getBoundingClientRect();
  const isSeen = outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2;
  return {
    name:
      element.getAttribute("aria-label") ??
      (element.textContent?.trim().slice(0, 40) || element.outerHTML.slice(0, 80)),
    ring: isSeen ? outlineWidth : "",
    box: { x, y, width, height },
    isFirst,
  };
}
