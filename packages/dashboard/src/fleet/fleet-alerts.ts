import { deviceStates, nameCondition } from "./device-state.ts";
import type { FleetEntry } from "./fleet-order.ts";

/** How an alert is drawn: as the state that its condition makes, else with a shape of its own. */
export type AlertShape = "clipping" | "gap" | "silent" | "notice" | "offline";

/** Something that needs a person. */
export interface FleetAlert {
  readonly shape: AlertShape;
  /** As the server has it; `offline` for devices that are away. */
  readonly condition: string;
  /** Such as `digital silence`. */
  readonly label: string;
  /** Those it holds of, the longest first. */
  readonly entries: readonly { readonly entry: FleetEntry; readonly sinceMs: number }[];
}

const shapes: Readonly<Record<string, AlertShape>> = {
  clipping: "clipping",
  "no-data": "gap",
  dead: "silent",
  "stuck-dc": "silent",
  offline: "offline",
};

/** Gathers by condition what holds now: what is worst first, and of as bad things what fewer devices have. */
export function gatherAlerts(entries: readonly FleetEntry[]): readonly FleetAlert[] {
  const found = new Map<string, { entry: FleetEntry; sinceMs: number }[]>();
  const add = (condition: string, entry: FleetEntry, since: string) => {
    const held = found.get(condition) ?? [];
    found.set(condition, held);
    held.push({ entry, sinceMs: Date.parse(since) });
  };
  for (const entry of entries) {
    if (entry.state === "offline") add("offline", entry, entry.device.last_seen);
    else for (const { condition, since } of entry.device.health) add(condition, entry, since);
  }
  return [...found]
    .map(([condition, held]) => ({
      condition,
      label: nameCondition(condition),
      shape: shapes[condition] ?? "notice",
      entries: held.sort((a, b) => a.sinceMs - b.sinceMs),
    }))
    .sort((a, b) => badness(a) - badness(b) || a.entries.length - b.entries.length);
}

function badness({ shape }: FleetAlert): number {
  return shape === "notice" ? deviceStates.indexOf("offline") - 0.5 : deviceStates.indexOf(shape);
}
