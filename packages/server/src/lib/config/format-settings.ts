import { createWebhookSection, eventSecretsSection, eventsSection } from "./event-sections.ts";
import type { EffectiveSettings } from "./load-settings.ts";
import { oidcSecretsSection, oidcSection } from "./oidc-settings.ts";
import type { Setting } from "./setting.ts";
import { describeSource, type SettingSource } from "./setting-source.ts";
import { createDeviceSection, s3IdentitySection, s3Section, serverSection } from "./settings.ts";

/** One setting as people may see it. */
export interface SettingRow {
  readonly key: string;
  /** Secrets are masked; `null` = not set. */
  readonly value: string | number | boolean | null;
  readonly source: SettingSource;
}

/** Lists the effective settings, secrets masked; the rows are plain JSON. */
export function listSettings({ settings, sources }: EffectiveSettings): readonly SettingRow[] {
  const { credentials, ...s3 } = settings.s3;
  const rowsOf = (section: readonly Setting[], values: object) =>
    section.map((setting) => createRow(setting, new Map(Object.entries(values)).get(setting.property), sources));
  const { webhooks, ...events } = settings.events;
  // That of Events:WebhookUrl has its rows there.
  const listed = webhooks.filter(({ url, name }) => name !== "default" || url !== events.webhookUrl);
  return [
    ...rowsOf(serverSection.settings, settings.server),
    ...rowsOf(oidcSection.settings, settings.oidc),
    ...rowsOf(oidcSecretsSection.settings, settings.oidc),
    ...rowsOf(eventsSection.settings, events),
    ...rowsOf(eventSecretsSection.settings, events),
    ...rowsOf(s3Section.settings, s3),
    ...rowsOf(s3IdentitySection.settings, { ...s3, ...credentials }),
    ...listed.flatMap((webhook) => rowsOf(createWebhookSection(webhook.name).settings, webhook)),
    ...[...settings.devices].flatMap(([hwid, device]) => rowsOf(createDeviceSection(hwid).settings, device)),
  ];
}

/** The effective settings as a text table, one line for each: key, value, source. */
export function formatSettings(effective: EffectiveSettings): string {
  const cells = listSettings(effective).map(({ key, value, source }) => [
    key,
    value === null ? "(not set)" : value === "" ? '""' : String(value),
    describeSource(source),
  ]);
  const widths = [0, 1].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}\n`).join("");
}

/** The effective settings as JSON text: an array of {@link SettingRow}. */
export function formatSettingsJson(effective: EffectiveSettings): string {
  return `${JSON.stringify(listSettings(effective), null, 2)}\n`;
}

function createRow(setting: Setting, value: unknown, sources: ReadonlyMap<string, SettingSource>): SettingRow {
  return {
    key: setting.key,
    value: showValue(setting, value),
    source: (value === undefined ? undefined : sources.get(setting.key)) ?? { layer: "default" },
  };
}

function showValue({ secret, redact }: Setting, value: unknown): SettingRow["value"] {
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value !== "string") return null;
  if (secret) return maskSecret(value);
  return redact === undefined ? value : redact(value);
}

/** Enough of a secret to recognise it: its last 4 characters, and only if it is longer than 12. */
export function maskSecret(secret: string): string {
  return secret.length > 12 ? `****${secret.slice(-4)}` : "****";
}
