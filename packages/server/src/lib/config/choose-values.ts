import { findUnknown, type Layer } from "./layers.ts";
import {
  type S3Provider,
  type Section,
  type Setting,
  type SettingDeclarations,
  type SettingValues,
  s3Providers,
} from "./setting.ts";
import { describeSource, type SettingSource } from "./setting-source.ts";
import { describeAllowed, describeReceived, isUnset, parseSettingValue } from "./setting-value.ts";
import type { SettingsIssue } from "./settings-error.ts";

/** A value and where it comes from. */
export interface ChosenValue {
  readonly value: unknown;
  readonly source: SettingSource;
}

/** What the layers say about some settings. */
export interface Choice {
  /** By the setting's key; a setting that no layer sets is absent. */
  readonly chosen: ReadonlyMap<string, ChosenValue>;
  readonly issues: readonly SettingsIssue[];
}

/**
 * Takes each setting from the strongest layer that sets it, and within a layer from the strongest of its names. Every
 * value is checked, also those that a stronger one hides, and every name.
 * @param settings - a setting with provider variables stands after `S3:Provider`
 * @param layers - the strongest first
 */
export function chooseValues(settings: readonly Setting[], layers: readonly Layer[]): Choice {
  const chosen = new Map<string, ChosenValue>();
  const issues: SettingsIssue[] = [];
  for (const setting of settings) {
    for (const { received, source } of listCandidates(setting, layers, providerOf(chosen))) {
      const value = parseSettingValue(setting, received);
      if (value === undefined) issues.push(badValue(setting, received, source));
      else if (!chosen.has(setting.key)) chosen.set(setting.key, { value, source });
    }
  }
  const provider = providerOf(chosen);
  return { chosen, issues: [...layers.flatMap((layer) => findUnknown(layer, settings, provider)), ...issues] };
}

/** The provider chosen, or the default one. */
export function providerOf(chosen: ReadonlyMap<string, ChosenValue>): S3Provider {
  return s3Providers.find((provider) => provider === chosen.get("S3:Provider")?.value) ?? "aws";
}

/** The values of a section: chosen, else the fallback, else absent. */
export function readSection<D extends SettingDeclarations>(
  { settings }: Section<D>,
  chosen: ReadonlyMap<string, ChosenValue>,
): SettingValues<D> {
  const values = settings.flatMap(({ key, property, fallback }) => {
    const value = chosen.get(key)?.value ?? fallback;
    return value === undefined ? [] : [[property, value]];
  });
  // Each value was checked against its declaration's schema, which is what the type is made of.
  return Object.fromEntries(values) as SettingValues<D>;
}

function listCandidates(setting: Setting, layers: readonly Layer[], provider: S3Provider) {
  return layers.flatMap(({ layer, entries, namesOf }) =>
    namesOf(setting, provider)
      .map((name) => entries.get(name.toLowerCase()))
      .filter((entry) => entry !== undefined)
      .filter(({ received }) => !isUnset(received))
      .map(({ name, received }) => ({ received, source: { layer, name } })),
  );
}

function badValue(setting: Setting, received: unknown, source: SettingSource): SettingsIssue {
  const message = `${setting.key} cannot be ${describeReceived(setting, received)} (${describeSource(source)}); allowed: ${describeAllowed(setting)}`;
  return { code: "CONFIG_BAD_VALUE", key: setting.key, source, message };
}
