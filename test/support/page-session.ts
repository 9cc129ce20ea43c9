import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** Run in a page: resolves when nothing is on its way from one style to another. */
const untilTransitionsEnd = `Promise.allSettled(
  document.getAnimations().filter((one) => one instanceof CSSTransition).map(({ finished }) => finished),
).then(() => undefined)`;

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
      if (message.type() === "error" && !message.text().includes("ERR_CONNECTION")) faults.push(message.text());
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
    // A colour on its way to that of another theme has the contrast of neither.
    await this.page.evaluate(untilTransitionsEnd);
    const { violations } = await new AxeBuilder({ page: this.page }).withTags(tags).analyze();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}
