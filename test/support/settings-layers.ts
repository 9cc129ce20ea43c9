import assert from "node:assert/strict";
import {
  type EffectiveSettings,
  loadSettings,
  type SettingsInput,
} from "../../packages/server/src/lib/config/load-settings.ts";
import { SettingsError } from "../../packages/server/src/lib/config/settings-error.ts";

/** Layers of a test; `file` becomes appsettings.json. */
export type Layers = Omit<SettingsInput, "coreCount" | "appsettings"> & { readonly file?: unknown };

/** Loads the layers on a machine with 4 cores. */
export function load({ file, ...layers }: Layers = {}): EffectiveSettings {
  return loadSettings({ coreCount: 4, ...layers, appsettings: file === undefined ? undefined : JSON.stringify(file) });
}

/** Loads layers that must be refused. */
export function fail(layers: Layers | SettingsInput): SettingsError {
  try {
    "coreCount" in layers ? loadSettings(layers) : load(layers);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    assert.equal(error.code, "CONFIG_INVALID");
    return error;
  }
  return assert.fail("the settings were accepted");
}
