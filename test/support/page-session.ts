import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** Run in a page: resolves when nothing is on its way from one style to another, as it is seen from one frame to the next. */
const untilTransitionsEnd = `(async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  for (;;) {
    await frame();
    await frame();
    const moving = document.getAnimations().filter((one) => one instanceof CSSTransition);
    if (moving.length === 0) return;
    await Promise.allSettled(moving.map(({ finished }) => finished));
  }
})()`;

/** A page of a browser that notes what goes wrong in it. Disposing of it closes it. */
export class PageSession implements AsyncDisposable {
  readonly page: Page;
  /** Errors of its scripts, and requests to anywhere else. */
  readonly faults: string[];

  private constructor(page: Page, faults: string[]) {
    this.page = page;
    this.faults = faults;
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<PageSession> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    const faults: string[] = [];
    const { host } = new URL(url);
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => {
      if (message.type() !== "error" || message.text().includes("ERR_CONNECTION")) return;
      // A resource that could not be loaded is named by its place alone.
      faults.push(`${message.text()} (${message.location().url})`);
    });
    page.on("request", (request) => {
      const { protocol, host: asked } = new URL(request.url());
      if (protocol !== "blob:" && protocol !== "data:" && asked !== host) faults.push(`asked ${request.url()}`);
    });
    await page.goto(url);
    return new PageSession(page, faults);
  }

  /** What axe finds by WCAG 2.2 A and AA, as lines. */
  async findBarriers(): Promise<readonly string[]> {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    // A colour on its way to that of another theme has the contrast of neither: what changes from here on does so at once.
    await this.page.emulateMedia({ reducedMotion: "reduce" });
    await this.page.evaluate(untilTransitionsEnd);
    const { violations } = await new AxeBuilder({ page: this.page }).withTags(tags).analyze();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}
