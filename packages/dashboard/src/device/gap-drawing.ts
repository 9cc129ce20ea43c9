import { canvasColours } from "../shell/theme.ts";
import { findMissing, type TilePlace } from "./picture-gaps.ts";
import { tileColumnCount } from "./picture-tile.ts";

/** A gap that is shorter is seen all the same, CSS px. */
const leastPx = 2;
/** Strength of the colour: what it means is seen, and beside it the spectrum still is. */
const tint = 0.25;
/** Of the line in the middle of the levels, CSS px. */
const linePx = 4;

/** Where a tile's gaps are drawn, CSS px. */
interface GapLayout {
  /** Of the tile. */
  readonly left: number;
  readonly columnPx: number;
  readonly middle: number;
  readonly bottom: number;
}

/** Draws what is missing in a tile over what is known of it. */
export function drawGaps(context: CanvasRenderingContext2D, place: TilePlace, layout: GapLayout): void {
  const { left, columnPx, middle, bottom } = layout;
  const first = place.tile.index * tileColumnCount;
  context.fillStyle = canvasColours().gap;
  for (const { from, to } of findMissing(place)) {
    // What goes on in the next tile is drawn there.
    const start = left + Math.max(0, from - first) * columnPx;
    const end = left + Math.min(tileColumnCount, to - first) * columnPx;
    if (end <= start) continue;
    const width = Math.max(leastPx, end - start);
    context.globalAlpha = tint;
    context.fillRect(start, 0, width, bottom);
    context.globalAlpha = 1;
    context.fillRect(start, middle - linePx / 2, width, linePx);
  }
}
