import Type from "typebox";
import { createWebhookSection, eventSecretsSection, eventsSection } from "./event-sections.ts";
import { oidcSecretsSection, oidcSection } from "./oidc-settings.ts";
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
  const sections = [serverSection, oidcSection, eventsSection, s3Section];
  return sections
    .flatMap(({ settings }) => settings)
    .flatMap((setting: Setting) => {
      if (setting.flag === undefined) return [];
      const type = Type.IsBoolean(setting.schema) ? "boolean" : "string";
      const { flag: name, description } = setting;
      return [{ name, type, description, allowed: describeAllowed(setting), defaultText: describeDefault(setting) }];
    });
}

/** Variables of the environment that hold secrets, in upper case, whichever provider they are of. */
export function listSecretVariables(): ReadonlySet<string> {
  const named = [serverSection, oidcSection, oidcSecretsSection, eventsSection, eventSecretsSection];
  const sections: readonly { readonly settings: readonly Setting[] }[] = [...named, s3Section, s3IdentitySection];
  const secret = sections.flatMap(({ settings }) => settings).filter((setting) => setting.secret === true);
  const names = secret.flatMap(({ environment, variables = {} }) => [...environment, ...Object.values(variables)]);
  return new Set(names.map((name) => name.toUpperCase()));
}

/** The tables of docs/configuration.md, in Markdown. */
export function formatSettingsTables(): string {
  return [
    formatTable("Server", serverSection.settings),
    formatTable("OpenID", [...oidcSection.settings, ...oidcSecretsSection.settings]),
    formatTable("Events", [...eventsSection.settings, ...eventSecretsSection.settings]),
    formatTable("Webhooks", createWebhookSection("{Name}").settings),
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
    ["Live", ({ isLive }) => (isLive ? "yes" : "")],
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
