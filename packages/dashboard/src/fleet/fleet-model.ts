import { computed, signal } from "@preact/signals";
import { devices } from "../api/fleet-store.ts";
import { nowMs } from "../api/page-live.ts";
import { storedChoice } from "../shell/stored-choice.ts";
import { type DeviceState, stateOf } from "./device-state.ts";
import { FleetLevels } from "./fleet-levels.ts";
import {
  arrangeFleet,
  countStates,
  type FleetEntry,
  fleetOrders,
  listTags,
  orderByTitle,
  pathHwid,
} from "./fleet-order.ts";
import { minuteSources } from "./minute-sources.ts";
import { TilePainter } from "./tile-painter.ts";

/** What a person chose to see; kept while other views are shown. */
export const layout = storedChoice("fleet.layout", ["tiles", "rows"]);
export const order = storedChoice("fleet.order", fleetOrders);
export const search = signal("");
export const stateFilter = signal<DeviceState | "all">("all");
export const tagFilter = signal("");
/** As the server names conditions; empty: any. */
export const conditionFilter = signal("");

/** Takes every filter away. */
export function showAll(): void {
  search.value = "";
  stateFilter.value = "all";
  tagFilter.value = "";
  conditionFilter.value = "";
}

export const levels = new FleetLevels(minuteSources);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) levels.rest();
});
export const painter = new TilePainter((hwid) => levels.historyOf(hwid));

const devicesByTitle = computed(() => orderByTitle(devices.value ?? []));

let entriesBefore: readonly FleetEntry[] = [];

/** Every device with its state, by title; the same array as long as nothing in it has changed. */
export const entries = computed<readonly FleetEntry[]>(() => {
  const now = nowMs.value;
  const known = new Map(entriesBefore.map((entry) => [entry.device, entry]));
  let hasChanged = false;
  const fresh = devicesByTitle.value.map((device) => {
    const state = stateOf(device, levels.historyOf(pathHwid(device)), now);
    const before = known.get(device);
    if (before?.state === state) return before;
    hasChanged = true;
    return { device, state };
  });
  if (!hasChanged && fresh.length === entriesBefore.length) return entriesBefore;
  entriesBefore = fresh;
  return fresh;
});

export const shown = computed(() =>
  arrangeFleet(
    entries.value,
    {
      search: search.value,
      state: stateFilter.value,
      tag: tagFilter.value,
      condition: conditionFilter.value,
    },
    order.value,
  ),
);
export const counts = computed(() => countStates(entries.value));
export const tags = computed(() => listTags(devices.value ?? []));
