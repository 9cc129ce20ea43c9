import Type from "typebox";
import type { Setting } from "./setting.ts";
import { describeAllowed } from "./setting-value.ts";
import { createDeviceSection, s3IdentitySection, s3Section, serverSection } from "./settings.ts";

/** A flag of the command line, for the parser and for `--help`. */
export interface SettingFlag {
  /** Without the leading dashes. */
  readonly name: string;
  /** `boolean`: `--name` and `--no-name`; `string`: `--name VALUE`. */
  readonly type: "boolean" | "string";
  readonly description: string;
  readonly allowed: string;
  readonly defaultText: string;
}

/** All flags that settings have, in the order of listings. */
export function listSettingFlags(): readonly SettingFlag[] {
  return [...serverSection.settings, ...s3Section.settings].flatMap((setting) => {
    if (setting.flag === undefined) return [];
    const type = Type.IsBoolean(setting.schema) ? "boolean" : "string";
    const { flag: name, description } = setting;
    return [{ name, type, description, allowed: describeAllowed(setting), defaultText: describeDefault(setting) }];
  });
}

/** The tables of docs/configuration.md, in Markdown. */
export function formatSettingsTables(): string {
  return [
    formatTable("Server", serverSection.settings),
    formatTable("Upload", s3Section.settings),
    formatTable("Credentials", s3IdentitySection.settings),
    formatTable("Devices", createDeviceSection("{hwid}").settings),
  ].join("\n");
}

function formatTable(title: string, settings: readonly Setting[]): string {
  const columns: readonly (readonly [head: string, cell: (setting: Setting) => string])[] = [
    ["appsettings.json", ({ isInFile, key }) => (isInFile ? code(key) : "")],
    ["Environment, `.env`", (setting) => listVariables(setting).join("<br>")],
    ["Flag", ({ flag }) => (flag === undefined ? "" : code(`--${flag}`))],
    ["Default", describeDefault],
    ["Allowed", (setting) => describeAllowed(setting) + (setting.unit === undefined ? "" : ` (${setting.unit})`)],
    ["What it does", ({ description }) => description],
  ];
  // Columns that are empty throughout say nothing.
  const used = columns.filter(([, cell]) => settings.some((setting) => cell(setting) !== ""));
  const rows = [
    used.map(([head]) => head),
    used.map(() => "---"),
    ...settings.map((setting) => used.map(([, cell]) => cell(setting))),
  ];
  return `### ${title}\n\n${rows.map((row) => `| ${row.join(" | ")} |\n`).join("")}`;
}

function listVariables({ environment, variables = {} }: Setting): readonly string[] {
  const customary = Object.entries(variables).map(([provider, name]) => `${code(name)} (${provider})`);
  return [...environment.map(code), ...customary];
}

function describeDefault({ defaultText, fallback }: Setting): string {
  return defaultText ?? (fallback === undefined ? "none" : String(fallback));
}

function code(text: string): string {
  return `\`${text}\``;
}
