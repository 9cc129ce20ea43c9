import { findJsonFault } from "./json-fault.ts";
import type { SettingsIssue } from "./settings-error.ts";

/** What appsettings.json says, before any value is checked. */
export interface Appsettings {
  /** Values by path, such as `S3:Bucket`. */
  readonly values: readonly (readonly [path: string, received: unknown])[];
  /** What stands in section `Devices`, by hwid as written. */
  readonly devices: readonly (readonly [hwid: string, received: unknown])[];
  /** What stands in the list `Webhooks`. */
  readonly webhooks: readonly unknown[];
  readonly issues: readonly SettingsIssue[];
}

/** Takes the text of appsettings.json apart into its sections; names of sections count in any case. */
export function parseAppsettings(text: string): Appsettings {
  const fault = findJsonFault(text);
  if (fault !== undefined) {
    const place = `line ${fault.line}, column ${fault.column}`;
    const message = `appsettings.json, ${place}: expected ${fault.expected}, found ${fault.found}; it must be plain JSON, without comments`;
    return { values: [], devices: [], webhooks: [], issues: [badFile(message)] };
  }
  const root: unknown = JSON.parse(text);
  if (!isRecord(root)) {
    const message = `appsettings.json must hold an object with the sections Server, Oidc, Events, Webhooks, S3 and Devices, found ${kindOf(root)}`;
    return { values: [], devices: [], webhooks: [], issues: [badFile(message)] };
  }
  const values: [string, unknown][] = [];
  const devices: [string, unknown][] = [];
  const webhooks: unknown[] = [];
  const issues: SettingsIssue[] = [];
  for (const [section, content] of Object.entries(root)) {
    const isSection = /^(?:server|oidc|events|webhooks|s3|devices)$/i.test(section);
    // `S3:Bucket` at the top says the same as `Bucket` in `S3`; other names are left to be found unknown.
    if (!isSection) values.push([section, content]);
    else if (content === null) continue;
    else if (/^webhooks$/i.test(section)) {
      if (Array.isArray(content)) webhooks.push(...content);
      else issues.push(badSection(section, content, "a list"));
    } else if (!isRecord(content)) issues.push(badSection(section, content, "an object"));
    else if (/^devices$/i.test(section)) devices.push(...Object.entries(content));
    else
      values.push(
        ...Object.entries(content).map(([name, value]) => [`${section}:${name}`, value] as [string, unknown]),
      );
  }
  return { values, devices, webhooks, issues };
}

/** Tells whether a JSON value is an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The kind of a JSON value in words; the value itself may be a misplaced secret. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

function badFile(message: string): SettingsIssue {
  return { code: "CONFIG_BAD_FILE", key: "appsettings.json", source: { layer: "appsettings.json" }, message };
}

function badSection(section: string, content: unknown, expected: string): SettingsIssue {
  const message = `${section} in appsettings.json must be ${expected}, found ${kindOf(content)}`;
  return { code: "CONFIG_BAD_VALUE", key: section, source: { layer: "appsettings.json", name: section }, message };
}
