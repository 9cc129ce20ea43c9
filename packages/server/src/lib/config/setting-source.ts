/** Where values come from, the strongest first. */
export const layerNames = ["flag", "environment", ".env", "appsettings.json", "default"] as const;

/** One of {@link layerNames}. */
export type LayerName = (typeof layerNames)[number];

/** Where the value of a setting comes from. */
export interface SettingSource {
  readonly layer: LayerName;
  /** The name as written there; absent for defaults. */
  readonly name?: string;
}

/** A source in words, such as `S3_BUCKET in .env`. */
export function describeSource({ layer, name }: SettingSource): string {
  if (name === undefined) return layer;
  // Names come from outside: a line break in one must not start a line of its own.
  const shown = /^[\w:.-]{1,100}$/.test(name) ? name : JSON.stringify(name.slice(0, 100));
  return layer === "flag" ? `flag ${shown}` : `${shown} in ${layer === "environment" ? "the environment" : layer}`;
}
