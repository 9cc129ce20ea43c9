import type { Device } from "@eet/server/api-types";
import { badnessOf, type DeviceState, deviceStates } from "./device-state.ts";

/** Orders that the fleet can be shown in. */
export const fleetOrders = ["attention", "name", "recent", "size"] as const;

/** One of {@link fleetOrders}. */
export type FleetOrder = (typeof fleetOrders)[number];

/** What is shown of the fleet. */
export interface FleetFilter {
  /** Part of name, id or tag, in any case. */
  readonly search: string;
  readonly state: DeviceState | "all";
  /** Empty: any. */
  readonly tag: string;
  /** Something that the server found of a device that is connected, or `offline`; empty: any. */
  readonly condition: string;
}

/** A device with its state. */
export interface FleetEntry {
  readonly device: Device;
  readonly state: DeviceState;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** What a device is called: its name, else its id. */
export function titleOf({ name, hwid }: Pick<Device, "name" | "hwid">): string {
  return name ?? hwid ?? "without id";
}

/** Its place in addresses and requests. */
export function pathHwid({ hwid }: Pick<Device, "hwid">): string {
  return hwid ?? "~";
}

/** Orders devices by what they are called, numbers as people do. */
export function orderByTitle(devices: readonly Device[]): readonly Device[] {
  return [...devices].sort((a, b) => collator.compare(titleOf(a), titleOf(b)));
}

/**
 * Picks and orders what is to be shown.
 * @param entries - by title: states change often, and comparing titles is what takes time
 */
export function arrangeFleet(
  entries: readonly FleetEntry[],
  filter: FleetFilter,
  order: FleetOrder,
): readonly FleetEntry[] {
  const wanted = filter.search.trim().toLowerCase();
  return entries
    .filter(({ device, state }) => {
      if (filter.state !== "all" && state !== filter.state) return false;
      if (filter.condition !== "" && !hasCondition(device, state, filter.condition)) return false;
      if (filter.tag !== "" && !device.tags.includes(filter.tag)) return false;
      return wanted === "" || searchTexts(device).some((text) => text.toLowerCase().includes(wanted));
    })
    .sort(comparisons[order]);
}

/** What the server found of a device that is away was of before. */
function hasCondition(device: Device, state: DeviceState, wanted: string): boolean {
  if (state === "offline" || wanted === "offline") return state === wanted;
  return device.health.some(({ condition }) => condition === wanted);
}

/** How many devices are in each state. */
export function countStates(entries: readonly FleetEntry[]): Readonly<Record<DeviceState, number>> {
  const counts = { clipping: 0, gap: 0, silent: 0, live: 0, offline: 0 };
  for (const { state } of entries) counts[state] += 1;
  return counts;
}

/** All tags, in order. */
export function listTags(devices: readonly Device[]): readonly string[] {
  return [...new Set(devices.flatMap(({ tags }) => tags))].sort(collator.compare);
}

function searchTexts({ name, hwid, tags }: Device): readonly string[] {
  return [name ?? "", hwid ?? "without id", ...tags];
}

type Comparison = (a: FleetEntry, b: FleetEntry) => number;

const comparisons: Readonly<Record<FleetOrder, Comparison>> = {
  attention: (a, b) => rank(a) - rank(b),
  name: () => 0,
  recent: (a, b) => Date.parse(b.device.last_seen) - Date.parse(a.device.last_seen),
  size: (a, b) => b.device.totals.bytes - a.device.totals.bytes,
};

/** By lasting conditions alone: what passes in seconds must not move tiles about. */
function rank({ device, state }: FleetEntry): number {
  if (state === "offline") return deviceStates.indexOf("offline");
  return Math.min(deviceStates.indexOf("live"), ...device.health.map(({ condition }) => badnessOf(condition)));
}
