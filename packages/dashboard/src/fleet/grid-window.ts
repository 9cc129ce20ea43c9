/** Sizes of a list that shows only what is on screen, CSS px. */
export interface GridMeasure {
  readonly itemCount: number;
  readonly columnCount: number;
  /** As {@link stackRows} gives them. */
  readonly rowTopsPx: readonly number[];
  /** How far the list's start lies above the upper edge of the window. */
  readonly scrolledPx: number;
  readonly windowPx: number;
  /** Rows kept ready above and below. */
  readonly spareRowCount: number;
}

/** Items to be shown: `[from, to)`. */
export interface GridWindow {
  readonly from: number;
  readonly to: number;
}

/** Columns that fit. */
export function countColumns(widthPx: number, minItemPx: number, distancePx: number): number {
  return Math.max(1, Math.floor((widthPx + distancePx) / (minItemPx + distancePx)));
}

/**
 * Where each row begins, and at last where another one would. A row is as high as the highest of its items.
 *
 * @param heightsPx - of all items
 */
export function stackRows(
  heightsPx: readonly number[],
  columnCount: number,
  distancePx: number,
): readonly [number, ...number[]] {
  const topsPx: [number, ...number[]] = [0];
  let topPx = 0;
  for (let first = 0; first < heightsPx.length; first += columnCount) {
    topPx += Math.max(...heightsPx.slice(first, first + columnCount)) + distancePx;
    topsPx.push(topPx);
  }
  return topsPx;
}

/** Tells what of a long list is on screen. */
export function gridWindow(measure: GridMeasure): GridWindow {
  const { itemCount, columnCount, rowTopsPx, scrolledPx, windowPx, spareRowCount } = measure;
  const firstRow = countTops(rowTopsPx, (topPx) => topPx <= scrolledPx) - 1 - spareRowCount;
  const lastRow = countTops(rowTopsPx, (topPx) => topPx < scrolledPx + windowPx) + spareRowCount;
  const from = Math.min(Math.max(0, firstRow * columnCount), itemCount);
  return { from, to: Math.min(itemCount, Math.max(from, lastRow * columnCount)) };
}

/** How many of the rows, which go down, are as `isAbove` says. */
function countTops(topsPx: readonly number[], isAbove: (topPx: number) => boolean): number {
  let [low, high] = [0, topsPx.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isAbove(topsPx[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether nothing of what was shown is to be shown any more. */
export function isJump(before: GridWindow, next: GridWindow): boolean {
  return next.from >= before.to || next.to <= before.from;
}

/**
 * Goes from one window towards another with a few new items at a time.
 * @param maxNewCount - so many new items at most, 1 or more
 */
export function stepWindow(before: GridWindow, next: GridWindow, maxNewCount: number): GridWindow {
  if (isJump(before, next)) return { from: next.from, to: Math.min(next.to, next.from + maxNewCount) };
  const to = Math.min(next.to, Math.max(next.from, before.to) + maxNewCount);
  const leftCount = maxNewCount - Math.max(0, to - before.to);
  return { from: Math.max(next.from, Math.min(before.from, next.to) - leftCount), to };
}
