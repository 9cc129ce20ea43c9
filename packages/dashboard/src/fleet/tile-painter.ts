import { onThemeChange } from "../shell/theme.ts";
import type { LevelHistory } from "./level-history.ts";
import { TileDrawing } from "./tile-drawing.ts";

/** Levels come ten times a second: twice as often a falling meter looks smooth. */
const frameMs = 50;
/** While the page scrolls, the processor is for that. */
const scrollingFrameMs = 150;

/** Draws the levels of all tiles in one loop, past the components. */
export class TilePainter {
  readonly #historyOf: (hwid: string) => LevelHistory | undefined;
  readonly #tiles = new Map<Element, { readonly hwid: string; readonly drawing: TileDrawing }>();
  /** Sizes are told, never asked for: asking between two drawings would lay the page out for each tile. */
  readonly #sizes = new ResizeObserver((changes) => {
    for (const { target, contentRect } of changes) {
      this.#tiles.get(target)?.drawing.fit(contentRect.width, contentRect.height);
    }
    this.#paintAll();
  });
  #request = 0;
  #paintedAt = 0;
  #scrolledAt = 0;

  constructor(historyOf: (hwid: string) => LevelHistory | undefined) {
    this.#historyOf = historyOf;
    onThemeChange(() => {
      for (const { drawing } of this.#tiles.values()) drawing.recolour();
    });
    const noteScroll = () => {
      this.#scrolledAt = performance.now();
    };
    addEventListener("scroll", noteScroll, { passive: true });
  }

  /** Draws a device's levels until the function that it gives is called. */
  add(hwid: string, canvas: HTMLCanvasElement): () => void {
    this.#tiles.set(canvas, { hwid, drawing: new TileDrawing(canvas) });
    this.#sizes.observe(canvas);
    if (this.#request === 0) this.#request = requestAnimationFrame(this.#paint);
    return () => {
      this.#sizes.unobserve(canvas);
      this.#tiles.delete(canvas);
      if (this.#tiles.size > 0) return;
      cancelAnimationFrame(this.#request);
      this.#request = 0;
    };
  }

  readonly #paint = (timeMs: number): void => {
    this.#request = requestAnimationFrame(this.#paint);
    const isScrolling = timeMs - this.#scrolledAt < scrollingFrameMs;
    // Half a frame less: two frames of 60 a second are a little less than what they are taken for.
    if (timeMs - this.#paintedAt < (isScrolling ? scrollingFrameMs : frameMs) - 8) return;
    this.#paintedAt = timeMs;
    this.#paintAll();
  };

  #paintAll(): void {
    const nowMs = Date.now();
    for (const { hwid, drawing } of this.#tiles.values()) drawing.paint(this.#historyOf(hwid), nowMs);
  }
}
