import { flagBits } from "../api/live-frames.ts";
import { type Gap, spanOf } from "../archive/gap-names.ts";
import type { PictureGrid } from "./picture-grid.ts";
import { type ColumnSpan, type PictureTile, tileColumnCount } from "./picture-tile.ts";

/** Columns beside a hole in which the server says that frames are missing: a level stands for two of them. */
const nearCount = 3;

/** What is missing at a moment. */
export interface MissingSound {
  readonly lengthMs: number;
  /** `undefined`: it came live, and no archive has it yet. */
  readonly cause: Gap["cause"] | undefined;
}

/** What of a tile is looked at. */
export interface TilePlace {
  readonly tile: PictureTile;
  readonly grid: PictureGrid;
  /** Behind the newest column of all that came live. */
  readonly endColumn: number;
}

interface Missing extends MissingSound, ColumnSpan {}

/** What is missing in a tile: as the archive tells, and where nothing came live as it should have. */
export function findMissing({ tile, grid, endColumn }: TilePlace): readonly Missing[] {
  const told = tile.gaps.map((gap) => {
    const { fromMs, toMs } = spanOf(gap);
    return { from: grid.columnAt(fromMs), to: grid.columnAt(toMs), lengthMs: toMs - fromMs, cause: gap.cause };
  });
  const first = tile.index * tileColumnCount;
  const live = findHoles(tile, endColumn - first)
    .map(({ from, to }) => ({ from: first + from, to: first + to }))
    .filter(({ from, to }) => told.every((one) => one.to < from || one.from > to))
    .map((hole) => ({ ...hole, lengthMs: (hole.to - hole.from) * grid.columnMs, cause: undefined }));
  return [...told, ...live];
}

/**
 * Holes between columns that came live, of which the server says that frames are missing there, and that it could not fill
 * when it was asked. Of one that goes to the edge of the tile the archive has to tell.
 *
 * @param endColumn - of the tile; from there on nothing has come yet
 */
export function findHoles(tile: PictureTile, endColumn: number): readonly ColumnSpan[] {
  const holes: ColumnSpan[] = [];
  const end = Math.min(tileColumnCount, endColumn);
  for (let from = 1; from < end; from += 1) {
    if (tile.isKnown(from) || !tile.isKnown(from - 1)) continue;
    let to = from + 1;
    while (to < end && !tile.isKnown(to)) to += 1;
    // What only has not come yet, of a server that has much to do, is no gap.
    if (to < end && tile.wasAsked({ from, to }) && isTold(tile, from, to)) holes.push({ from, to });
    from = to;
  }
  return holes;
}

/** Of what the server left out itself it says so too: that was received. */
function isTold(tile: PictureTile, from: number, to: number): boolean {
  let flags = 0;
  for (let column = Math.max(0, from - nearCount); column < to + nearCount; column += 1) {
    flags |= tile.marks[column] ?? 0;
  }
  return (flags & flagBits.gap) !== 0 && (flags & flagBits.skipped) === 0;
}

/** What is missing in a tile at a moment, or beside it by half a column. */
export function missingAt(place: TilePlace, timeMs: number): MissingSound | undefined {
  const column = place.grid.columnAt(timeMs);
  return findMissing(place).find(({ from, to }) => column >= from - 0.5 && column < to + 0.5);
}
