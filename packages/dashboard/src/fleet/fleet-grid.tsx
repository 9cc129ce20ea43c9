import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { wantSessions } from "../api/fleet-store.ts";
import { useHotkeys } from "../shell/hotkeys.ts";
import { cameFrom } from "../shell/navigation.ts";
import { DeviceItem } from "./device-item.tsx";
import { layout, levels } from "./fleet-model.ts";
import { type FleetEntry, pathHwid } from "./fleet-order.ts";
import { countColumns, type GridWindow, gridWindow, isJump, stackRows, stepWindow } from "./grid-window.ts";

/** Sizes that fleet.css has too, CSS px. */
const sizes = {
  tiles: { minWidthPx: 252, heightPx: 152, awayHeightPx: 76, distancePx: 12 },
  rows: { minWidthPx: 100_000, heightPx: 44, awayHeightPx: 44, distancePx: 0 },
} as const;
/** On phones a row has more lines. */
const narrowPx = 700;
const narrowRows = { ...sizes.rows, heightPx: 76, awayHeightPx: 52 };

/** Rows kept ready above and below. */
const spareRowCount = 2;

/** Devices that are rendered in one frame: more of them would hold it up. */
const maxNewCount = 20;

/** Width of the list and what of it is on screen. */
const widthPx = signal(0);

/** The devices, of which only those on screen stand in the document. */
export function FleetGrid({ entries }: { readonly entries: readonly FleetEntry[] }) {
  const list = useRef<HTMLUListElement>(null);
  const size = layout.value === "rows" && widthPx.value < narrowPx ? narrowRows : sizes[layout.value];
  const columnCount = countColumns(widthPx.value, size.minWidthPx, size.distancePx);
  const rowTopsPx = useRowTops(entries, columnCount, size);
  const { from, to } = useWindow(list, { itemCount: entries.length, columnCount, rowTopsPx });
  const visible = entries.slice(from, to);
  const hwids = visible.filter(({ state }) => state !== "offline").map(({ device }) => pathHwid(device));
  const names = visible.map(({ device }) => pathHwid(device)).join();
  useEffect(() => {
    levels.show(hwids);
    wantSessions(visible.map(({ device }) => pathHwid(device)));
  }, [names, hwids.join()]);
  useEffect(() => () => levels.close(), []);
  useItemKeys(list, columnCount);
  useReturn(list, { place: findReturn(entries), columnCount, rowTopsPx, names });
  const itemWidth = `calc((100% - ${(columnCount - 1) * size.distancePx}px) / ${columnCount})`;
  return (
    <ul
      ref={list}
      class={`fleet-grid is-${layout.value}`}
      style={{ height: `${Math.max(0, (rowTopsPx.at(-1) ?? 0) - size.distancePx)}px` }}
    >
      {visible.map((entry, place) => {
        const index = from + place;
        const column = index % columnCount;
        const row = Math.floor(index / columnCount);
        const topPx = rowTopsPx[row] ?? 0;
        const heightPx = (rowTopsPx[row + 1] ?? topPx) - topPx - size.distancePx;
        return (
          <li
            key={pathHwid(entry.device)}
            class={heightPx < size.heightPx ? "is-short" : ""}
            data-index={index}
            aria-setsize={entries.length}
            aria-posinset={index + 1}
            style={{
              width: itemWidth,
              height: `${heightPx}px`,
              top: `${topPx}px`,
              left: `calc((100% + ${size.distancePx}px) / ${columnCount} * ${column})`,
            }}
          >
            <DeviceItem entry={entry} />
          </li>
        );
      })}
    </ul>
  );
}

interface ItemHeights {
  readonly heightPx: number;
  /** Of a device that is away, which has less to show. */
  readonly awayHeightPx: number;
  readonly distancePx: number;
}

/** Where rows begin; the same array as long as none moves. */
function useRowTops(entries: readonly FleetEntry[], columnCount: number, heights: ItemHeights): readonly number[] {
  const { heightPx, distancePx } = heights;
  // Beside others nothing is gained but more to render while it scrolls.
  const awayHeightPx = columnCount === 1 ? heights.awayHeightPx : heightPx;
  const away = entries.map(({ state }) => (state === "offline" ? "1" : "0")).join("");
  return useMemo(() => {
    const heightsPx = [...away].map((isAway) => (isAway === "1" ? awayHeightPx : heightPx));
    return stackRows(heightsPx, columnCount, distancePx);
  }, [away, columnCount, heightPx, awayHeightPx, distancePx]);
}

interface GridShape {
  readonly itemCount: number;
  readonly columnCount: number;
  readonly rowTopsPx: readonly number[];
}

/** Follows scrolling: renders again only when other items come on screen. */
function useWindow(list: { readonly current: HTMLElement | null }, shape: GridShape): GridWindow {
  const [window, setWindow] = useState<GridWindow>({ from: 0, to: 0 });
  const { itemCount, columnCount, rowTopsPx } = shape;
  const shown = useRef(window);
  useEffect(() => {
    let frame = 0;
    const measure = () => {
      const element = list.current;
      if (element === null) return;
      const { top, width } = element.getBoundingClientRect();
      widthPx.value = width;
      const place = { itemCount, columnCount, rowTopsPx, scrolledPx: -top, windowPx: innerHeight };
      const seen = gridWindow({ ...place, spareRowCount: 0 });
      const whole = gridWindow({ ...place, spareRowCount });
      // What is seen comes first; the rest in the next frames.
      const target = seen.to > seen.from && isJump(shown.current, seen) ? seen : whole;
      const next = stepWindow(shown.current, target, maxNewCount);
      cancelAnimationFrame(frame);
      if (next.from !== whole.from || next.to !== whole.to) frame = requestAnimationFrame(measure);
      if (shown.current.from === next.from && shown.current.to === next.to) return;
      shown.current = next;
      setWindow(next);
    };
    measure();
    addEventListener("scroll", measure, { passive: true });
    const observer = new ResizeObserver(measure);
    if (list.current !== null) observer.observe(list.current);
    addEventListener("resize", measure);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", measure);
      removeEventListener("resize", measure);
      observer.disconnect();
    };
  }, [list, itemCount, columnCount, rowTopsPx]);
  return window;
}

/** Arrows go from device to device. */
function useItemKeys(list: { readonly current: HTMLElement | null }, columnCount: number): void {
  const move = (step: number) => {
    const at = document.activeElement?.closest<HTMLElement>(".fleet-grid > li")?.dataset["index"];
    const first = list.current?.querySelector<HTMLElement>("li")?.dataset["index"];
    const index = at === undefined ? Number(first ?? 0) : Number(at) + step;
    const target = list.current?.querySelector<HTMLAnchorElement>(`li[data-index="${index}"] > a`);
    target?.focus({ preventScroll: true });
    target?.scrollIntoView({ block: "nearest" });
  };
  useHotkeys({
    ArrowRight: () => move(1),
    ArrowLeft: () => move(-1),
    ArrowDown: () => move(columnCount),
    ArrowUp: () => move(-columnCount),
    j: () => move(columnCount),
    k: () => move(-columnCount),
  });
}

/** Where the device stands that one comes back from; -1: nowhere, or one comes from somewhere else. */
function findReturn(entries: readonly FleetEntry[]): number {
  const hwid = cameFrom.value;
  return hwid === undefined ? -1 : entries.findIndex(({ device }) => pathHwid(device) === hwid);
}

/** Who comes back from a device stands at it again, as soon as it is in the document. */
function useReturn(
  list: { readonly current: HTMLElement | null },
  shape: Pick<GridShape, "columnCount" | "rowTopsPx"> & { readonly place: number; readonly names: string },
): void {
  const { place, columnCount, rowTopsPx, names } = shape;
  useEffect(() => {
    // Before it is measured no place is known.
    if (list.current === null || widthPx.peek() === 0) return;
    // Who has gone on meanwhile is left alone.
    if (place < 0 || document.activeElement?.matches("body, main") !== true) {
      cameFrom.value = undefined;
      return;
    }
    const item = list.current.querySelector<HTMLAnchorElement>(`li[data-index="${place}"] > a`);
    if (item === null) {
      const topPx = list.current.getBoundingClientRect().top + (rowTopsPx[Math.floor(place / columnCount)] ?? 0);
      if (topPx < 0 || topPx > innerHeight) scrollBy(0, topPx - innerHeight / 2);
      return;
    }
    cameFrom.value = undefined;
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  }, [list, place, columnCount, rowTopsPx, names]);
}
