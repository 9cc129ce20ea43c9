import { parseAppsettings } from "./appsettings.ts";
import { chooseValues, readSection } from "./choose-values.ts";
import { chooseDeviceValues } from "./device-settings.ts";
import { fileLayer, flagLayer, variableLayer } from "./layers.ts";
import { findListeningIssues } from "./listening-settings.ts";
import { findMissingOidc, readOidcSettings } from "./oidc-settings.ts";
import { findMissing, readS3Settings, settleCredentials } from "./s3-settings.ts";
import type { SettingSource } from "./setting-source.ts";
import { allSettings, createDeviceSection, type Settings, serverSection } from "./settings.ts";
import { SettingsError } from "./settings-error.ts";
import { chooseWebhooks, findMissingSecrets, readEventSettings } from "./webhook-settings.ts";

/** Even on one core: several syncs at once cost the disk little more than one. */
const minFinishWorkers = 4;

/** What the layers hold, as read. */
export interface SettingsInput {
  /** By name without the leading dashes (`rotate-s`): texts, or booleans for `--wav` and `--no-wav`. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The variables of `.env`. */
  readonly dotenv?: Readonly<Record<string, string | undefined>>;
  /** The text of appsettings.json. */
  readonly appsettings?: string | undefined;
  /** Processor cores: default for `Server:FinishWorkers`. */
  readonly coreCount: number;
}

/** The settings in effect and where each comes from. */
export interface EffectiveSettings {
  readonly settings: Settings;
  /** By key (`S3:Bucket`, `Devices:probe-1:NibbleOrder`), one for every setting that listings show. */
  readonly sources: ReadonlyMap<string, SettingSource>;
}

/**
 * Works the effective settings out of the layers: flags > environment > .env > appsettings.json > defaults.
 * A name counts in any case. Pure: reads nothing but its input and changes nothing.
 * @throws SettingsError (`CONFIG_INVALID`) that names every unknown key, bad value and missing setting at once
 */
export function loadSettings(input: SettingsInput): EffectiveSettings {
  const file = parseAppsettings(input.appsettings ?? "{}");
  const layers = [
    flagLayer(input.flags ?? {}),
    variableLayer("environment", input.environment ?? {}),
    variableLayer(".env", input.dotenv ?? {}),
    fileLayer(file.values),
  ];
  const main = chooseValues(allSettings, layers);
  const devices = chooseDeviceValues(file.devices);
  const webhooks = chooseWebhooks(file.webhooks);
  const chosen = settleCredentials(main.chosen);
  const found = [...file.issues, ...main.issues, ...devices.issues, ...webhooks.issues];
  const blamed = new Set(found.map(({ key }) => key));
  const listening = findListeningIssues((key) => chosen.get(key)?.value).filter(({ key }) => !blamed.has(key));
  const oidc = findMissingOidc(chosen).filter(({ key }) => !blamed.has(key));
  const missing = [
    ...findMissing(chosen, blamed),
    ...findMissingSecrets(chosen, webhooks, blamed),
    ...listening,
    ...oidc,
  ];
  const issues = [...found, ...missing];
  if (issues.length > 0) throw new SettingsError(issues);

  const settings: Settings = {
    // A finishing thread waits for the disk half of its time.
    server: { finishWorkers: Math.max(minFinishWorkers, input.coreCount), ...readSection(serverSection, chosen) },
    oidc: readOidcSettings(chosen),
    events: readEventSettings(chosen, webhooks),
    s3: readS3Settings(chosen),
    devices: new Map(devices.hwids.map((hwid) => [hwid, readSection(createDeviceSection(hwid), devices.chosen)])),
  };
  const sources = new Map<string, SettingSource>();
  for (const { key } of allSettings) sources.set(key, chosen.get(key)?.source ?? { layer: "default" });
  for (const [key, { source }] of [...devices.chosen, ...webhooks.chosen]) sources.set(key, source);
  return { settings, sources };
}
