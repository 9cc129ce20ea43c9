import { segmentMarkerName, segmentVariableNames } from "../kernel/segment-variables.ts";
import { closestName } from "./closest-name.ts";
import type { S3Provider, Setting } from "./setting.ts";
import { describeSource, type LayerName } from "./setting-source.ts";
import type { SettingsIssue } from "./settings-error.ts";

/** A value under the name it was given. */
export interface Entry {
  readonly name: string;
  readonly received: unknown;
}

/** All that one place says. */
export interface Layer {
  readonly layer: LayerName;
  /** By name in lower case: names count in any case. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** The names that a setting has here, the strongest first. */
  readonly namesOf: (setting: Setting, provider: S3Provider) => readonly string[];
  /** Whether a name that no setting has is an error here. */
  readonly isOurs: (name: string) => boolean;
}

type NamedValue = readonly [name: string, received: unknown];

/** The layer of command-line flags, named without their leading dashes; `undefined` values were not given. */
export function flagLayer(flags: Readonly<Record<string, unknown>>): Layer {
  return {
    layer: "flag",
    entries: byLowerCase(Object.entries(flags).map(([name, received]) => [`--${name}`, received])),
    namesOf: ({ flag }) => (flag === undefined ? [] : [`--${flag}`]),
    isOurs: () => true,
  };
}

/**
 * A layer of variables. Names that begin with `EET_` or `S3_` are ours, all others may belong to anybody. In a command
 * that is run per segment the names of its facts are not settings, though one of them, `EET_WAV`, is otherwise.
 */
export function variableLayer(
  layer: "environment" | ".env",
  variables: Readonly<Record<string, string | undefined>>,
): Layer {
  return {
    layer,
    entries: byLowerCase(Object.entries(variables).filter(([name]) => !isSegmentFact(name, variables))),
    namesOf: ({ environment, variables: customary }, provider) => {
      const variable = customary?.[provider];
      return variable === undefined ? environment : [...environment, variable];
    },
    // That of a client: a command line that asks a server has its settings beside it.
    isOurs: (name) => /^(?:EET|S3)_/i.test(name) && name.toUpperCase() !== "EET_TOKEN",
  };
}

function isSegmentFact(name: string, variables: Readonly<Record<string, unknown>>): boolean {
  return segmentMarkerName in variables && segmentVariableNames.some((known) => known === name);
}

/** The layer of appsettings.json, from its entries by path such as `S3:Bucket`. */
export function fileLayer(entries: readonly NamedValue[]): Layer {
  return {
    layer: "appsettings.json",
    entries: byLowerCase(entries),
    namesOf: ({ isInFile, key }) => (isInFile ? [key] : []),
    isOurs: () => true,
  };
}

/** Of names that differ only in case the one that sorts first counts, capitals before small letters. */
function byLowerCase(values: readonly NamedValue[]): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [name, received] of values.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const lower = name.toLowerCase();
    if (received !== undefined && !entries.has(lower)) entries.set(lower, { name, received });
  }
  return entries;
}

/** An issue for each name of a layer that none of the settings has. Values are not shown: they may be misplaced secrets. */
export function findUnknown(
  { layer, entries, namesOf, isOurs }: Layer,
  settings: readonly Setting[],
  provider: S3Provider,
): readonly SettingsIssue[] {
  const known = settings.flatMap((setting) => namesOf(setting, provider));
  const knownLower = new Set(known.map((name) => name.toLowerCase()));
  return [...entries]
    .filter(([lower, { name }]) => isOurs(name) && !knownLower.has(lower))
    .map(([, { name }]) => {
      const source = { layer, name };
      const closest = closestName(name, known);
      const hint = closest === undefined ? `known are ${known.join(", ")}` : `did you mean ${closest}?`;
      const message = `${describeSource(source)} is not a setting; ${hint}`;
      return { code: "CONFIG_UNKNOWN_KEY", key: name, source, message };
    });
}
