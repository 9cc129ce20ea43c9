import { readSettings } from "./config/config-store.ts";
import { listSettings } from "./config/format-settings.ts";
import { isLiveSetting } from "./config/live-settings.ts";
import type { EffectiveSettings, SettingsInput } from "./config/load-settings.ts";
import type { Settings } from "./config/settings.ts";
import { toError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";

export interface ReloadingOptions extends Pick<SettingsInput, "flags" | "environment"> {
  /** Working folder: settings files are read from it. */
  readonly folder: string;
  /** What the server was started with. */
  readonly effective: EffectiveSettings;
  readonly log: Log;
  /** Takes over what can change live. */
  readonly apply: (settings: Settings) => Promise<void>;
}

/** Reads the settings again while the server runs; flags and environment stay as they were at the start. */
export class Reloading {
  readonly #options: ReloadingOptions;
  #effective: EffectiveSettings;
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: ReloadingOptions) {
    this.#options = options;
    this.#effective = options.effective;
  }

  /**
   * Reads them now, after a reading at work. Settings that are wrong change nothing; those that need a restart stay as they
   * are, and the log names them. Never rejects.
   */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  async #reload(): Promise<void> {
    const { folder, flags, environment, log, apply } = this.#options;
    try {
      const given = { ...(flags && { flags }), ...(environment && { environment }) };
      const fresh = await readSettings(folder, given);
      const changed = listChanges(this.#effective, fresh);
      const live = changed.filter(isLiveSetting);
      // What waits for a restart stays named by each reload until then.
      const waiting = listChanges(this.#options.effective, fresh).filter((key) => !isLiveSetting(key));
      await apply(fresh.settings);
      this.#effective = fresh;
      log.info({ changed: live }, live.length === 0 ? "settings reloaded: nothing changes live" : "settings reloaded");
      if (waiting.length > 0) log.warn({ settings: waiting }, "settings changed that take effect with the next start");
    } catch (thrown) {
      log.error({ error: toError(thrown).message }, "settings not reloaded: those in force stay");
    }
  }
}

/** Keys with another value; secrets that change are not told apart. */
function listChanges(before: EffectiveSettings, after: EffectiveSettings): readonly string[] {
  const [old, fresh] = [before, after].map((effective) => {
    return new Map(listSettings(effective).map(({ key, value }) => [key, value]));
  }) as [Map<string, unknown>, Map<string, unknown>];
  return [...new Set([...old.keys(), ...fresh.keys()])].filter(
    // A device that is new has rows for what is not set, too.
    (key) => (old.get(key) ?? null) !== (fresh.get(key) ?? null),
  );
}
