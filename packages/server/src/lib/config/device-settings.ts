import { isRecord, kindOf } from "./appsettings.ts";
import { type Choice, type ChosenValue, chooseValues } from "./choose-values.ts";
import { fileLayer } from "./layers.ts";
import { describeSource } from "./setting-source.ts";
import { createDeviceSection } from "./settings.ts";
import type { SettingsIssue } from "./settings-error.ts";

/** What is set for devices, keyed `Devices:probe-1:NibbleOrder`. */
export interface DeviceChoice extends Choice {
  /** Sanitised, as far as they are usable. */
  readonly hwids: readonly string[];
}

/** Reads section `Devices`: hwids, sanitised as those of connections are, each with its settings. [P-1.8] */
export function chooseDeviceValues(entries: readonly (readonly [hwid: string, content: unknown])[]): DeviceChoice {
  const hwids = new Set<string>();
  const chosen = new Map<string, ChosenValue>();
  const issues: SettingsIssue[] = [];
  for (const [written, content] of entries) {
    // `..` stands for no device: left as it is, it is refused like any other character.
    const hwid = written.includes("..") ? written : written.replace(/[:.]/g, "_");
    const fault = findFault(hwid, hwids);
    if (fault !== undefined) issues.push(badDevice(written, fault));
    else if (!isRecord(content)) issues.push(badDevice(written, `must be an object, found ${kindOf(content)}`));
    else {
      hwids.add(hwid);
      const layer = fileLayer(Object.entries(content).map(([name, value]) => [`Devices:${hwid}:${name}`, value]));
      const choice = chooseValues(createDeviceSection(hwid).settings, [layer]);
      for (const [key, value] of choice.chosen) chosen.set(key, value);
      issues.push(...choice.issues);
    }
  }
  return { hwids: [...hwids], chosen, issues };
}

function findFault(hwid: string, taken: ReadonlySet<string>): string | undefined {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(hwid))
    return "is not a hwid; allowed: 1 to 64 letters, digits, '-' and '_' (':' and '.' are taken as '_')";
  if (hwid === "echo") return "is not a hwid; it is reserved for /ws/echo";
  return taken.has(hwid) ? "names a device for the second time (':' and '.' are taken as '_')" : undefined;
}

function badDevice(written: string, fault: string): SettingsIssue {
  const source = { layer: "appsettings.json", name: `Devices:${written}` } as const;
  return { code: "CONFIG_BAD_VALUE", key: source.name, source, message: `${describeSource(source)} ${fault}` };
}
